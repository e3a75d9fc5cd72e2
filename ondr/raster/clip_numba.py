"""numba kernel that clips one triangle to the near plane and to the guard band, as a convex polygon."""

from __future__ import annotations

import typing

import numpy as np
from numba import njit

from .limits import NEAR_METRES

# Snapped coordinates within the band keep every edge function far below 2**53: exact as int64 and as float64.
GUARD_PX = 32768.0

# Inside is where a x z + b y z + c z + d >= 0, x and y in pixels. The near plane comes first: behind the camera the
# others are mirrored.
PLANES = np.array(
    [
        [0, 0, 1, -NEAR_METRES],
        [1, 0, GUARD_PX, 0],
        [-1, 0, GUARD_PX, 0],
        [0, 1, GUARD_PX, 0],
        [0, -1, GUARD_PX, 0],
    ]
)
# Each plane can add one corner to the three of a triangle.
MAX_CORNERS = 3 + len(PLANES)


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def clip_triangle(polygon, vertices, rows, matrix):
    """Clips a triangle; returns the number of corners, 0 if nothing is left or a vertex is not finite.

    Intersections are computed from the inside end of an edge to its outside end, so that two triangles cut a common
    edge at the same point.

    Args:
        polygon: float64 [2, MAX_CORNERS, 3]; `polygon[0]` receives x and y in pixels and 1/z.
        vertices: float32 [vertex, 8].
        rows: int32 [4], the triangle's vertices first.
        matrix: float64 [3, 4], to (x z, y z, z).
    """
    for corner in range(3):
        for axis in range(3):
            value = matrix[axis, 3]
            for k in range(3):
                value += matrix[axis, k] * np.float64(vertices[rows[corner], k])
            if not np.isfinite(value):
                return 0
            polygon[0, corner, axis] = value
    count = 3
    for plane in PLANES:
        count = _cut(polygon, count, plane)
    for corner in range(count):
        z = polygon[0, corner, 2]
        polygon[0, corner, 0] /= z
        polygon[0, corner, 1] /= z
        polygon[0, corner, 2] = 1.0 / z
    return count


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def _cut(polygon, count, plane):
    """Keeps the part of `polygon[0]` inside a plane; returns its number of corners."""
    kept = 0
    for j in range(count):
        here, there = polygon[0, j], polygon[0, (j + 1) % count]
        inside, other = _distance(plane, here), _distance(plane, there)
        if inside >= 0:
            polygon[1, kept] = here
            kept += 1
        if (inside >= 0) != (other >= 0):
            if inside < 0:
                here, there, inside, other = there, here, other, inside
            share = inside / (inside - other)
            for axis in range(3):
                polygon[1, kept, axis] = here[axis] + share * (there[axis] - here[axis])
            kept += 1
    polygon[0, :kept] = polygon[1, :kept]
    return kept


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def _distance(plane, point):
    """Returns a point's signed distance from a plane, scaled."""
    return plane[0] * point[0] + plane[1] * point[1] + plane[2] * point[2] + plane[3]
