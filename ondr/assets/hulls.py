"""Convex hulls: all that is needed to know how far a projected mesh reaches."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int64


def convex_hull(
    points: Float64[np.ndarray, "point 3"],
) -> tuple[Float64[np.ndarray, "hull 3"], Int64[np.ndarray, "edge 2"]]:
    """Returns the corners of the convex hull and its edges as pairs of corners.

    A flat set of points has the outline within its plane.
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
