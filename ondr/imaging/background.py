"""Backgrounds, seen where no triangle is: a texture under an affine map, between two colours, or a panorama."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int32
from torch import Tensor

from ondr.assets.bank import Bank
from ondr.geometry import invert, product, rotation_about
from ondr.imaging.environment import between_poles, panorama_uv
from ondr.imaging.texture import LINEAR_FROM_SQUARE, fetch_level
from ondr.lens import rays_through
from ondr.planes import Vector, add_product, places, rotated, take, take_one, unit
from ondr.scene import Background, Camera


@dataclass(frozen=True)
class PanoramaTables:
    """A batch's panoramas, looked up by the directions of pixels' rays."""

    shown: Bool[Tensor, "batch"]
    """Whether an image has one."""
    texture: Int32[Tensor, "batch 3"]
    """First texel, log2 of the side, and the mip level, one for the whole image."""
    frame: Float[Tensor, "batch 19"]
    """The inverse of K (9), panorama_from_camera (9) and the linear radiance of a full texel (1)."""
    distortion: Float[Tensor, "batch 5"] | None
    """`Camera.distortion`."""


@dataclass(frozen=True)
class BackgroundTables:
    """Inputs of a batch's backgrounds."""

    texels: Int32[Tensor, "texel"]
    """`Bank.texels`."""
    texture: Int32[Tensor, "batch 3"]
    """First texel, log2 of the side, and the mip level, one for the whole image since the map is affine."""
    uv_from_pixel: Float[Tensor, "batch 2 3"]
    color: Float[Tensor, "batch 3"]
    dark: Float[Tensor, "batch 3"] | None
    panorama: PanoramaTables | None = None


def background_tables(bank: Bank, background: Background, camera: Camera) -> BackgroundTables:
    """Derives the tables of a batch, once per batch.

    Args:
        bank: Its textures are read.
        background: The scene's.
        camera: The scene's; only panoramas depend on it.
    """
    first, log2_side = bank.textures.index_select(0, background.texture).unbind(-1)
    longest = background.uv_from_pixel[..., :2].square().sum(1).amax(-1)
    detail = log2_side + 0.5 * torch.log2(longest.clamp_min(1e-20))
    level = torch.minimum((detail + 0.5).floor().int().clamp_min(0), log2_side)
    return BackgroundTables(
        texels=bank.texels,
        texture=torch.stack([first, log2_side, level], dim=-1),
        uv_from_pixel=background.uv_from_pixel,
        color=background.color,
        dark=background.dark,
        panorama=_panorama_tables(bank, background, camera),
    )


def _panorama_tables(bank: Bank, background: Background, camera: Camera) -> PanoramaTables | None:
    row, radiance, yaw = background.panorama, background.panorama_radiance, background.panorama_yaw_degrees
    if row is None or radiance is None or yaw is None:
        return None
    first, log2_side = bank.textures.index_select(0, row.clamp_min(0)).unbind(-1)
    # The texture's height spans pi.
    focal = camera.intrinsics[:, :2, :2].square().sum(1).amax(1).sqrt()
    detail = log2_side - torch.log2(focal * math.pi)
    level = torch.minimum((detail + 0.5).floor().int(), log2_side - 1).clamp_min(0)
    rotation = product(rotation_about("z", -yaw), camera.camera_from_world[:, :3, :3].mT)
    return PanoramaTables(
        shown=row >= 0,
        texture=torch.stack([first, log2_side, level], dim=-1),
        frame=torch.cat([invert(camera.intrinsics).flatten(1), rotation.flatten(1), radiance[:, None]], dim=1),
        distortion=camera.distortion,
    )


def background_at(tables: BackgroundTables, image: Tensor, x: Tensor, y: Tensor) -> Vector:
    """Returns the backgrounds at points of images.

    Args:
        tables: The batch's.
        image: Row of the batch, int32, any shape.
        x: Pixels from the left edge, same shape.
        y: Pixels from the top edge, same shape.

    Returns:
        Linear RGB, three planes.
    """
    m = take(tables.uv_from_pixel.flatten(1), image)
    u, v = (add_product(add_product(m[i + 2], m[i], x), m[i + 1], y) for i in (0, 3))
    first, log2_side, level = take(tables.texture, image)
    root = fetch_level(tables.texels, first, log2_side, level, u, v)
    colors = take(tables.color, image)
    if tables.dark is None:
        flat = tuple(r * r * (c * LINEAR_FROM_SQUARE) for r, c in zip(root, colors, strict=True))
    else:
        dark = take(tables.dark, image)
        flat = tuple(
            add_product(d, r * r, (c - d) * LINEAR_FROM_SQUARE) for r, c, d in zip(root, colors, dark, strict=True)
        )
    if tables.panorama is None:
        return flat
    shown = take_one(tables.panorama.shown, image)
    beyond = _panorama_at(tables, tables.panorama, image, x, y)
    return tuple(torch.where(shown, a, f) for a, f in zip(beyond, flat, strict=True))


def _panorama_at(tables: BackgroundTables, panorama: PanoramaTables, image: Tensor, x: Tensor, y: Tensor) -> Vector:
    u, v = place_in_panorama(panorama, image, x, y)
    first, log2_side, level = take(panorama.texture, image)
    root = fetch_level(tables.texels, first, log2_side, level, u, v)
    (radiance,) = take(panorama.frame[:, 18:], image)
    return tuple(r * r * (radiance * LINEAR_FROM_SQUARE) for r in root)


def place_in_panorama(panorama: PanoramaTables, image: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Returns u and v of a panorama at points of images.

    Args:
        panorama: The batch's.
        image: Row of the batch, int32, any shape.
        x: Pixels from the left edge, same shape.
        y: Pixels from the top edge, same shape.
    """
    frame = take(panorama.frame[:, :18], image)
    lens = None if panorama.distortion is None else take(panorama.distortion, image)
    ray_x, ray_y = rays_through(frame, x, y, lens)
    u, v = panorama_uv(rotated(frame[9:], unit((ray_x, ray_y, torch.ones_like(ray_x)))))
    _, log2_side, level = take(panorama.texture, image)
    return u, between_poles(v, log2_side, level)


def background_planes(tables: BackgroundTables, size: tuple[int, int]) -> Vector:
    """Returns the backgrounds at pixel centres as three planes `[batch, height, width]`, linear RGB."""
    shape = (len(tables.color), *size)
    image, y, x = places(torch.arange(math.prod(shape), dtype=torch.int32, device=tables.color.device), size)
    dtype = tables.uv_from_pixel.dtype
    return tuple(c.view(shape) for c in background_at(tables, image, x.to(dtype) + 0.5, y.to(dtype) + 0.5))
