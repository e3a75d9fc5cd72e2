"""Box and hull of objects in the camera frame, and the sizes of their meshes."""

from __future__ import annotations

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from ondr.assets.bank import Assets
from ondr.batch import Targets
from ondr.config import Config
from ondr.sampling.objects import Sizes

CORNERS = ((1, -1, 1), (-1, -1, 1), (-1, 1, 1), (1, 1, 1), (1, -1, -1), (-1, -1, -1), (-1, 1, -1), (1, 1, -1))
"""Front top right, front top left, front bottom left, front bottom right, then the same of the rear, where the file's x
points right, y down and z to the front: the order of NDDS and DOPE."""


def corners(targets: Targets, assets: Assets, slot: int) -> Float64[Tensor, "corner 3"]:
    """Returns the corners of an object of the first image, in metres, in the camera frame.

    Args:
        targets: With `mesh_ids`, `camera_from_object` and `scale`.
        assets: The meshes.
        slot: The object's.
    """
    extent = assets.bank.extent[mesh_of(targets, slot)].double()
    return _placed(0.5 * extent * torch.tensor(CORNERS, dtype=torch.float64), targets, assets, slot)


def hull(targets: Targets, assets: Assets, slot: int) -> Float64[Tensor, "n 3"]:
    """Returns the corners of the convex hull of an object of the first image, with repetitions. See `corners`."""
    return _placed(assets.bank.hull[mesh_of(targets, slot)].double(), targets, assets, slot)


def _placed(points: Float64[Tensor, "n 3"], targets: Targets, assets: Assets, slot: int) -> Float64[Tensor, "n 3"]:
    """Transforms points from bank coordinates to the camera frame."""
    pose, scale = pose_of(targets, slot)
    center = assets.bank.center[mesh_of(targets, slot)].double()
    return (scale * (center + points)) @ pose[:3, :3].T + pose[:3, 3]


def mesh_of(targets: Targets, slot: int) -> int:
    """Returns the index of the mesh of an object of the first image."""
    return int(targets.mesh_ids[0, slot])  # type: ignore[index]


def pose_of(targets: Targets, slot: int) -> tuple[Float64[Tensor, "4 4"], Float64[Tensor, "3"]]:
    """Returns camera_from_object and the scale of an object of the first image."""
    return targets.camera_from_object[0, slot].double(), targets.scale[0, slot].double()  # type: ignore[index]


def project(points: Float64[Tensor, "n 3"], intrinsics: Float[Tensor, "3 3"]) -> Float64[Tensor, "n 2"]:
    """Projects points in the camera frame to pixels, on the grid of `intrinsics`."""
    image = points @ intrinsics.double().T
    return image[:, :2] / image[:, 2:]


def file_scales(cfg: Config, assets: Assets) -> Float[Tensor, "mesh"] | None:
    """Returns the metres per file unit of each mesh of interest; None if sizes vary from image to image."""
    sizes = Sizes(cfg, assets)
    if not sizes.from_file or any(getattr(cfg.objects.stretch, axis).support != (1, 1) for axis in "xyz"):
        return None
    longest = sizes.longest[: len(assets.mesh_files)]
    return sizes.in_metres(longest) / longest
