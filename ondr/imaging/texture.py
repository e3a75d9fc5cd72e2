"""Fetching from the bank of textures: mip level, wrapping, bilinear filtering."""

from __future__ import annotations

import torch
from jaxtyping import Int32
from torch import Tensor

from ondr.planes import Vector, add_product, mix, take_one

EVERY_FOURTH_POWER = 0x55555555
"""Every other bit is set, so that a run of its bits is a sum of consecutive powers of four."""


LINEAR_FROM_SQUARE = 1 / 255**2
"""Linear light over the square of a channel's byte: textures hold square roots, 0..255."""


def unpack(word: Tensor, dtype: torch.dtype) -> Vector:
    """Returns the red, green and blue bytes of RGBA8 words as floats, 0..255."""
    return (word & 255).to(dtype), (word >> 8 & 255).to(dtype), (word >> 16 & 255).to(dtype)


def level_start(log2_side: Tensor, level: Tensor) -> Tensor:
    """Returns the start of a mip level, (4**(n+1) - 4**(n+1-level)) / 3 texels after level 0, without a division."""
    return EVERY_FOURTH_POWER & ((4 << 2 * log2_side) - (4 << 2 * (log2_side - level)))


def fetch_level(
    texels: Int32[Tensor, "texel"], first: Tensor, log2_side: Tensor, level: Tensor, u: Tensor, v: Tensor
) -> Vector:
    """Returns one mip level's colour at (u, v), bilinear and wrapped: the square root of linear light, 0..255."""
    log2_width = log2_side - level
    width = 1 << log2_width
    size = width.to(u.dtype)
    x, y = add_product(torch.full_like(u, -0.5), u, size), add_product(torch.full_like(v, -0.5), v, size)
    left, top = x.floor(), y.floor()
    s, t = x - left, y - top
    start, mask = first + level_start(log2_side, level), width - 1
    # The mask also keeps the address inside the level when a coordinate is NaN.
    columns = [left.int() & mask, (left.int() + 1) & mask]
    rows = [((top.int() & mask) << log2_width) + start, ((top.int() + 1 & mask) << log2_width) + start]
    corners = [[unpack(take_one(texels, row + column), u.dtype) for column in columns] for row in rows]
    upper, lower = (tuple(mix(a, b, s) for a, b in zip(*pair, strict=True)) for pair in corners)
    return tuple(mix(a, b, t) for a, b in zip(upper, lower, strict=True))


def fetch(
    texels: Int32[Tensor, "texel"],
    first: Tensor,
    log2_side: Tensor,
    u: Tensor,
    v: Tensor,
    footprint: Tensor,
    trilinear: bool = False,
) -> Vector:
    """Returns a texture's colour at (u, v): the square root of linear light, 0..255.

    Args:
        texels: The bank's.
        first: First texel of each pixel's texture, int32, any shape.
        log2_side: log2 of the side of each pixel's texture, int32, same shape.
        u: From the texture's left edge, repeating with period 1.
        v: From the texture's top edge, likewise.
        footprint: Squared length of the pixel in the uv plane, along its longer side.
        trilinear: Blend the two nearest mip levels rather than take the nearest one.

    Returns:
        Three planes.

    Source: Williams 1983, "Pyramidal parametrics"; level = log2 of the pixel's length in texels.
    """
    detail = add_product(log2_side.to(u.dtype), torch.log2(footprint.clamp_min(1e-20)), torch.full_like(u, 0.5))
    zero = torch.zeros_like(log2_side)
    if not trilinear:
        # Clamped as an integer, since NaN passes a float clamp.
        level = torch.minimum((detail + 0.5).floor().int().clamp_min(0), log2_side)
        return fetch_level(texels, first, log2_side, level, u, v)
    detail = detail.clamp_min(0)
    below = torch.minimum(detail.int().clamp_min(0), log2_side)
    above = torch.minimum(below + 1, log2_side)
    share = torch.where(above > below, detail - below, zero)
    pair = (fetch_level(texels, first, log2_side, level, u, v) for level in (below, above))
    return tuple(mix(a, b, share) for a, b in zip(*pair, strict=True))
