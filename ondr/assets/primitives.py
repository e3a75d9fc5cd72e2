"""The distractor shapes: ten closed solids built from surfaces of revolution and flat faces.

They are geometry and uvs only; normals, packing and sizes are left to others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from jaxtyping import Float64, Int64

Points = Float64[np.ndarray, "point 3"]
Profile = Float64[np.ndarray, "point 2"]
"""Points (radius, height) in the half plane right of the z axis, walked upwards on the outside of the solid."""


@dataclass(frozen=True)
class PrimitiveMesh:
    """A closed solid whose bounding box is centred on the origin and has a longest side of 1."""

    vertices: Float64[np.ndarray, "vertex 3"]
    """Positions. Vertices are repeated at uv seams; merged by position, the surface is closed."""
    triangles: Int64[np.ndarray, "triangle 3"]
    """Rows of `vertices`, counter-clockwise seen from outside."""
    uvs: Float64[np.ndarray, "vertex 2"]
    """From the texture's top left corner, u to the right, v down, in 0..1; unmirrored seen from outside."""


@cache
def distractor_shapes() -> dict[str, PrimitiveMesh]:
    """Returns the distractor shapes by name.

    The order is fixed, since a draw refers to a shape by its index. New shapes go to the end.
    """
    shapes = {
        "cube": _cube(),
        "sphere": _revolve(_arc(1.0, -90, 90, 12)),
        "cone": _cone(),
        "cylinder": _cylinder(),
        "pyramid": _pyramid(),
        "torus": _revolve(_arc(0.35, 0, 360, 12, center=(1.0, 0.0))),
        "capsule": _capsule(),
        "icosahedron": _icosahedron(),
        "arrow": _arrow(),
        "ring_segment": _ring_segment(),
    }
    return {name: _unit(mesh) for name, mesh in shapes.items()}


def surface_shapes() -> dict[str, PrimitiveMesh]:
    """Returns the shapes of surfaces: a square in z = 0 that faces up, and a cube, both with sides of 1."""
    corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], dtype=float)
    return {"plane": _unit(_flat_faces([corners])), "box": _unit(_cube())}


def _cube() -> PrimitiveMesh:
    top = np.array([[-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]], dtype=float)
    front = top[:, [0, 2, 1]] * [1, -1, 1]
    sides = [_turned(front, 90.0 * quarter) for quarter in range(4)]
    return _flat_faces([top, top[::-1] * [1, 1, -1], *sides])


def _cone() -> PrimitiveMesh:
    """As high as it is wide."""
    base = _circle(1.0, 0.0, 48)
    return _joined([_revolve(np.array([[1.0, 0.0], [0.0, 2.0]]), 48), _flat_faces([base[::-1]])])


def _cylinder() -> PrimitiveMesh:
    """Five thirds as high as it is wide."""
    radius, top = 0.6, 2.0
    side = _revolve(np.array([[radius, 0.0], [radius, top]]), 48)
    return _joined([side, _flat_faces([_circle(radius, 0.0, 48)[::-1], _circle(radius, top, 48)])])


def _pyramid() -> PrimitiveMesh:
    """A square base as wide as the pyramid is high."""
    base = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], dtype=float)
    side = np.array([[-1, -1, 0], [1, -1, 0], [0, 0, 2]], dtype=float)
    return _flat_faces([base[::-1], *(_turned(side, 90.0 * quarter) for quarter in range(4))])


def _capsule() -> PrimitiveMesh:
    """Twice as long as it is thick."""
    bottom = _arc(1.0, -90, 0, 6, center=(0.0, -1.0))
    return _revolve(np.concatenate([bottom, _arc(1.0, 0, 90, 6, center=(0.0, 1.0))]))


def _icosahedron() -> PrimitiveMesh:
    """The twelve corners are the cyclic permutations of (0, ±1, ±golden ratio); neighbours are 2 apart."""
    golden = (1 + 5**0.5) / 2
    signed = np.array([(0.0, a, b) for a, b in product((-1.0, 1.0), (-golden, golden))])
    corners = np.concatenate([np.roll(signed, shift, axis=1) for shift in range(3)])
    near = np.isclose(np.linalg.norm(corners[:, None] - corners, axis=2), 2.0)
    faces = [
        corners[[i, j, k]]
        for i, j, k in product(range(12), repeat=3)
        if i < j and i < k and near[i, j] and near[j, k] and near[k, i] and np.linalg.det(corners[[i, j, k]]) > 0
    ]
    return _flat_faces(faces)


def _arrow() -> PrimitiveMesh:
    """Length 1: a shaft of radius 0.09 and length 0.6 under a conical head of radius 0.22."""
    profile = np.array([[0.09, 0.0], [0.09, 0.6], [0.22, 0.6], [0.0, 1.0]])
    return _joined([_revolve(profile, 32), _flat_faces([_circle(0.09, 0.0, 32)[::-1]])])


def _ring_segment() -> PrimitiveMesh:
    """240 degrees of a ring with outer radius 1, inner radius 0.65 and height 0.35."""
    section = np.array([[1.0, 0.0], [1.0, 0.35], [0.65, 0.35], [0.65, 0.0], [1.0, 0.0]])
    start = np.insert(section[:-1], 1, 0.0, axis=1)
    return _joined([_revolve(section, 40, 240.0), _flat_faces([start, _turned(start, 240.0)[::-1]])])


def _arc(
    radius: float, start_degrees: float, end_degrees: float, steps: int, center: tuple[float, float] = (0.0, 0.0)
) -> Profile:
    angle = np.radians(np.linspace(start_degrees, end_degrees, steps + 1))
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius + center


def _circle(radius: float, height: float, segments: int) -> Points:
    angle = 2 * np.pi * np.arange(segments) / segments
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), np.full(segments, height)], axis=1)


def _turned(points: Points, degrees: float) -> Points:
    """Turns points about the z axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return points @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])


def _revolve(profile: Profile, segments: int = 24, degrees: float = 360.0) -> PrimitiveMesh:
    """Turns a profile about the z axis; u follows the turn, v the profile's length from its end to its start."""
    rows, columns = len(profile), segments + 1
    turned = [_turned(np.insert(profile, 1, 0.0, axis=1), degrees * i / segments) for i in range(columns)]
    length = np.insert(np.cumsum(np.linalg.norm(np.diff(profile, axis=0), axis=1)), 0, 0.0)
    u, v = np.meshgrid(np.linspace(0, 1, columns), 1 - length / length[-1])
    corner = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]
    triangles = np.concatenate([np.stack([a, b, c], axis=2), np.stack([a, c, d], axis=2)]).reshape(-1, 3)
    vertices = np.stack(turned, axis=1).reshape(-1, 3)
    return PrimitiveMesh(vertices, triangles, np.stack([u, v], axis=2).reshape(-1, 2))


def _flat_faces(polygons: list[Float64[np.ndarray, "_ 3"]]) -> PrimitiveMesh:
    """Joins convex polygons, each counter-clockwise seen from outside and with a square of uv space of its own."""
    return _joined([PrimitiveMesh(points, _fan(len(points)), _planar_uvs(points)) for points in polygons])


def _fan(corners: int) -> Int64[np.ndarray, "triangle 3"]:
    second = np.arange(1, corners - 1)
    return np.stack([np.zeros_like(second), second, second + 1], axis=1)


def _planar_uvs(points: Points) -> Float64[np.ndarray, "point 2"]:
    """Lays a flat polygon, upright seen from outside, into the unit square without stretching it."""
    normal = np.cross(points[1] - points[0], points[2] - points[0])
    normal /= np.linalg.norm(normal)
    upward = np.array([0.0, 1.0, 0.0] if abs(normal[2]) > 0.9 else [0.0, 0.0, 1.0])
    right = np.cross(upward, normal)
    right /= np.linalg.norm(right)
    uvs = np.stack([points @ right, points @ np.cross(right, normal)], axis=1)
    uvs -= uvs.min(axis=0)
    return uvs / uvs.max()


def _joined(meshes: list[PrimitiveMesh]) -> PrimitiveMesh:
    offsets = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes[:-1]])
    return PrimitiveMesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.triangles + offset for mesh, offset in zip(meshes, offsets, strict=True)]),
        np.concatenate([mesh.uvs for mesh in meshes]),
    )


def _unit(mesh: PrimitiveMesh) -> PrimitiveMesh:
    """Centres a mesh, scales its longest side to 1 and drops the triangles that have no area at the poles."""
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    unit = (mesh.vertices - (low + high) / 2) / (high - low).max()
    # Points that should coincide differ in the last bits; adding 0.0 turns -0.0 into 0.0, whose bytes differ too.
    vertices = np.round(unit, 12) + 0.0
    a, b, c = (vertices[mesh.triangles[:, corner]] for corner in range(3))
    collapsed = (a == b).all(axis=1) | (b == c).all(axis=1) | (c == a).all(axis=1)
    return PrimitiveMesh(vertices, mesh.triangles[~collapsed], mesh.uvs)
