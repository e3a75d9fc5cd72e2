"""Albedo of surfaces: vertex colour x material colour x texture, or a pattern."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Int32
from torch import Tensor

from ondr.assets.bank import Bank
from ondr.color import chroma, linear_from_srgb, saturate, shift_hue, srgb_from_linear
from ondr.imaging.patterns import PatternTables, paint, pattern_tables
from ondr.imaging.texture import fetch, unpack
from ondr.planes import Vector, add_product, scaled, take, take_one
from ondr.scene import Materials
from ondr.surface import Corners, Hit, interpolate, uv_at

WHITE = 255
"""Full value of a channel in the bank's words, which hold the square root of linear light."""


@dataclass(frozen=True)
class AppearanceTables:
    """Looks of a batch's surfaces. A look is a material of the bank or, in the rows after those, one drawn for an
    instance."""

    PER_IMAGE: ClassVar[tuple[str, ...]] = ()

    words: Int32[Tensor, "vertex"]
    """`Bank.colors`."""
    texels: Int32[Tensor, "texel"]
    """`Bank.texels`."""
    foreign_look: Int32[Tensor, "instance"]
    """Row of the look that was drawn for the instance; -1 where the file's own materials are used."""
    look: Float[Tensor, "look 4"]
    """Linear RGB, and how often the texture repeats over the unit square of uv."""
    look_texture: Int32[Tensor, "look 2"]
    """First texel and log2 of the side."""
    look_turn: Float[Tensor, "look 4"] | None
    """Cosine and sine of the texture's clockwise rotation, and its offset at uv's origin, in repeats; None: no look's
    texture is rotated or shifted."""
    own_shift: Float[Tensor, "instance 3"] | None
    """`Materials.own_shift`."""
    patterns: PatternTables | None
    """None: no surface has a pattern."""


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
        look_turn=look_turns(materials, own_look),
        own_shift=None if materials.own_shift is None else materials.own_shift.flatten(0, 1),
        patterns=pattern_tables(materials),
    )


def look_turns(materials: Materials, own_look: Float[Tensor, "material 4"]) -> Float[Tensor, "look 4"] | None:
    """Returns `AppearanceTables.look_turn`; the bank's own looks are neither rotated nor shifted."""
    angle, offset = materials.texture_radians, materials.texture_offset
    if angle is None and offset is None:
        return None
    angle = torch.zeros_like(materials.texture_scale) if angle is None else angle
    offset = torch.zeros_like(materials.color[..., :2]) if offset is None else offset
    foreign = torch.cat([angle.cos()[..., None], angle.sin()[..., None], offset], dim=-1).flatten(0, 1)
    still = torch.zeros_like(own_look)
    still[:, 0] = 1
    return torch.cat([still, foreign.to(own_look.dtype)])


def vertex_colors(words: Int32[Tensor, "vertex"], corners: Corners, hit: Hit, own: Tensor) -> Vector:
    """Returns the interpolated roots of vertex colours, 0..255; white where the file's look is not used."""
    channels = [unpack(take_one(words, row), hit.depth.dtype) for row in corners.rows]
    colors = (interpolate(tuple(c[i] for c in channels), hit) for i in range(3))
    return tuple(torch.where(own, color, WHITE) for color in colors)


def albedo_at(
    tables: AppearanceTables, corners: Corners, hit: Hit, instance: Tensor, trilinear: bool = False
) -> Vector:
    """Returns the linear colour of the surface at hits.

    Args:
        tables: The batch's.
        corners: Corners of the pixels' triangles.
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
    u, v = u * repeats, v * repeats
    if tables.look_turn is not None:
        u, v = turned(u, v, take(tables.look_turn, row))
    texture = fetch(tables.texels, first, log2_side, u, v, footprint * (repeats * repeats), trilinear)
    vertex = vertex_colors(tables.words, corners, hit, own)
    # Both factors are square roots of linear light, so their product is squared once.
    roots = (a * b for a, b in zip(texture, vertex, strict=True))
    albedo = tuple(c * (root * root) * WHITE**-4.0 for c, root in zip(color, roots, strict=True))
    if tables.own_shift is not None:
        moved = shifted(albedo, take(tables.own_shift, instance))
        albedo = tuple(torch.where(own, a, b) for a, b in zip(moved, albedo, strict=True))
    return albedo if tables.patterns is None else paint(tables.patterns, albedo, corners, hit, instance)


def turned(u: Tensor, v: Tensor, turn: Vector) -> tuple[Tensor, Tensor]:
    """Returns the coordinates in a rotated and shifted texture.

    Args:
        u: In repeats, to the right.
        v: In repeats, down.
        turn: Columns of `AppearanceTables.look_turn`.
    """
    cosine, sine, right, down = turn
    return add_product(add_product(right, u, cosine), v, sine), add_product(add_product(down, v, cosine), u, -sine)


def shifted(albedo: Vector, shift: Vector) -> Vector:
    """Changes hue, saturation and value (HSV) of linear colours.

    HSV is that of sRGB-encoded values, as in image editors, the photometric effects and kornia.

    Args:
        albedo: Linear RGB, 0..1.
        shift: Columns of `Materials.own_shift`.
    """
    degrees, saturation, value = shift
    encoded = tuple(srgb_from_linear(a) for a in albedo)
    # Hue and saturation leave V unchanged. The factor keeps V within 1, so that a brighter colour keeps its hue.
    factor = torch.minimum(value, chroma(encoded)[0].clamp_min(1e-12).reciprocal())
    moved = scaled(shift_hue(saturate(encoded, saturation), degrees), factor)
    return tuple(linear_from_srgb(c) for c in moved)
