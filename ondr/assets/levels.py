"""Levels of detail of a mesh: ever fewer triangles over the same vertices, and the error of each level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int32, Int64

FEWEST_TRIANGLES = 64
"""Fewest triangles of a level. Fewer would not be drawn faster: a triangle itself costs as much as a few pixels."""
STEP = 1.5
"""Triangles of a level over those of the next: all coarser levels together have twice as many as the full detail."""
NORMAL_WEIGHT = 0.01
"""Distance that an error of 1 radian in a normal counts as, in longest sides."""
COLOR_WEIGHT = 0.03
"""Distance that white instead of black counts as, in longest sides."""


@dataclass(frozen=True)
class Level:
    """A simplified mesh."""

    triangles: Int32[np.ndarray, "left 3"]
    """Rows of the mesh's vertices."""
    source: Int64[np.ndarray, "left"]
    """The mesh's triangle that each was, whose material and patch it keeps."""
    error: float
    """Error of the surface and its attributes, root mean square at the worst place; file units."""


def simplified(
    vertices: Float32[np.ndarray, "vertex 8"],
    colors: Int32[np.ndarray, "vertex"],
    triangles: Int32[np.ndarray, "triangle 3"],
    materials: Int32[np.ndarray, "triangle"],
) -> tuple[Level, ...]:
    """Returns the coarser levels of a mesh, each with two thirds of the triangles of the one before.

    Args:
        vertices: As in `Mesh`.
        colors: As in `Mesh`.
        triangles: As in `Mesh`.
        materials: As in `Mesh`.
    """
    from ondr.assets.simplify_numba import COMMON, PLANES, Work, simplify

    counts = [int(len(triangles) / STEP**n) for n in range(1, 64)]
    counts = [count for count in counts if count >= FEWEST_TRIANGLES]
    if not counts:
        return ()
    distinct, point = np.unique(vertices[:, :3], axis=0, return_inverse=True)
    longest = float(np.ptp(distinct, axis=0).max())
    solid = point.reshape(-1)[triangles]
    kept = np.flatnonzero((solid != np.roll(solid, 1, axis=1)).all(axis=1))
    attributes = _lengths(vertices, colors, triangles, longest)
    work = Work(
        triangles=triangles[kept].copy(),
        materials=materials[kept],
        alive=np.ones(len(kept), np.bool_),
        point=point.reshape(-1).astype(np.int32),
        position=distinct.astype(np.float64) / longest,
        attributes=attributes,
        first=np.empty(len(distinct), np.int32),
        following=np.empty(3 * len(kept), np.int32),
        planes=np.zeros((len(distinct), PLANES)),
        fields=np.zeros((len(vertices), COMMON + 4 * attributes.shape[1])),
    )
    corners, alive = np.empty((len(counts), *work.triangles.shape), np.int32), np.empty((len(counts), len(kept)), bool)
    errors = np.empty(len(counts))
    reached = simplify(work, np.array(counts), corners, alive, errors)
    return tuple(
        Level(c[a], kept[a], float(e) * longest)
        for c, a, e in zip(corners[:reached], alive[:reached], errors[:reached], strict=True)
    )


def by_last_use(count: int, levels: Sequence[Level]) -> Int64[np.ndarray, "vertex"]:
    """Returns an order of the vertices in which each level uses only the first ones.

    Args:
        count: Number of the mesh's vertices.
        levels: Each uses a subset of the vertices of the one before.
    """
    uses = np.zeros(count, np.int64)
    for level in levels:
        uses[np.unique(level.triangles)] += 1
    return np.argsort(-uses, kind="stable")


def _lengths(vertices: np.ndarray, colors: np.ndarray, triangles: np.ndarray, longest: float) -> np.ndarray:
    """Returns the vertices' attributes as lengths in longest sides: uv is scaled to the area that it covers."""
    sides = vertices[triangles[:, 1:]] - vertices[triangles[:, :1]]
    surface = np.linalg.norm(np.cross(sides[:, 0, :3], sides[:, 1, :3]), axis=-1).sum() / longest**2
    (a, b), (c, d) = sides[:, 0, 6:].T, sides[:, 1, 6:].T
    chart = np.abs(a * d - b * c).sum()
    uv = vertices[:, 6:] * np.sqrt(surface / chart) if chart > 0 else np.zeros_like(vertices[:, 6:])
    words = np.stack([colors >> shift & 255 for shift in (0, 8, 16)], axis=-1) / 255
    return np.concatenate([vertices[:, 3:6] * NORMAL_WEIGHT, uv, words * COLOR_WEIGHT], axis=1, dtype=np.float64)
