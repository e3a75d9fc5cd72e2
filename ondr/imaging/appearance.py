"""The colour of a surface before any light falls on it: vertex colour x material colour x texture."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int32
from torch import Tensor

from ondr.assets.bank import Bank
from ondr.imaging.planes import Vector, take, take_one
from ondr.imaging.surface import Corners, Hit, interpolate, uv_at
from ondr.imaging.texture import fetch, unpack
from ondr.scene import Materials

WHITE = 255
"""A channel of the bank's words, in which it holds the square root of linear light."""


@dataclass(frozen=True)
class AppearanceTables:
    """What a batch's surfaces look like. A look is a material of the bank or, after those, an instance's own."""

    words: Int32[Tensor, "vertex"]
    """`Bank.colors`."""
    texels: Int32[Tensor, "texel"]
    """`Bank.texels`."""
    foreign_look: Int32[Tensor, "instance"]
    """Row of the look that was drawn for the instance; -1 where the file's own materials are used."""
    look: Float[Tensor, "look 4"]
    """Linear RGB and the repeats of the texture over the unit square of uv."""
    look_texture: Int32[Tensor, "look 2"]
    """First texel and log2 of the side."""


def appearance_tables(bank: Bank, materials: Materials) -> AppearanceTables:
    """Derives the tables of a batch, once per batch."""
    own, count = materials.own.flatten(), len(bank.material_color)
    foreign = torch.arange(count, count + len(own), dtype=torch.int32, device=own.device)
    foreign_look = torch.cat([materials.color.flatten(0, 1), materials.texture_scale.reshape(-1, 1)], dim=-1)
    own_look = torch.cat([bank.material_color, torch.ones_like(bank.material_color[:, :1])], dim=-1)
    texture = torch.cat([bank.material_texture, materials.texture.flatten()])
    return AppearanceTables(
        words=bank.colors,
        texels=bank.texels,
        foreign_look=torch.where(own, -1, foreign),
        look=torch.cat([own_look, foreign_look.to(own_look.dtype)]),
        look_texture=bank.textures.index_select(0, texture),
    )


def vertex_colors(words: Int32[Tensor, "vertex"], corners: Corners, hit: Hit, own: Tensor) -> Vector:
    """Returns the square root of the interpolated vertex colour, 0..255; white where the file's look is not used."""
    channels = [unpack(take_one(words, row), hit.depth.dtype) for row in corners.rows]
    colors = (interpolate(tuple(c[i] for c in channels), hit) for i in range(3))
    return tuple(torch.where(own, color, WHITE) for color in colors)


def albedo_at(
    tables: AppearanceTables, corners: Corners, hit: Hit, instance: Tensor, trilinear: bool = False
) -> Vector:
    """Returns the linear colour of the surface at hits.

    Args:
        tables: Of the batch.
        corners: Of the pixels' triangles.
        hit: Where on them.
        instance: image * S + slot, int32.
        trilinear: See `texture.fetch`.
    """
    foreign = take_one(tables.foreign_look, instance)
    own = foreign < 0
    row = torch.where(own, corners.material, foreign)
    *color, repeats = take(tables.look, row)
    first, log2_side = take(tables.look_texture, row)
    u, v, footprint = uv_at(corners, hit)
    texture = fetch(
        tables.texels, first, log2_side, u * repeats, v * repeats, footprint * (repeats * repeats), trilinear
    )
    vertex = vertex_colors(tables.words, corners, hit, own)
    # Both factors are square roots: one squaring serves them.
    roots = (a * b for a, b in zip(texture, vertex, strict=True))
    return tuple(c * (root * root) * WHITE**-4.0 for c, root in zip(color, roots, strict=True))
