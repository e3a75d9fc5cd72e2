"""Projection of points from the camera frame to pixels, with or without a lens, for labels."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ondr.lens import distort_all, fold_radius
from ondr.planes import Vector, take
from ondr.raster.limits import NEAR_METRES
from ondr.scene import Camera


def project(
    points: Float[Tensor, "batch *point 3"],
    intrinsics: Float[Tensor, "batch 3 3"],
    distortion: Float[Tensor, "batch 5"] | None = None,
) -> Float[Tensor, "batch *point 2"]:
    """Projects points to pixels. Nearer than the near plane, the result is finite but meaningless.

    Past a fold of the image, the lens is continued as by `lens.distort_all`.

    Args:
        points: In the camera frame, metres.
        intrinsics: K with pixel centres at +0.5.
        distortion: k1 k2 p1 p2 k3 of a lens; None: a pinhole.
    """
    beside = (-1, *[1] * (points.dim() - 2))
    rows = tuple(column.reshape(beside) for column in intrinsics[:, :2].flatten(1).unbind(1))
    lens = None if distortion is None else tuple(column.reshape(beside) for column in _lens(distortion).unbind(1))
    x, y, z = points.unbind(-1)
    return torch.stack(_project((x, y, z), rows, lens), dim=-1)


def project_pixels(point: Vector, camera: Camera, image: Int64[Tensor, "pixel"]) -> tuple[Tensor, Tensor]:
    """Projects a list of points of several images. See `project`.

    Args:
        point: x, y and z in the camera frame, planes over the list.
        camera: The cameras of all images.
        image: Row of the batch of each point.
    """
    lens = None if camera.distortion is None else take(_lens(camera.distortion), image)
    return _project(point, take(camera.intrinsics[:, :2].flatten(1), image), lens)


def _lens(distortion: Float[Tensor, "batch 5"]) -> Float[Tensor, "batch 6"]:
    """Returns the coefficients and the radius up to which the image does not fold."""
    return torch.cat([distortion, fold_radius(distortion)[:, None]], dim=1)


def _project(point: Vector, k: tuple[Tensor, ...], lens: tuple[Tensor, ...] | None) -> tuple[Tensor, Tensor]:
    depth = point[2].clamp_min(NEAR_METRES)
    x, y = point[0] / depth, point[1] / depth
    if lens is not None:
        x, y = distort_all(x, y, lens[:5], lens[5])
    return k[0] * x + k[1] * y + k[2], k[3] * x + k[4] * y + k[5]
