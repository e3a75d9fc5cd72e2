"""Polygons as triangles: a fan covers a convex one, and more than a polygon with dents, which is cut into ears."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float64

ROUNDING = 1e-9
"""Twice the area of a corner over the polygon's: what is less bent than this counts as straight."""


def dented(points: Float64[np.ndarray, "polygon corner 3"]) -> Bool[np.ndarray, "polygon"]:
    """Returns which polygons turn the other way at one of their corners."""
    flat = _flat(points)
    before, after = flat - np.roll(flat, 1, axis=1), np.roll(flat, -1, axis=1) - flat
    turns = _cross(before, after)
    return (turns < -ROUNDING * np.abs(turns).sum(axis=1, keepdims=True)).any(axis=1)


def ears(points: Float64[np.ndarray, "corner 3"]) -> list[tuple[int, int, int]]:
    """Cuts a polygon into two triangles less than it has corners, all turning as it does.

    Source: G. H. Meisters, "Polygons have ears", American Mathematical Monthly 82, 1975.

    Args:
        points: Corners in their order, close to a plane; where the outline crosses itself, triangles overlap.

    Returns:
        Rows of `points`.
    """
    flat = _flat(points[None])[0]
    left, cut = list(range(len(points))), []
    while len(left) > 3:
        ring = flat[left]
        before, after = np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0)
        turns = _cross(ring - before, after - ring)
        # Without an ear, the sharpest corner goes, so that there is an end.
        bent = ring[turns <= 0]
        found = (i for i in np.flatnonzero(turns > 0) if not _holds_any(bent, before[i], ring[i], after[i]))
        ear = int(next(found, turns.argmax()))
        cut.append((left[ear - 1], left[ear], left[(ear + 1) % len(left)]))
        del left[ear]
    return [*cut, (left[0], left[1], left[2])]


def _flat(points: Float64[np.ndarray, "polygon corner 3"]) -> Float64[np.ndarray, "polygon corner 2"]:
    """Projects each polygon along the axis that it faces most, so that it turns to the left."""
    centered = points - points[:, :1]
    normals = np.cross(centered, np.roll(centered, -1, axis=1)).sum(axis=1)
    axis = np.abs(normals).argmax(axis=1)
    rows = np.arange(len(points))
    first, second = (np.take_along_axis(centered, ((axis + k) % 3)[:, None, None], axis=2)[..., 0] for k in (1, 2))
    return np.stack([first, second * np.sign(normals[rows, axis])[:, None]], axis=-1)


def _cross(a: Float64[np.ndarray, "*#shape 2"], b: Float64[np.ndarray, "*#shape 2"]) -> Float64[np.ndarray, "*#shape"]:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _holds_any(points: Float64[np.ndarray, "point 2"], *triangle: Float64[np.ndarray, "2"]) -> bool:
    """Returns whether a triangle that turns to the left holds a point that is not one of its corners."""
    sides = [_cross(b - a, points - a) for a, b in zip(triangle, (*triangle[1:], triangle[0]), strict=True)]
    corner = np.any([(points == c).all(axis=-1) for c in triangle], axis=0)
    return bool((np.min(sides, axis=0) >= 0)[~corner].any())
