"""The labels in the form of torchvision's detection models."""

from __future__ import annotations

from typing import NotRequired, TypedDict

import torch
from jaxtyping import Float32, Int64, UInt8
from torch import Tensor

from ondr.batch import Targets
from ondr.views.common import kept, masks_of, require


class TorchvisionTarget(TypedDict):
    """One image for torchvision's detection models. n is the number of objects."""

    boxes: Float32[Tensor, "n 4"]
    """x1 y1 x2 y2 in pixels."""
    labels: Int64[Tensor, "n"]
    """Class from 1; 0 is torchvision's background."""
    area: Float32[Tensor, "n"]
    """Area of the mask in pixels, or of the box if there are no masks."""
    iscrowd: Int64[Tensor, "n"]
    image_id: Int64[Tensor, ""]
    masks: NotRequired[UInt8[Tensor, "n height width"]]


def to_torchvision(targets: Targets) -> list[TorchvisionTarget]:
    """Returns one dict per image for torchvision's detection models, with masks if the targets have `instances`.

    Raises:
        ConfigError: `boxes` or `labels` is not among `cfg.outputs`.
    """
    boxes, labels = require(targets, "to_torchvision()", "boxes", "labels")
    views: list[TorchvisionTarget] = []
    for row, objects in enumerate(kept(targets)):
        view: TorchvisionTarget = {
            "boxes": boxes[row, objects],
            "labels": labels[row, objects] + 1,
            "area": _area(boxes[row, objects]),
            "iscrowd": torch.zeros_like(labels[row, objects]),
            "image_id": targets.sample_ids[row],
        }
        if targets.instances is not None:
            view["masks"] = masks_of(targets.instances[row], objects).to(torch.uint8)
            view["area"] = view["masks"].sum(dim=(1, 2), dtype=torch.float32)
        views.append(view)
    return views


def _area(boxes: Tensor) -> Float32[Tensor, "n"]:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
