"""Where the ray of a pixel meets the triangle it sees: barycentrics, depth, position, normal and texture coordinates.

All of it is recomputed from ids, on planes of any shape, and differentiable in vertices, poses and rays. The ray is
transformed into the bank's coordinates of the mesh, where a triangle's edges are exact differences of stored numbers: a
large distance from the camera costs no precision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Bool, Float, Int32
from torch import Tensor

from ondr.assets.bank import Bank
from ondr.geometry import invert, product
from ondr.planes import Vector, add_product, along, cross, dot, scaled, subtract, take, take_one, unit
from ondr.scene import Instances

SMALLEST_VOLUME = 1e-18
"""Least determinant of ray and triangle. A smaller one is replaced by it, so that values and gradients stay finite."""


@dataclass(frozen=True)
class SurfaceTables:
    """Inputs of a batch's surfaces. The row of an instance is image * S + slot."""

    PER_IMAGE: ClassVar[tuple[str, ...]] = ()

    vertices: Float[Tensor, "vertex 8"]
    """`Bank.vertices`."""
    triangles: Int32[Tensor, "triangle 4"]
    """`Bank.triangles`."""
    vertex_offset: Int32[Tensor, "instance"]
    two_sided: Bool[Tensor, "instance"]
    bank_from_camera: Float[Tensor, "instance 18"]
    """The inverse of `camera_from_bank`'s 3x3 block, row by row (9), the camera's position in bank coordinates (3), and
    the change of the ray in bank coordinates from a pixel to its right (3) and to its lower neighbour (3)."""


@dataclass(frozen=True)
class Corners:
    """The three vertices of each pixel's triangle, as planes."""

    rows: Vector
    """Rows of the bank's vertices."""
    positions: tuple[Vector, ...]
    normals: tuple[Vector, ...]
    uvs: tuple[Vector, ...]
    material: Tensor
    """Row of the bank's materials."""


@dataclass(frozen=True)
class Hit:
    """A point on each pixel's triangle, as planes."""

    second: Tensor
    """Barycentric weight of the second corner, perspective-correct."""
    third: Tensor
    """Barycentric weight of the third corner."""
    depth: Tensor
    """Metres along the optical axis."""
    flipped: Tensor
    """Whether the pixel sees the back of an open mesh."""
    to_right: tuple[Tensor, Tensor]
    """Change of `second` and `third` from a pixel to its right neighbour."""
    to_lower: tuple[Tensor, Tensor]
    """Likewise to its lower neighbour."""


def surface_tables(bank: Bank, instances: Instances, inverse_intrinsics: Float[Tensor, "batch 3 3"]) -> SurfaceTables:
    """Derives the tables of a batch, once per batch."""
    linear, offset = instances.camera_from_bank.split((3, 1), dim=-1)
    inverse = invert(linear.flatten(0, 1))
    origin = -product(inverse, offset.flatten(0, 1))[..., 0]
    steps = inverse_intrinsics[:, None, :2, :2].expand(*linear.shape[:2], 2, 2).flatten(0, 1)
    change = product(inverse[..., :2], steps)
    return SurfaceTables(
        vertices=bank.vertices,
        triangles=bank.triangles,
        vertex_offset=instances.vertex_offset.flatten(),
        two_sided=~instances.closed.flatten(),
        bank_from_camera=torch.cat([inverse.flatten(1), origin, change[..., 0], change[..., 1]], dim=-1),
    )


def corners_of(tables: SurfaceTables, triangle: Tensor, instance: Tensor) -> Corners:
    """Fetches the corners of each pixel's triangle.

    Args:
        tables: The batch's.
        triangle: Rows of the bank's triangles, int32, any shape.
        instance: Rows of the batch's instances, int32, same shape.
    """
    *local, material = take(tables.triangles, triangle)
    offset = take_one(tables.vertex_offset, instance)
    rows = tuple(row + offset for row in local)
    if triangle.device.type != "cpu":
        # There, points that see nothing are computed as well, from a triangle of one mesh with the offset of another.
        rows = tuple(row.clamp_max(len(tables.vertices) - 1) for row in rows)
    columns = [take(tables.vertices, row) for row in rows]
    return Corners(
        rows=rows,
        positions=tuple(c[:3] for c in columns),
        normals=tuple(c[3:6] for c in columns),
        uvs=tuple(c[6:] for c in columns),
        material=material,
    )


def intersect(corners: Corners, frame: Vector, two_sided: Tensor, x: Tensor, y: Tensor) -> Hit:
    """Intersects rays with triangles.

    Barycentrics are clamped to the triangle, since the ray may miss it: rasterizers round vertices, and one triangle
    may stand for several samples of a pixel.

    Args:
        corners: Corners of the pixels' triangles.
        frame: Columns of `SurfaceTables.bank_from_camera`, taken at the pixels' instances.
        two_sided: `SurfaceTables.two_sided`, taken likewise.
        x: Rays (x, y, 1) in the camera frame.
        y: Likewise.

    Source: Moeller and Trumbore 1997, "Fast, minimum storage ray/triangle intersection". The determinants are written
        as scalar products with the ray, which gives their change from pixel to pixel as well.
    """
    first = subtract(corners.positions[0], frame[9:12])
    edge, other = (subtract(corners.positions[j], corners.positions[0]) for j in (1, 2))
    ray = tuple(add_product(add_product(frame[i + 2], frame[i], x), frame[i + 1], y) for i in (0, 3, 6))
    normal, *numerators = cross(edge, other), cross(other, first), cross(first, edge)
    volume = dot(ray, normal)
    volume = torch.where(volume.abs() < SMALLEST_VOLUME, SMALLEST_VOLUME, volume)
    inverse = volume.reciprocal()
    weights = [dot(ray, n) * inverse for n in numerators]
    changes = [weight_changes(weights, numerators, normal, inverse, step) for step in (frame[12:15], frame[15:])]
    second = weights[0].clamp(0, 1)
    third = torch.minimum(weights[1].clamp_min(0), 1 - second)
    point = along(along(first, edge, second), other, third)
    depth = dot(point, ray) / dot(ray, ray).clamp_min(1e-30)
    return Hit(second, third, depth, two_sided & (volume > 0), *changes)


def weight_changes(
    weights: list[Tensor], numerators: list[Vector], normal: Vector, inverse: Tensor, step: Vector
) -> tuple[Tensor, Tensor]:
    """Returns the derivatives of barycentric weights along a change `step` of the ray."""
    toward = dot(step, normal)
    first, second = (
        torch.addcmul(dot(step, n), w, toward, value=-1) * inverse for w, n in zip(weights, numerators, strict=True)
    )
    return first, second


def interpolate(values: Vector, hit: Hit) -> Tensor:
    """Interpolates an attribute of the three corners at the hits."""
    to_second = add_product(values[0], values[1] - values[0], hit.second)
    return add_product(to_second, values[2] - values[0], hit.third)


def normals_at(corners: Corners, hit: Hit, frame: Vector) -> Vector:
    """Returns interpolated unit normals in the camera frame, flipped where the back of an open mesh is seen."""
    n = tuple(interpolate(tuple(c[i] for c in corners.normals), hit) for i in range(3))
    # Normals transform by the inverse transpose of the positions' matrix.
    camera = tuple(add_product(add_product(frame[i] * n[0], frame[i + 3], n[1]), frame[i + 6], n[2]) for i in range(3))
    return scaled(unit(camera), torch.where(hit.flipped, -1.0, 1.0).to(camera[0].dtype))


def facets_at(corners: Corners, frame: Vector, position: Vector) -> Vector:
    """Returns the triangles' geometric unit normals in the camera frame, towards the viewer.

    Args:
        corners: Corners of the pixels' triangles.
        frame: Columns of `SurfaceTables.bank_from_camera`, taken at the pixels' instances.
        position: Positions of the hits, camera frame.
    """
    n = cross(*(subtract(corners.positions[j], corners.positions[0]) for j in (1, 2)))
    camera = tuple(add_product(add_product(frame[i] * n[0], frame[i + 3], n[1]), frame[i + 6], n[2]) for i in range(3))
    return scaled(unit(camera), torch.where(dot(camera, position) > 0, -1.0, 1.0).to(camera[0].dtype))


def with_changes(values: Vector, hit: Hit) -> Vector:
    """Returns, at the hits, an attribute that is given at the three corners, and by how much it changes to the right
    neighbour of the pixel and to the lower one.
    """
    first, second, third = values
    edge, other = second - first, third - first
    return (
        add_product(add_product(first, edge, hit.second), other, hit.third),
        add_product(edge * hit.to_right[0], other, hit.to_right[1]),
        add_product(edge * hit.to_lower[0], other, hit.to_lower[1]),
    )


def uv_at(corners: Corners, hit: Hit) -> tuple[Tensor, Tensor, Tensor]:
    """Returns u, v and the squared length of a pixel's longer side in the uv plane."""
    values, *changes = zip(*(with_changes(tuple(c[i] for c in corners.uvs), hit) for i in range(2)), strict=True)
    lengths = (add_product(a * a, b, b) for a, b in changes)
    return values[0], values[1], torch.maximum(*lengths)


def position_at(corners: Corners, hit: Hit) -> Vector:
    """Returns the hits in the bank's coordinates of the mesh."""
    return tuple(interpolate(tuple(c[i] for c in corners.positions), hit) for i in range(3))


@dataclass(frozen=True)
class SurfaceHit:
    """Where rays meet triangles."""

    corners: Corners
    frame: Vector
    """Columns of `SurfaceTables.bank_from_camera`, taken at the rays' instances."""
    hit: Hit


def meet(tables: SurfaceTables, triangle: Tensor, instance: Tensor, x: Tensor, y: Tensor) -> SurfaceHit:
    """Intersects rays with the triangles that their pixels see.

    Args:
        tables: The batch's.
        triangle: Rows of the bank's triangles, int32, any shape.
        instance: image * S + slot, int32, same shape.
        x: Rays (x, y, 1) in the camera frame, same shape.
        y: Likewise.
    """
    corners, frame = corners_of(tables, triangle, instance), take(tables.bank_from_camera, instance)
    return SurfaceHit(corners, frame, intersect(corners, frame, take_one(tables.two_sided, instance), x, y))
