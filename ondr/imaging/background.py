"""What is seen where no triangle is: a texture under an affine map, from one colour to another."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int32
from torch import Tensor

from ondr.assets.bank import Bank
from ondr.imaging.planes import Vector, add_product, places, take
from ondr.imaging.texture import fetch_level
from ondr.scene import Background


@dataclass(frozen=True)
class BackgroundTables:
    """What a batch's backgrounds are computed from."""

    texels: Int32[Tensor, "texel"]
    """`Bank.texels`."""
    texture: Int32[Tensor, "batch 3"]
    """First texel, log2 of the side, and the mip level, one for the whole image since the map is affine."""
    uv_from_pixel: Float[Tensor, "batch 2 3"]
    color: Float[Tensor, "batch 3"]
    dark: Float[Tensor, "batch 3"] | None


def background_tables(bank: Bank, background: Background) -> BackgroundTables:
    """Derives the tables of a batch, once per batch."""
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
    )


def background_at(tables: BackgroundTables, image: Tensor, x: Tensor, y: Tensor) -> Vector:
    """Returns the backgrounds at points of images.

    Args:
        tables: Of the batch.
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
        return tuple(r * r * (c * (1 / 255**2)) for r, c in zip(root, colors, strict=True))
    dark = take(tables.dark, image)
    return tuple(add_product(d, r * r, (c - d) * (1 / 255**2)) for r, c, d in zip(root, colors, dark, strict=True))


def background_planes(tables: BackgroundTables, size: tuple[int, int]) -> Vector:
    """Returns the backgrounds at pixel centres as three planes `[batch, height, width]`, linear RGB."""
    shape = (len(tables.color), *size)
    image, y, x = places(torch.arange(math.prod(shape), dtype=torch.int32, device=tables.color.device), size)
    dtype = tables.uv_from_pixel.dtype
    return tuple(c.view(shape) for c in background_at(tables, image, x.to(dtype) + 0.5, y.to(dtype) + 0.5))
