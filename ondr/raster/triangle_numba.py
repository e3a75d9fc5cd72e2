"""numba kernels that draw one instance: projection, snapping, culling, and clipping where a triangle needs it."""

from __future__ import annotations

import typing
from typing import NamedTuple

import numpy as np
from numba import njit

from .clip_numba import GUARD_PX, clip_triangle
from .fill_numba import SUBPIXELS, fill
from .limits import NEAR_METRES

# Marks a vertex in `points` that needs clipping or is not finite.
UNPROJECTED = -(2**31)


class Vertices(NamedTuple):
    """Scratch for one instance's projected vertices."""

    points: np.ndarray
    """int32 [vertex, 2]: x and y in sub-pixels, or `UNPROJECTED`."""
    inverse_depth: np.ndarray
    """float32 [vertex]: 1/z."""
    polygon: np.ndarray
    """float64 [2, MAX_CORNERS, 3]: a clipped triangle's corners, before and after a plane."""


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def draw_instance(layers, scratch, vertices, triangles, matrix, culled, slot, first_id):
    """Draws one instance and returns how many pixel centres it covers alone.

    Args:
        layers: Drawn into.
        scratch: A `Vertices` that is large enough for all vertices.
        vertices: float32 [vertex, 8], the instance's.
        triangles: int32 [triangle, 4], the instance's.
        matrix: float64 [3, 4], bank coordinates to (x z, y z, z) with x and y in pixels.
        culled: Sign of the screen area (y down) of triangles that are not drawn; 0 draws both sides.
        slot: The instance's index in its image.
        first_id: Id of its first triangle; the others follow.
    """
    if not _project(vertices, matrix, scratch, layers.cover.shape[0], layers.width):
        return 0
    points, inverse_depth = scratch.points, scratch.inverse_depth
    covered = 0
    for t in range(len(triangles)):
        i0, i1, i2 = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, x1, x2 = points[i0, 0], points[i1, 0], points[i2, 0]
        if min(x0, x1, x2) == UNPROJECTED:
            covered += _draw_clipped(layers, scratch, vertices, triangles[t], matrix, culled, slot, first_id + t)
            continue
        y0, y1, y2 = points[i0, 1], points[i1, 1], points[i2, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if area == 0 or area * culled > 0:
            continue
        p0, p1, p2 = (x0, y0, inverse_depth[i0]), (x1, y1, inverse_depth[i1]), (x2, y2, inverse_depth[i2])
        covered += fill(layers, slot, first_id + t, area, p0, p1, p2)
    return covered


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def _project(vertices, matrix, scratch, height, width):
    """Fills the scratch with snapped vertices. Returns False if no part of the instance can be in the image."""
    m00, m01, m02, m03 = matrix[0, 0], matrix[0, 1], matrix[0, 2], matrix[0, 3]
    m10, m11, m12, m13 = matrix[1, 0], matrix[1, 1], matrix[1, 2], matrix[1, 3]
    m20, m21, m22, m23 = matrix[2, 0], matrix[2, 1], matrix[2, 2], matrix[2, 3]
    points, inverse_depth = scratch.points, scratch.inverse_depth
    behind, left, right, above, below = True, True, True, True, True
    for j in range(len(vertices)):
        p, q, r = np.float64(vertices[j, 0]), np.float64(vertices[j, 1]), np.float64(vertices[j, 2])
        z = m20 * p + m21 * q + m22 * r + m23
        inverse = 1.0 / z
        x = (m00 * p + m01 * q + m02 * r + m03) * inverse
        y = (m10 * p + m11 * q + m12 * r + m13) * inverse
        # Without branches, so that it is vectorized, and such that NaN fails every test.
        front = z >= NEAR_METRES
        whole = front & (z < np.inf) & (abs(x) <= GUARD_PX) & (abs(y) <= GUARD_PX)
        points[j, 0] = snap(x) if whole else UNPROJECTED
        points[j, 1] = snap(y) if whole else UNPROJECTED
        inverse_depth[j] = inverse
        # Snapping moves a vertex by less than a pixel.
        behind &= not front
        left &= front & (x < -1)
        right &= front & (x > width + 1)
        above &= front & (y < -1)
        below &= front & (y > height + 1)
    return not (behind | left | right | above | below)


@typing.no_type_check
@njit(cache=True, error_model="numpy", forceinline=True)
def snap(pixels):
    """Rounds a coordinate to the nearest sub-pixel."""
    return np.int64(np.floor(pixels * SUBPIXELS + 0.5))


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def _draw_clipped(layers, scratch, vertices, rows, matrix, culled, slot, low):
    """Draws a triangle that crosses the near plane or leaves the guard band, as a fan of its clipped polygon."""
    corners = scratch.polygon[0]
    count = clip_triangle(scratch.polygon, vertices, rows, matrix)
    area = np.int64(0)
    for j in range(1, count - 1):
        area += _fan_area(corners, j)
    if area == 0 or area * culled > 0:
        return 0
    covered = 0
    for j in range(1, count - 1):
        part = _fan_area(corners, j)
        # Rounding can flip a sliver of the fan; its neighbours cover it.
        if part != 0 and (part > 0) == (area > 0):
            covered += fill(layers, slot, low, part, _corner(corners, 0), _corner(corners, j), _corner(corners, j + 1))
    return covered


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def _corner(corners, j):
    """Returns a corner in the form that `fill` takes."""
    return snap(corners[j, 0]), snap(corners[j, 1]), corners[j, 2]


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def _fan_area(corners, j):
    """Returns twice the signed area of the fan's triangle (0, j, j + 1) in square sub-pixels."""
    (x0, y0, _), (x1, y1, _), (x2, y2, _) = _corner(corners, 0), _corner(corners, j), _corner(corners, j + 1)
    return (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
