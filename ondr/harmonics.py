"""Irradiance from an environment as spherical harmonics up to order 2.

Each colour channel has nine coefficients, of the real orthonormal functions Y00, Y1-1, Y10, Y11, Y2-2, Y2-1, Y20, Y21,
Y22 in the world frame (z up). Irradiance is divided by pi, like all light here: under a uniform environment of radiance
1 it is 1.

Source: Ramamoorthi and Hanrahan 2001, "An efficient representation for irradiance environment maps".
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.geometry import matrix_from_rows

COSINE_LOBE = (1.0,) + (2 / 3,) * 3 + (1 / 4,) * 5
"""Coefficients of convolution with the clamped cosine, over pi (their eq. 8)."""
CONSTANT = math.sqrt(1 / (4 * math.pi))
"""Normalization of Y00."""
LINEAR = math.sqrt(3 / (4 * math.pi))
"""Normalization of x, y and z."""
PRODUCT = math.sqrt(15 / (4 * math.pi))
"""Normalization of xy, yz and zx; half of it is that of x^2 - y^2."""
ZONAL = math.sqrt(5 / (16 * math.pi))
"""Normalization of 3 z^2 - 1."""


def basis(direction: Float[Tensor, "*shape 3"]) -> Float[Tensor, "*shape 9"]:
    """Evaluates the nine functions in directions of unit length (their eq. 3)."""
    x, y, z = direction.unbind(-1)
    columns = (
        torch.full_like(x, CONSTANT),
        LINEAR * y,
        LINEAR * z,
        LINEAR * x,
        PRODUCT * x * y,
        PRODUCT * y * z,
        ZONAL * (3 * z * z - 1),
        PRODUCT * z * x,
        PRODUCT / 2 * (x * x - y * y),
    )
    return torch.stack(columns, dim=-1)


def irradiance_harmonics(
    radiance: Float[Tensor, "point channel"],
    direction: Float[Tensor, "point 3"],
    solid_angle: Float[Tensor, "point"],
) -> Float[Tensor, "9 channel"]:
    """Returns the coefficients of the irradiance due to radiance from some directions.

    Args:
        radiance: Linear radiance, for example of a map's texels.
        direction: Unit vectors in the world frame towards where it comes from.
        solid_angle: Solid angle of each, steradians; those of a whole map sum to 4 pi.
    """
    arriving = basis(direction).T @ (radiance * solid_angle[:, None])
    return arriving * radiance.new_tensor(COSINE_LOBE)[:, None]


def turned(
    harmonics: Float[Tensor, "batch 9 channel"], degrees: Float[Tensor, "batch"]
) -> Float[Tensor, "batch 9 channel"]:
    """Rotates an environment about the vertical, counter-clockwise from above.

    Each pair Yl-m, Ylm is rotated by m times the angle.
    """
    angle = torch.deg2rad(degrees)[:, None]
    h = harmonics.unbind(1)
    rows = list(h)
    for order, minus, plus in ((1, 1, 3), (1, 5, 7), (2, 4, 8)):
        c, s = torch.cos(order * angle), torch.sin(order * angle)
        rows[minus], rows[plus] = h[plus] * s + h[minus] * c, h[plus] * c - h[minus] * s
    return torch.stack(rows, dim=1)


def quadratic_forms(harmonics: Float[Tensor, "batch 9 channel"]) -> Float[Tensor, "batch channel 4 4"]:
    """Returns M such that the irradiance of a surface with unit normal n is (n, 1)^T M (n, 1) (their eq. 11 and 12).

    Rotating M once per image into the camera frame saves rotating the normal of every pixel.
    """
    h0, h1, h2, h3, h4, h5, h6, h7, h8 = harmonics.unbind(1)
    xy, yz, zx = (h * (PRODUCT / 2) for h in (h4, h5, h7))
    x, y, z = (h * (LINEAR / 2) for h in (h3, h1, h2))
    square = h8 * (PRODUCT / 2)
    rows = (
        (square, xy, zx, x),
        (xy, -square, yz, y),
        (zx, yz, h6 * (3 * ZONAL), z),
        (x, y, z, h0 * CONSTANT - h6 * ZONAL),
    )
    return matrix_from_rows(rows)
