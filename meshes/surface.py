"""Surfaces made by joining rings of points: lofts, and from them surfaces of revolution, sweeps and slabs.

Millimetres, z up, triangles counter-clockwise seen from outside. uv (0, 0) is a texture's top left corner, v runs down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from curves import arc, inset, rectangle


@dataclass(frozen=True)
class Surface:
    """A triangle mesh with one uv per vertex."""

    vertices: np.ndarray
    """[vertex, 3], millimetres."""
    triangles: np.ndarray
    """[triangle, 3], rows of `vertices`."""
    uvs: np.ndarray
    """[vertex, 2]."""

    def moved(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Surface:
        """Returns the surface shifted by x, y, z."""
        return replace(self, vertices=self.vertices + np.array([x, y, z]))

    def scaled(self, x: float | np.ndarray = 1.0, y: float | np.ndarray = 1.0, z: float | np.ndarray = 1.0) -> Surface:
        """Returns the surface stretched along the axes by positive factors, one for all or one for each vertex."""
        return replace(
            self, vertices=np.stack([self.vertices[:, 0] * x, self.vertices[:, 1] * y, self.vertices[:, 2] * z], axis=1)
        )

    def angles(self) -> np.ndarray:
        """Returns each vertex's angle about the z axis, radians."""
        return np.arctan2(self.vertices[:, 1], self.vertices[:, 0])

    def turned(self, axis: str, degrees: float | np.ndarray) -> Surface:
        """Returns the surface turned about the x, y or z axis, by one angle or each vertex by its own.

        Counter-clockwise seen against the axis.
        """
        i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        vertices = self.vertices.copy()
        vertices[:, i] = c * self.vertices[:, i] - s * self.vertices[:, j]
        vertices[:, j] = s * self.vertices[:, i] + c * self.vertices[:, j]
        return replace(self, vertices=vertices)

    def mirrored(self, axis: str) -> Surface:
        """Returns the mirror image in the plane x = 0 or y = 0."""
        factors = {"x": (-1, 1, 1), "y": (1, -1, 1)}[axis]
        return replace(self, vertices=self.vertices * factors, triangles=self.triangles[:, ::-1])


def joined(surfaces: Sequence[Surface]) -> Surface:
    """Returns several surfaces as one."""
    first = np.cumsum([0] + [len(s.vertices) for s in surfaces])
    return Surface(
        np.concatenate([s.vertices for s in surfaces]),
        np.concatenate([s.triangles + offset for s, offset in zip(surfaces, first, strict=False)]),
        np.concatenate([s.uvs for s in surfaces]),
    )


def loft(rings: np.ndarray, caps: bool = False, u: Sequence[float] | None = None) -> Surface:
    """Joins rings of points [ring, point, 3] into a tube.

    Each ring is counter-clockwise seen from the tube's end. `caps` closes both ends with flat lids; a ring that is a
    single point needs none. u runs along the rings (`u`: where each point and the repeated first one lie), v from the
    last ring to the first.
    """
    count, points = rings.shape[:2]
    vertices = np.concatenate([rings, rings[:, :1]], axis=1)
    length = np.insert(np.cumsum(np.linalg.norm(np.diff(rings, axis=0), axis=2).mean(axis=1)), 0, 0.0)
    columns, rows = np.meshgrid(np.linspace(0, 1, points + 1) if u is None else u, 1 - length / length[-1])
    uvs = np.stack([columns, rows], axis=2)
    tube = Surface(vertices.reshape(-1, 3), _grid_triangles(count, points + 1), uvs.reshape(-1, 2))
    return _without_slivers(joined([tube, _lid(rings[0][::-1]), _lid(rings[-1])]) if caps else tube)


def _grid_triangles(rows: int, columns: int) -> np.ndarray:
    corner = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]
    return np.concatenate([np.stack([a, b, c], axis=2), np.stack([a, c, d], axis=2)]).reshape(-1, 3)


def _lid(ring: np.ndarray) -> Surface:
    """Fills a ring that is star-shaped about its centre; its uvs are a disk."""
    count = len(ring)
    first = np.arange(count)
    triangles = np.stack([np.full(count, count), first, (first + 1) % count], axis=1)
    uvs = 0.5 + np.concatenate([arc(0.5, 0, -360, count)[:-1], [[0.0, 0.0]]])
    return Surface(np.concatenate([ring, ring.mean(axis=0, keepdims=True)]), triangles, uvs)


def _without_slivers(surface: Surface) -> Surface:
    """Drops the triangles without area, which a ring makes where it shrinks to a point."""
    a, b, c = (surface.vertices[surface.triangles[:, corner]] for corner in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    return replace(surface, triangles=surface.triangles[area > 1e-6])


def revolve(profile: np.ndarray | Sequence[tuple[float, float]], segments: int = 32) -> Surface:
    """Turns a profile [point, 2] of (radius, z), walked upwards on the outside, about the z axis."""
    radius, z = np.asarray(profile, dtype=float).T
    circle = arc(1.0, 0, 360, segments)[:-1]
    flat = radius[:, None, None] * circle
    height = np.broadcast_to(z[:, None, None], (len(z), segments, 1))
    return loft(np.concatenate([flat, height], axis=2))


def sweep(path: np.ndarray, section: np.ndarray, side: Sequence[float] = (0, 1, 0), caps: bool = True) -> Surface:
    """Carries a counter-clockwise section [point, 2] (or one for each point of the path) along a path [point, 3].

    The section's x axis stays along `side`, which the path must not run along; its y axis is tangent x side.
    """
    return loft(swept_rings(path, section, side), caps=caps)


def swept_rings(path: np.ndarray, section: np.ndarray, side: Sequence[float] = (0, 1, 0)) -> np.ndarray:
    """Returns the rings [ring, point, 3] of a sweep."""
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    x = np.asarray(side, dtype=float) - tangent * (tangent @ np.asarray(side, dtype=float))[:, None]
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    y = np.cross(tangent, x)
    return path[:, None] + section[..., :1] * x[:, None] + section[..., 1:] * y[:, None]


def slab(outline: np.ndarray, height: float, bevel: float = 0.0, steps: int = 3) -> Surface:
    """Raises a counter-clockwise outline [point, 2] from z = 0 to `height`, with rounded upper and lower edges."""
    if bevel == 0:
        return stack([(outline, 0.0), (outline, height)])
    heights, cuts = bevel * (1 - arc(1.0, 0, 90, steps).T)
    lower = [(inset(outline, cut), z) for z, cut in zip(heights, cuts, strict=True)]
    return stack(lower + [(ring, height - z) for ring, z in reversed(lower)])


def stack(sections: Sequence[tuple[np.ndarray, float]]) -> Surface:
    """Joins horizontal outlines [point, 2] at the given heights, from the bottom up, and closes both ends."""
    return loft(np.stack([np.insert(outline, 2, z, axis=1) for outline, z in sections]), caps=True)


def box(width: float, depth: float, height: float, rounding: float = 0.0) -> Surface:
    """Returns a box that stands on z = 0, centred in x and y."""
    return slab(rectangle(width, depth, rounding), height, 0.6 * rounding)


def rod(radius: float, length: float, segments: int = 16) -> Surface:
    """Returns a cylinder along z that starts at z = 0."""
    return revolve([(0, 0), (radius, 0), (radius, length), (0, length)], segments)


def ball(radius: float, segments: int = 16) -> Surface:
    """Returns a sphere about the origin."""
    profile = arc(radius, -90, 90, segments // 2)
    profile[[0, -1], 0] = 0.0
    return revolve(profile, segments)
