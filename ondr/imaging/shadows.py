"""How much of the first light reaches each pixel's surface past whatever lies before it, on planes of any shape.

A pixel's surface is taken to go on as a plane around the pixel: a texel of the map shadows it where the map's surface
lies before that plane. So no surface shadows itself, however slanted it lies, and no shadow comes off the thing that
throws it. Drawing the maps is left to `shadow_maps`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Int32
from torch import Tensor

from ondr.geometry import invert, product
from ondr.imaging.light_view import LightView
from ondr.imaging.texture import level_start
from ondr.planes import Image, Vector, add_product, dot, rotated, take, take_one

SIDE = 512
"""Texels along a map, a power of two. A map costs a CPU as much as the rest of a 256x256 image; one of half as many
texels shows steps along edges."""
NODES = 4
"""Texels compared along each side of a soft edge, at the level of the map where it is 1.5 to 3 of them wide."""
NARROWEST = 1.5
"""Texels that the sharpest edge is wide. A narrower one would show them."""
BIAS = 0.5
"""How much nearer to the light than a surface something has to lie to shadow it, in widths of a texel of the level, and
how much more until it shadows it whole: float32 tells less apart, and hollow surfaces rise before their planes."""
HOLLOW = 0.25
"""The same along a surface, in texels: hollow facets rise faster the more they slant."""
GRAZING = 0.03
"""Cosine to the light below which shadows fade, since facets of a round thing turn from the light before it does."""
SMALLEST = 1e-12
"""Keeps divisions finite."""


@dataclass(frozen=True)
class ShadowTables:
    """A batch's shadow maps and how they are looked up."""

    PER_IMAGE: ClassVar[tuple[str, ...]] = ("level", "view")

    covered: Float[Tensor, "texel"]
    """Of the maps of the images that have shadows, one after the other, all levels of each one after the other as of a
    texture: the share of a texel in which something is seen."""
    nearness: Float[Tensor, "texel"]
    """Likewise, the mean over that share of one over the depth along the light's axis, 1/metres."""
    level: Int32[Tensor, "batch 2"]
    """First texel of the level in use and log2 of its side; of any map for an image without shadows."""
    view: Float[Tensor, "batch 25"]
    """The light's place in the camera frame (3); from there to texels of the level, homogeneous (9); the same for
    normals (9); the width of a texel over the focal length (1), of an edge in texels (1); the map's side (1); the
    light's missing share (1)."""


def shadow_views(
    view: LightView, strength: Float[Tensor, "batch"], softness: Float[Tensor, "batch"], first: Int32[Tensor, "batch"]
) -> tuple[Int32[Tensor, "batch 2"], Float[Tensor, "batch 25"]]:
    """Returns `ShadowTables.level` and `ShadowTables.view`.

    Args:
        view: The light's.
        strength: `Lights.shadow_strength`.
        softness: `Lights.shadow_softness`.
        first: Where each image's map begins.
    """
    width = softness * SIDE
    log2_side = torch.full_like(first, SIDE.bit_length() - 1)
    level = torch.log2((width / (NODES - 1)).clamp_min(1)).ceil().int().clamp(0, SIDE.bit_length() - 1)
    shrink = torch.exp2(-level.to(width.dtype))
    intrinsics = torch.cat([view.intrinsics[:, :2] * shrink[:, None, None], view.intrinsics[:, 2:]], dim=1)
    map_from_camera = product(intrinsics, view.rotation)
    scalars = (1 / intrinsics[:, 0, 0], (width * shrink).clamp_min(NARROWEST), SIDE * shrink, strength)
    parts = (map_from_camera.flatten(1), invert(map_from_camera).mT.flatten(1), torch.stack(scalars, dim=1))
    start = first + level_start(log2_side, level)
    return torch.stack([start, log2_side - level], dim=1), torch.cat([view.position, *parts], dim=1)


def lit_share(tables: ShadowTables, facet: Vector, position: Vector, image: Image) -> Tensor:
    """Returns the share of the first light that reaches surfaces; 1 in images without shadows.

    Nothing is differentiated: where a shadow lies is not, only what the light makes of its share.

    Args:
        tables: Of the batch.
        facet: Unit normals of the triangles themselves, camera frame, towards the viewer.
        position: Camera frame, metres.
        image: Row of the batch, int32; None: there is one image.

    Source: Reeves et al. 1987, "Rendering antialiased shadows with depth maps"; Isidoro 2006, "Shadow mapping:
        GPU-based tips and techniques" (receiver plane).
    """
    view = take(tables.view, image)
    texel, width, side, strength = view[21:]
    offset = tuple(p.detach() - v for p, v in zip(position, view, strict=False))
    facet = tuple(n.detach() for n in facet)
    x, y, z = rotated(view[3:12], offset)
    slope_x, slope_y, rest = rotated(view[12:21], facet)
    along = dot((slope_x, slope_y, rest), (x, y, z))
    inverse, tilt = z.clamp_min(SMALLEST).reciprocal(), along.where(along.abs() > SMALLEST, SMALLEST).reciprocal()
    columns = nodes(x * inverse, slope_x * tilt, width, side)
    rows = nodes(y * inverse, slope_y * tilt, width, side)
    share = compared(tables, image, inverse, inverse * texel, columns, rows) / (width * width)
    # A straight ramp would show where it ends.
    missing = share * share * (3 - 2 * share)
    cosine = dot(facet, offset) * -torch.rsqrt(dot(offset, offset).clamp_min(SMALLEST))
    faces = (cosine * (1 / GRAZING)).clamp(0, 1)
    return 1 - torch.where(z > SMALLEST, strength * faces * missing, 0)


@dataclass(frozen=True)
class Nodes:
    """The `NODES` rows or columns of texels that a soft edge is made of, as planes."""

    line: Vector
    """Row or column of the level, int32."""
    change: Vector
    """Of the reciprocal of the surface's depth, from the pixel's place to there."""
    weight: Vector
    """0 outside the map."""
    slack: Tensor
    """Largest change of the reciprocal of the surface's depth within half a texel."""


def nodes(place: Tensor, slope: Tensor, width: Tensor, side: Tensor) -> Nodes:
    """Returns the lines around a place.

    Args:
        place: Along the map, texels of the level.
        slope: Change of the reciprocal of the surface's depth per texel.
        width: Texels that count, those at the ends in part.
        side: Of the level, texels.
    """
    place = torch.minimum(place.clamp_min(-NODES), side + NODES)
    before, half = (place - 0.5).floor(), width * 0.5 + 0.5
    lines = [before + (j - (NODES // 2 - 1)) for j in range(NODES)]
    distances = [line + 0.5 - place for line in lines]
    weights = ((half - d.abs()).clamp(0, 1) for d in distances)
    return Nodes(
        line=tuple(torch.minimum(line.clamp_min(0), side - 1).int() for line in lines),
        change=tuple(d * slope for d in distances),
        weight=tuple(w.where((n >= 0) & (n < side), 0) for w, n in zip(weights, lines, strict=True)),
        slack=slope.abs() * 0.5,
    )


def compared(
    tables: ShadowTables, image: Image, nearness: Tensor, change: Tensor, columns: Nodes, rows: Nodes
) -> Tensor:
    """Returns the number of texels around a place that something covers which lies before the surface there.

    Args:
        tables: Of the batch.
        image: Row of the batch.
        nearness: One over the depth of the pixel's surface.
        change: Of that towards the light by the width of a texel.
        columns: Around the place.
        rows: Likewise.
    """
    first, log2_side = take(tables.level, image)
    total, slack, sharpness = torch.zeros_like(nearness), columns.slack + rows.slack, 1 / (change * BIAS)
    for row, up, row_weight in zip(rows.line, rows.change, rows.weight, strict=True):
        start, there, line = first + (row << log2_side), nearness + up, torch.zeros_like(nearness)
        for column, right, weight in zip(columns.line, columns.change, columns.weight, strict=True):
            covered, before = (take_one(plane, start + column) for plane in (tables.covered, tables.nearness))
            # The mean is that of the covered part, whose middle is not the texel's.
            surface = add_product(there + right, 1 + HOLLOW - covered, slack)
            past = ((before - surface) * sharpness - 1).clamp(0, 1)
            line = add_product(line, covered * past, weight)
        total = add_product(total, line, row_weight)
    return total
