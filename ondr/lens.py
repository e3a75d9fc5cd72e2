"""Lens distortion: the model of Brown and Conrady with OpenCV's five coefficients, on planes.

A ray is (x, y) of (x, y, 1) in the camera frame. `distort` maps it to normalized image coordinates, which K maps to
pixels; without a lens the two are equal.

Source: Brown 1966, "Decentering distortion of lenses"; OpenCV, "Camera calibration and 3D reconstruction".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.planes import Image, take

Coefficients = tuple[Tensor, ...]
COEFFICIENTS = ("k1", "k2", "p1", "p2", "k3")
"""In OpenCV's order."""
STEPS = 8
"""Newton iterations. Three are enough except near a fold of the image, where convergence is linear."""
CLOSE = 1e-4
"""Largest error in normalized coordinates of a ray that counts as found: a tenth of a pixel at a focal length of 1,000
pixels."""
LEAST = 1e-3
"""Least determinant of the Jacobian of the distortion, which is 1 without a lens and 0 at a fold."""
STRIDE = 1.0
"""Longest Newton step along x and along y."""
WIDEST = 16.0
"""Radius of rays, 86 degrees from the axis, up to which folds are searched for."""
LOOKS = 1024
"""Radii at which the search looks."""


def distort(x: Tensor, y: Tensor, coefficients: Coefficients) -> tuple[Tensor, Tensor]:
    """Returns the normalized image coordinates of rays.

    Args:
        x: x of the rays, any shape.
        y: y of the rays.
        coefficients: k1 k2 p1 p2 k3, planes of that shape or single values.
    """
    bent = _bend(x, y, coefficients)
    return bent.x, bent.y


def distort_all(x: Tensor, y: Tensor, coefficients: Coefficients, reach: Tensor) -> tuple[Tensor, Tensor]:
    """Distorts rays of any radius: past `reach`, where the image would fold, the distortion is continued linearly.

    Args:
        x: x of the rays, any shape.
        y: y of the rays.
        coefficients: As for `distort`.
        reach: What `fold_radius` returned, of the coefficients' shape.
    """
    past = (torch.hypot(x, y) / reach).clamp_min(1)
    bent_x, bent_y = distort(x / past, y / past, coefficients)
    return bent_x * past, bent_y * past


def fold_radius(distortion: Float[Tensor, "batch 5"]) -> Float[Tensor, "batch"]:
    """Returns the radius of rays up to which an image does not fold, at most `WIDEST`.

    Args:
        distortion: k1 k2 p1 p2 k3. The tangential p1 and p2 are ignored: near the axis they fold nothing.
    """
    k1, k2, _, _, k3 = (k[:, None] for k in distortion.unbind(1))
    radius = torch.linspace(WIDEST / LOOKS, WIDEST, LOOKS, device=distortion.device, dtype=distortion.dtype)
    square = radius.square()
    grows = 1 + square * (3 * k1 + square * (5 * k2 + square * 7 * k3)) > LEAST
    steps = grows.to(torch.int32).cumprod(dim=1).sum(dim=1).clamp_min(1)
    return steps * (WIDEST / LOOKS)


def folds_within(radial: Mapping[str, float], radius: float) -> bool:
    """Returns whether an image folds before it reaches a radius in normalized image coordinates.

    Args:
        radial: k1, k2 and k3 by name.
        radius: Distance from the axis.
    """
    lens = torch.tensor([[radial.get(name, 0.0) for name in COEFFICIENTS]], dtype=torch.float64)
    reach = fold_radius(lens)
    bent, _ = distort(reach, torch.zeros_like(reach), tuple(lens.unbind(1)))
    return bool(reach < WIDEST) and bool(bent < radius)


def undistort(
    x: Tensor,
    y: Tensor,
    coefficients: Coefficients,
    start: tuple[Tensor, Tensor] | None = None,
    steps: int = STEPS,
) -> tuple[Tensor, Tensor]:
    """Inverts `distort` by Newton's method. Where no ray leads to a point, the result is finite but meaningless.

    Args:
        x: x in normalized image coordinates, any shape.
        y: y in normalized image coordinates.
        coefficients: As for `distort`.
        start: Rays to start from; None: the points themselves.
        steps: Newton iterations.
    """
    ray_x, ray_y = (x, y) if start is None else start
    for _ in range(steps):
        bent = _bend(ray_x, ray_y, coefficients)
        off_x, off_y = x - bent.x, y - bent.y
        # At a fold the determinant is 0 and a Newton step infinite.
        safe = torch.where(bent.determinant > LEAST, bent.determinant, LEAST)
        ray_x = ray_x + ((bent.yy * off_x - bent.xy * off_y) / safe).clamp(-STRIDE, STRIDE)
        ray_y = ray_y + ((bent.xx * off_y - bent.xy * off_x) / safe).clamp(-STRIDE, STRIDE)
    return ray_x, ray_y


def rays_at(
    inverse_intrinsics: Float[Tensor, "batch 3 3"],
    distortion: Float[Tensor, "batch 5"] | None,
    image: Image,
    x: Tensor,
    y: Tensor,
) -> tuple[Tensor, Tensor]:
    """Returns x and y of the rays (x, y, 1) in the camera frame through points of a batch's images.

    Args:
        inverse_intrinsics: Inverse of K, whose last row is 0 0 1.
        distortion: k1 k2 p1 p2 k3; None: there is no lens.
        image: Row of the batch, int32 or int64, any shape; None: there is one image.
        x: Pixels from the left edge, same shape; the first pixel's centre is at 0.5.
        y: Pixels from the top edge, same shape.
    """
    lens = None if distortion is None else take(distortion, image)
    return rays_through(take(inverse_intrinsics.flatten(1), image), x, y, lens)


def rays_through(
    inverse: tuple[Tensor, ...], x: Tensor, y: Tensor, coefficients: Coefficients | None
) -> tuple[Tensor, Tensor]:
    """Returns x and y of the rays (x, y, 1) in the camera frame through points of images.

    Args:
        inverse: The inverse of K row by row: planes, or single values for all points.
        x: Pixels from the left edge, any shape.
        y: Pixels from the top edge, same shape.
        coefficients: As for `distort`; None: there is no lens.
    """
    right, down = normalized(inverse, x, y)
    return (right, down) if coefficients is None else undistort(right, down, coefficients)


def normalized(inverse: tuple[Tensor, ...], x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Returns normalized image coordinates: the inverse of K times (x, y, 1).

    Args:
        inverse: The inverse of K row by row: planes, or single values for all points.
        x: Pixels from the left edge, any shape; the first pixel's centre is at 0.5.
        y: Pixels from the top edge, of a shape that can be broadcast with that.
    """
    right, down = (torch.addcmul(torch.addcmul(inverse[i + 2], inverse[i], x), inverse[i + 1], y) for i in (0, 3))
    return right, down


def rows_of_inverse(
    x: Tensor, y: Tensor, coefficients: Coefficients
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Returns the rows of the inverse Jacobian of `distort`: the change of rays with normalized image coordinates.

    Args:
        x: x of the rays, any shape.
        y: y of the rays.
        coefficients: As for `distort`.
    """
    bent = _bend(x, y, coefficients)
    inverse = 1 / torch.where(bent.determinant > LEAST, bent.determinant, LEAST)
    across = -bent.xy * inverse
    return (bent.yy * inverse, across), (across, bent.xx * inverse)


def reaches(ray_x: Tensor, ray_y: Tensor, x: Tensor, y: Tensor, coefficients: Coefficients) -> Tensor:
    """Returns whether `undistort` found the rays of its points, on this side of any fold of the image.

    Args:
        ray_x: x of the rays that it returned.
        ray_y: y of those rays.
        x: x of the points that it was given.
        y: y of those points.
        coefficients: Those that it was given.
    """
    bent = _bend(ray_x, ray_y, coefficients)
    near = ((bent.x - x).abs() < CLOSE) & ((bent.y - y).abs() < CLOSE)
    return near & (bent.determinant > LEAST) & (bent.radial > 0)


@dataclass(frozen=True)
class _Bent:
    """Distorted rays, and the Jacobian of the distortion, a symmetric matrix."""

    x: Tensor
    y: Tensor
    xx: Tensor
    xy: Tensor
    yy: Tensor
    radial: Tensor

    @property
    def determinant(self) -> Tensor:
        return self.xx * self.yy - self.xy * self.xy


def _bend(x: Tensor, y: Tensor, coefficients: Coefficients) -> _Bent:
    k1, k2, p1, p2, k3 = coefficients
    square = torch.addcmul(x * x, y, y)
    radial = 1 + square * (k1 + square * (k2 + square * k3))
    # Twice the derivative of the radial factor with respect to the squared radius.
    growth = 2 * (k1 + square * (2 * k2 + 3 * square * k3))
    cross = growth * x * y + 2 * (p1 * x + p2 * y)
    return _Bent(
        x=x * radial + 2 * p1 * x * y + p2 * (square + 2 * x * x),
        y=y * radial + p1 * (square + 2 * y * y) + 2 * p2 * x * y,
        xx=radial + growth * x * x + 2 * p1 * y + 6 * p2 * x,
        xy=cross,
        yy=radial + growth * y * y + 6 * p1 * y + 2 * p2 * x,
        radial=radial,
    )
