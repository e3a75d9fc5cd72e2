"""The background: a crop of a photo, a panorama, a repeated tile, noise, a gradient or a plain colour."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float, Float32
from torch import Tensor

from ondr.assets.bank import Assets
from ondr.draws import Draws
from ondr.geometry import rotation_about
from ondr.sampling.active import Active
from ondr.sampling.materials import color_of
from ondr.scene import Background
from ondr.settings.background import SOURCES

SOURCE = "background.source"
PHOTO, TEXTURE, NOISE, GRADIENT, PANORAMA = (
    SOURCES.index(name) for name in ("photo", "texture", "noise", "gradient", "panorama")
)
RAMP_MARGIN = 1 / 64
"""Share of the ramp texture that is left out at both ends."""


def photo_map(
    draws: Draws, aspect: Float[Tensor, "batch"], photo_size: int, size: tuple[int, int]
) -> Float[Tensor, "batch 2 3"]:
    """Returns uv_from_pixel of a crop with the image's aspect, inside the photo.

    Args:
        draws: Size, place and mirroring of the crop.
        aspect: Width over height of each photo.
        photo_size: Side of the square texture that holds a photo, texels.
        size: Height and width of the image.
    """
    height, width = size
    relative = width / height / aspect
    crop_w = draws["background.crop"] * relative.clamp(max=1)
    crop_h = draws["background.crop"] * (1 / relative).clamp(max=1)
    # Textures wrap: a margin of one texel of the mip level in use keeps the opposite border from bleeding in.
    margin = torch.maximum(crop_w / width, crop_h / height).clamp(min=1 / photo_size, max=0.05)
    inner = 1 - 2 * margin
    left = margin + draws["background.crop_x"] * (1 - crop_w) * inner
    top = margin + draws["background.crop_y"] * (1 - crop_h) * inner
    crop_w, crop_h = crop_w * inner, crop_h * inner
    mirrored = draws["background.mirror"] > 0
    step = torch.where(mirrored, -crop_w, crop_w) / width
    zero = torch.zeros_like(step)
    u = torch.stack([step, zero, torch.where(mirrored, left + crop_w, left)], dim=-1)
    headlong = draws["background.flip_vertical"] > 0
    down = torch.where(headlong, -crop_h, crop_h) / height
    v = torch.stack([zero, down, torch.where(headlong, top + crop_h, top)], dim=-1)
    return torch.stack([u, v], dim=1)


def tile_map(draws: Draws, size: tuple[int, int]) -> Float[Tensor, "batch 2 3"]:
    """Returns uv_from_pixel of a repeated, rotated tile."""
    turn = rotation_about("z", draws["background.rotation_degrees"])[:, :2, :2]
    scale = draws["background.texture_scale"] / min(size)
    offset = torch.stack([draws["background.crop_x"], draws["background.crop_y"]], dim=-1)
    return torch.cat([turn * scale[:, None, None], offset[..., None]], dim=-1)


def gradient_map(draws: Draws, size: tuple[int, int]) -> Float[Tensor, "batch 2 3"]:
    """Returns uv_from_pixel of a ramp that spans the image once."""
    height, width = size
    angle = torch.deg2rad(draws["background.gradient_degrees"])
    x, y = -torch.sin(angle), torch.cos(angle)
    # Textures wrap: the margin keeps the white end from bleeding into the black one.
    step = (1 - 2 * RAMP_MARGIN) / (x.abs() * width + y.abs() * height)
    zero = torch.zeros_like(x)
    u = torch.stack([zero, zero, zero + 0.5], dim=-1)
    v = torch.stack([x * step, y * step, 0.5 - (x * width + y * height) / 2 * step], dim=-1)
    return torch.stack([u, v], dim=1)


def sample_background(
    draws: Draws,
    assets: Assets,
    aspects: Float32[Tensor, "photo"],
    photo_size: int,
    size: tuple[int, int],
    active: Active,
) -> Background:
    """Returns the backgrounds of a batch.

    Args:
        draws: Everything drawn.
        assets: The texture rows of photos, tiles, noise and panoramas.
        aspects: Width over height of all photos; one entry of any value where there are none.
        photo_size: Side of the square texture that holds a photo, texels.
        size: Height and width of the image.
        active: Which sources may be chosen.
    """
    source = draws[SOURCE]
    photo = draws["background.photo"].to(torch.int32)
    row = torch.zeros_like(photo)
    for number, rows, index in (
        (PHOTO, assets.photos, photo),
        (TEXTURE, assets.foreign_textures, draws["background.texture"].to(torch.int32)),
        (NOISE, assets.noise_textures, draws["background.noise"].to(torch.int32)),
    ):
        row = torch.where(source == number, index + rows.start, row)
    is_photo = (source == PHOTO)[:, None, None]
    as_it_is = (source == PHOTO) | (source == TEXTURE)
    background = Background(
        texture=row,
        uv_from_pixel=torch.where(is_photo, photo_map(draws, aspects[photo], photo_size, size), tile_map(draws, size)),
        color=torch.where(as_it_is[:, None], 1.0, color_of(draws, "background.color")),
    )
    if active.may_be(SOURCE, "gradient"):
        background = with_gradients(background, draws, assets, size)
    if assets.panorama_scale is not None and active.may_be(SOURCE, "panorama"):
        chosen = draws["background.panorama"].long()
        background = replace(
            background,
            panorama=torch.where(source == PANORAMA, chosen + assets.panoramas.start, -1).to(torch.int32),
            panorama_radiance=assets.panorama_scale[chosen] * draws["background.panorama_brightness"],
            panorama_yaw_degrees=draws["background.panorama_yaw_degrees"],
        )
    return background


def with_gradients(background: Background, draws: Draws, assets: Assets, size: tuple[int, int]) -> Background:
    """Returns the backgrounds with gradients where they were drawn."""
    gradient = draws[SOURCE] == GRADIENT
    return replace(
        background,
        texture=torch.where(gradient, assets.ramp_texture, background.texture),
        uv_from_pixel=torch.where(gradient[:, None, None], gradient_map(draws, size), background.uv_from_pixel),
        dark=color_of(draws, "background.color2") * gradient[:, None],
    )
