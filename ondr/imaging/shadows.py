"""The share of the first light that reaches each pixel's surface through shadows, on planes of any shape.

The surface is extended as a plane around the pixel (a receiver plane): a texel of the map shadows it where the map's
surface lies in front of that plane. So no surface shadows itself, however slanted, and shadows stay attached to what
casts them. Drawing the maps is left to `shadow_maps`.
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
"""Texels along a map, a power of two. On a CPU a map costs as much as the rest of a 256x256 image; with half as many
texels along it, edges show steps."""
NODES = 4
"""Texels compared along each axis, at the level of the map where the soft edge is 1.5 to 3 texels wide."""
NARROWEST = 1.5
"""Width of the sharpest edge in texels. A narrower edge would show them."""
BIAS = 0.5
"""How much nearer to the light than the surface an occluder must be to begin to shadow it, in texel widths of the
level, and how much nearer still to shadow it fully. Below that lie rounding, and concave surfaces that rise in front of
their own receiver planes."""
HOLLOW = 0.25
"""The same along the surface, in texels: concave surfaces rise faster the more they slant."""
GRAZING = 0.03
"""Cosine to the light below which shadows fade: the facets of a round object face away from the light before its smooth
normals do."""
SMALLEST = 1e-12
"""Keeps divisions finite."""


@dataclass(frozen=True)
class ShadowTables:
    """A batch's shadow maps and how they are looked up."""

    PER_IMAGE: ClassVar[tuple[str, ...]] = ("level", "view")

    covered: Float[Tensor, "texel"]
    """Share of each texel in which something is seen. The maps of the images that have shadows lie one after the other,
    each with its levels in the order of a texture's."""
    nearness: Float[Tensor, "texel"]
    """Reciprocal depth along the light's axis, averaged over that share, 1/metres; laid out likewise."""
    level: Int32[Tensor, "batch 2"]
    """First texel of the level in use and log2 of its side; that of any map for an image without shadows."""
    view: Float[Tensor, "batch 25"]
    """The light's position in the camera frame (3); the homogeneous map from there to texels of the level (9), and its
    inverse transpose, for planes (9); the width of a texel over the focal length (1); the width of the soft edge in
    texels (1); the level's side in texels (1); the share of the light missing in full shadow (1)."""


def shadow_views(
    view: LightView, strength: Float[Tensor, "batch"], softness: Float[Tensor, "batch"], first: Int32[Tensor, "batch"]
) -> tuple[Int32[Tensor, "batch 2"], Float[Tensor, "batch 25"]]:
    """Returns `ShadowTables.level` and `ShadowTables.view`.

    Args:
        view: The light's.
        strength: `Lights.shadow_strength`.
        softness: `Lights.shadow_softness`.
        first: First texel of each image's map.
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

    The share itself is a constant to autograd: gradients flow through the light that is multiplied by it only.

    Args:
        tables: The batch's.
        facet: Geometric unit normals of the triangles, camera frame, towards the viewer.
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
    # Smoothstep: a linear ramp would show where it ends.
    missing = share * share * (3 - 2 * share)
    cosine = dot(facet, offset) * -torch.rsqrt(dot(offset, offset).clamp_min(SMALLEST))
    faces = (cosine * (1 / GRAZING)).clamp(0, 1)
    return 1 - torch.where(z > SMALLEST, strength * faces * missing, 0)


@dataclass(frozen=True)
class Nodes:
    """The `NODES` rows or columns of texels that are compared, as planes."""

    line: Vector
    """Row or column of the level, int32."""
    change: Vector
    """Change of the surface's reciprocal depth from the pixel to the line's centre."""
    weight: Vector
    """0 outside the map."""
    slack: Tensor
    """Largest change of the surface's reciprocal depth within half a texel."""


def nodes(place: Tensor, slope: Tensor, width: Tensor, side: Tensor) -> Nodes:
    """Returns the rows or columns around a position.

    Args:
        place: Position along the map, texels of the level.
        slope: Change of the surface's reciprocal depth per texel.
        width: Width of the filter in texels; those at its ends count in part.
        side: Texels along the level.
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
    """Returns the weighted number of texels around a position whose content lies in front of the surface.

    Args:
        tables: The batch's.
        image: Row of the batch.
        nearness: One over the depth of the pixel's surface.
        change: Change of that by moving a texel's width towards the light.
        columns: Columns of texels around the position.
        rows: Rows of texels around it.
    """
    first, log2_side = take(tables.level, image)
    total, slack, sharpness = torch.zeros_like(nearness), columns.slack + rows.slack, 1 / (change * BIAS)
    for row, up, row_weight in zip(rows.line, rows.change, rows.weight, strict=True):
        start, there, line = first + (row << log2_side), nearness + up, torch.zeros_like(nearness)
        for column, right, weight in zip(columns.line, columns.change, columns.weight, strict=True):
            covered, before = (take_one(plane, start + column) for plane in (tables.covered, tables.nearness))
            # The map's mean is that of the covered part, whose centre is not the texel's.
            surface = add_product(there + right, 1 + HOLLOW - covered, slack)
            past = ((before - surface) * sharpness - 1).clamp(0, 1)
            line = add_product(line, covered * past, weight)
        total = add_product(total, line, row_weight)
    return total
