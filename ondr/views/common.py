"""Helpers of several views: required fields, objects that count, intrinsics that they can express."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Float32, Int16
from torch import Tensor

from ondr.batch import Targets
from ondr.errors import ConfigError

SKEWED = 1e-4
"""Tolerance of entries of K that should be 0, relative to the focal length: far above float32 rounding."""


def require(targets: Targets, view: str, *names: str) -> tuple[Tensor, ...]:
    """Returns some fields of the targets.

    Args:
        targets: The labels.
        view: What needs the fields, for the message.
        names: The fields.

    Raises:
        ConfigError: A field is missing; the message names all missing ones.
    """
    found = {name: getattr(targets, name) for name in names}
    missing = [name for name, field in found.items() if field is None]
    if missing:
        raise ConfigError(
            f"cfg.outputs must name {_listed(names)} for {view}, got {targets.names()}. "
            f"Add {_listed(missing)} to outputs."
        )
    return tuple(found.values())


def kept(targets: Targets) -> Bool[Tensor, "batch object"]:
    """Returns which slots hold an object that is not ignored."""
    return targets.valid if targets.ignored is None else targets.valid & ~targets.ignored


def centred(boxes: Float32[Tensor, "n 4"], size: tuple[int, int]) -> Float32[Tensor, "n 4"]:
    """Converts x1 y1 x2 y2 in pixels to centre x, centre y, width, height as shares of the image's width and height."""
    height, width = size
    middle, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    # Python numbers, since uploading a tensor would synchronise with a GPU.
    return torch.stack([middle[:, 0] / width, middle[:, 1] / height, sides[:, 0] / width, sides[:, 1] / height], dim=1)


def masks_of(
    instances: Int16[Tensor, "height width"], objects: Bool[Tensor, "object"]
) -> Bool[Tensor, "n height width"]:
    """Returns the visible mask of each of some objects of one image."""
    return instances == objects.nonzero()[:, 0].to(instances.device)[:, None, None]


def opencv_intrinsics(targets: Targets, view: str, *, skew: bool = True) -> Float[Tensor, "batch 3 3"]:
    """Returns K on OpenCV's grid, with pixel centres at integers: cx and cy are less by 0.5.

    Args:
        targets: With `intrinsics` and `distortion`.
        view: What needs K, for the message.
        skew: Whether the view can express skew (K[0, 1]).

    Raises:
        ConfigError: A field is missing, or an image is mirrored, rotated or seen through a lens.
    """
    intrinsics, distortion = require(targets, view, "intrinsics", "distortion")
    focal = intrinsics.diagonal(dim1=1, dim2=2)[:, :2]
    limit = SKEWED * focal.abs().amax(dim=1)
    wrong = {
        "mirrored": ((focal <= 0).any(dim=1), "Set augmentation.flip_horizontal and flip_vertical to false."),
        "turned": (intrinsics[:, 1, 0].abs() > limit, "Set augmentation.rotation_degrees to 0."),
        "through a lens": (distortion.any(dim=1), "Set k1, k2, k3, p1 and p2 of camera.distortion to 0."),
    }
    if not skew:
        leaning = intrinsics[:, 0, 1].abs() > limit
        wrong["leaning"] = (leaning, "Set augmentation.shear_degrees and camera.rolling_shutter_x to 0.")
    for kind, (images, advice) in wrong.items():
        if images.any():
            which = targets.sample_ids[images.cpu()][0]
            raise ConfigError(f"images must be straight ones for {view}, got sample {which}, which is {kind}. {advice}")
    offset = torch.zeros_like(intrinsics)
    offset[:, :2, 2] = 0.5
    return intrinsics - offset


def _listed(names: tuple[str, ...] | list[str]) -> str:
    quoted = [repr(name) for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
