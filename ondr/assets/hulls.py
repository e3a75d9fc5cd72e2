"""Convex hulls, which determine the extent of a projected mesh."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64, Int64

SUPPORT = 128
"""Points that represent a hull where only its extremes matter. With this many evenly spread directions, 13 degrees
apart, the true extreme is at most 0.7 % of the radius farther out."""


def support_points(hull: Float[np.ndarray, "hull 3"]) -> Float[np.ndarray, "support 3"]:
    """Returns the corners of a hull that are extreme in `SUPPORT` directions; some occur more than once."""
    return extreme_points(hull, SUPPORT)


def extreme_points(points: Float[np.ndarray, "point 3"], number: int) -> Float[np.ndarray, "extreme 3"]:
    """Returns the points that are extreme in evenly spread directions; some occur more than once.

    Source: Gonzalez 2010, "Measurement of areas on a sphere using Fibonacci and latitude-longitude lattices".
    """
    index = np.arange(number) + 0.5
    height, turn = 1 - 2 * index / number, np.pi * (1 + 5**0.5) * index
    flat = np.sqrt(1 - height**2)
    directions = np.stack([flat * np.cos(turn), flat * np.sin(turn), height], axis=1)
    return points[(points @ directions.T).argmax(axis=0)]


def convex_hull(
    points: Float64[np.ndarray, "point 3"],
) -> tuple[Float64[np.ndarray, "hull 3"], Int64[np.ndarray, "edge 2"]]:
    """Returns the corners of the convex hull and its edges as pairs of corners.

    For points in a plane, it is their outline.
    """
    from scipy.spatial import ConvexHull, QhullError

    try:
        hull = ConvexHull(points)
    except QhullError:  # all points in one plane
        offsets = points - points.mean(axis=0)
        plane = np.linalg.svd(offsets, full_matrices=False)[2][:2]
        try:
            hull = ConvexHull(offsets @ plane.T)
        except QhullError:  # all points on one line
            along = offsets @ plane[0]
            return points[[along.argmin(), along.argmax()]], np.array([[0, 1]])
    sides = hull.simplices
    pairs = np.concatenate([sides[:, [i, j]] for i in range(sides.shape[1]) for j in range(i)])
    used, rows = np.unique(pairs, return_inverse=True)
    return points[used], np.unique(np.sort(rows.reshape(-1, 2), axis=1), axis=0)
