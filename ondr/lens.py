"""A lens that bends straight lines: the model of Brown and Conrady with OpenCV's five coefficients, on planes.

Points are those of rays, (x, y) of (x, y, 1) in the camera frame: before the lens as a pinhole would see them, behind
it as the image has them. `intrinsics` takes the latter to pixels.

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
"""Of Newton's method. Near a fold of the image it halves the distance instead of squaring it; elsewhere three do."""
CLOSE = 1e-4
"""Largest distance, behind the lens, at which a ray counts as found: a tenth of a pixel at a focal length of 1,000."""

LEAST = 1e-3
"""Of the determinant of the lens's derivative, which is 1 without a lens and 0 at a fold."""
STRIDE = 1.0
"""Longest step of Newton's method along x and y."""
WIDEST = 16.0
"""Radius of rays, 86 degrees from the axis, beyond which no fold is looked for."""
LOOKS = 1024
"""How often one is looked for."""


def distort(x: Tensor, y: Tensor, coefficients: Coefficients) -> tuple[Tensor, Tensor]:
    """Returns where the image has rays.

    Args:
        x: Before the lens, any shape.
        y: Likewise.
        coefficients: k1 k2 p1 p2 k3, planes of that shape or numbers for all.
    """
    bent = _bend(x, y, coefficients)
    return bent.x, bent.y


def distort_all(x: Tensor, y: Tensor, coefficients: Coefficients, reach: Tensor) -> tuple[Tensor, Tensor]:
    """Returns where the image would have rays if it never folded: past `reach`, it goes on as it is there.

    Args:
        x: Before the lens, any shape.
        y: Likewise.
        coefficients: As for `distort`.
        reach: What `fold_radius` returned, of the same shape as each of them.
    """
    past = (torch.hypot(x, y) / reach).clamp_min(1)
    bent_x, bent_y = distort(x / past, y / past, coefficients)
    return bent_x * past, bent_y * past


def fold_radius(distortion: Float[Tensor, "batch 5"]) -> Float[Tensor, "batch"]:
    """Returns up to which radius of rays an image does not fold, `WIDEST` at most.

    Args:
        distortion: k1 k2 p1 p2 k3. The tangential two, which fold nothing near the axis, are not looked at.
    """
    k1, k2, _, _, k3 = (k[:, None] for k in distortion.unbind(1))
    radius = torch.linspace(WIDEST / LOOKS, WIDEST, LOOKS, device=distortion.device, dtype=distortion.dtype)
    square = radius.square()
    grows = 1 + square * (3 * k1 + square * (5 * k2 + square * 7 * k3)) > LEAST
    steps = grows.to(torch.int32).cumprod(dim=1).sum(dim=1).clamp_min(1)
    return steps * (WIDEST / LOOKS)


def folds_within(radial: Mapping[str, float], radius: float) -> bool:
    """Returns whether an image folds before it is as wide as some radius behind the lens.

    Args:
        radial: k1, k2 and k3 by name; the tangential coefficients are not looked at.
        radius: From the axis.
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
    """Returns the rays that the image has at some points; near a point to which the lens sends none, anything finite.

    Args:
        x: Behind the lens, any shape.
        y: Likewise.
        coefficients: As for `distort`.
        start: Where the search begins; None: at the points themselves.
        steps: Of the search.
    """
    ray_x, ray_y = (x, y) if start is None else start
    for _ in range(steps):
        bent = _bend(ray_x, ray_y, coefficients)
        off_x, off_y = x - bent.x, y - bent.y
        # Where the image folds, a step would have no end.
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
        inverse: The rows of the inverse of K, one after the other: planes, or single values for all points.
        x: Pixels from the left edge, any shape.
        y: Pixels from the top edge, same shape.
        coefficients: As for `distort`; None: there is no lens.
    """
    right, down = normalized(inverse, x, y)
    return (right, down) if coefficients is None else undistort(right, down, coefficients)


def normalized(inverse: tuple[Tensor, ...], x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the normalized coordinates of points of images: the inverse of K times (x, y, 1).

    Without a lens they are those of the rays; with one, `undistort` leads to these.

    Args:
        inverse: The rows of the inverse of K, one after the other: planes, or single values for all points.
        x: Pixels from the left edge, any shape; the first pixel's centre is at 0.5.
        y: Pixels from the top edge, of a shape that can be broadcast with that.
    """
    right, down = (torch.addcmul(torch.addcmul(inverse[i + 2], inverse[i], x), inverse[i + 1], y) for i in (0, 3))
    return right, down


def rows_of_inverse(
    x: Tensor, y: Tensor, coefficients: Coefficients
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Returns by how much rays change with their places in the image: the inverse of `distort`'s derivative.

    Args:
        x: Rays before the lens, any shape.
        y: Likewise.
        coefficients: As for `distort`.
    """
    bent = _bend(x, y, coefficients)
    inverse = 1 / torch.where(bent.determinant > LEAST, bent.determinant, LEAST)
    across = -bent.xy * inverse
    return (bent.yy * inverse, across), (across, bent.xx * inverse)


def reaches(ray_x: Tensor, ray_y: Tensor, x: Tensor, y: Tensor, coefficients: Coefficients) -> Tensor:
    """Returns whether rays are those that the lens sends to some points, on this side of any fold of the image.

    Args:
        ray_x: What `undistort` returned.
        ray_y: Likewise.
        x: The points it was given.
        y: Likewise.
        coefficients: Likewise.
    """
    bent = _bend(ray_x, ray_y, coefficients)
    near = ((bent.x - x).abs() < CLOSE) & ((bent.y - y).abs() < CLOSE)
    return near & (bent.determinant > LEAST) & (bent.radial > 0)


@dataclass(frozen=True)
class _Bent:
    """Where rays go, and the derivative of it, a symmetric matrix."""

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
    # Twice the derivative of the radial factor by the square of the radius.
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
