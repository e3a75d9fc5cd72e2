"""numba kernels for quadric errors: of a point against planes, and of attributes against linear functions on them.

Source: Garland and Heckbert 1997, "Surface simplification using quadric error metrics"; Hoppe 1999, "New quadric metric
for simplifying meshes with appearance attributes", section 3.
"""

from __future__ import annotations

import typing

import numpy as np
from numba import njit

PLANES = 11
"""Length of a point's quadric: A (6), b (3) and c of x^T A x + 2 b^T x + c, and its area."""
COMMON = 11
"""Length of the part of a vertex's quadric that its attributes share: A, b, c and area; g (3) and d of each follow."""


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def add_plane(quadric, normal, point, weight):
    """Adds the squared distance from a plane through a point, given a normal of any length."""
    size = np.sqrt(dot(normal, normal))
    if size > 0:
        x, y, z = normal[0] / size, normal[1] / size, normal[2] / size
        _add(quadric, x, y, z, -(x * point[0] + y * point[1] + z * point[2]), weight)


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def plane_error(quadric, point):
    """Returns the weighted sum of squared distances of a point from the planes."""
    return _form(quadric, point)


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def add_fields(quadric, area, p, a, b, s, t, u):
    """Adds the squared difference of attributes from those of a triangle, extrapolated linearly over its plane.

    Args:
        quadric: A vertex's.
        area: The weight.
        p: Position of the first corner.
        a: Vector from there to the second corner.
        b: Vector from there to the third corner.
        s: Attributes at the first corner.
        t: Attributes at the second corner.
        u: Attributes at the third corner.
    """
    aa, ab, bb = dot(a, a), dot(a, b), dot(b, b)
    determinant = aa * bb - ab * ab
    if determinant <= 1e-12 * aa * bb:
        return
    for k in range(len(s)):
        # The gradient in the plane that reproduces the differences along both sides.
        v, w = (t[k] - s[k]) / determinant, (u[k] - s[k]) / determinant
        v, w = v * bb - w * ab, w * aa - v * ab
        x, y, z = v * a[0] + w * b[0], v * a[1] + w * b[1], v * a[2] + w * b[2]
        offset = s[k] - (x * p[0] + y * p[1] + z * p[2])
        _add(quadric, x, y, z, offset, area)
        at = COMMON + 4 * k
        quadric[at] += area * x
        quadric[at + 1] += area * y
        quadric[at + 2] += area * z
        quadric[at + 3] += area * offset
    quadric[COMMON - 1] += area


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def field_error(quadric, point, attributes):
    """Returns the weighted sum of squared differences of attributes at a point."""
    error = _form(quadric, point)
    for k in range(len(attributes)):
        at, s = COMMON + 4 * k, attributes[k]
        there = quadric[at] * point[0] + quadric[at + 1] * point[1] + quadric[at + 2] * point[2] + quadric[at + 3]
        error += s * (quadric[COMMON - 1] * s - 2 * there)
    return error


@typing.no_type_check
@njit(cache=True, error_model="numpy", forceinline=True)
def dot(a, b):
    """Returns the scalar product of two vectors."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@typing.no_type_check
@njit(cache=True, error_model="numpy", forceinline=True)
def cross(a, b):
    """Returns the vector product of two vectors."""
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


@typing.no_type_check
@njit(cache=True, error_model="numpy", forceinline=True)
def _add(quadric, x, y, z, offset, weight):
    """Adds the square of a linear function."""
    quadric[0] += weight * x * x
    quadric[1] += weight * x * y
    quadric[2] += weight * x * z
    quadric[3] += weight * y * y
    quadric[4] += weight * y * z
    quadric[5] += weight * z * z
    quadric[6] += weight * x * offset
    quadric[7] += weight * y * offset
    quadric[8] += weight * z * offset
    quadric[9] += weight * offset * offset


@typing.no_type_check
@njit(cache=True, error_model="numpy", forceinline=True)
def _form(quadric, point):
    x, y, z = point[0], point[1], point[2]
    squares = quadric[0] * x * x + quadric[3] * y * y + quadric[5] * z * z
    mixed = quadric[1] * x * y + quadric[2] * x * z + quadric[4] * y * z
    return squares + 2 * (mixed + quadric[6] * x + quadric[7] * y + quadric[8] * z) + quadric[9]
