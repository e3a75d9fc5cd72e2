"""The labels in the form of Ultralytics' losses."""

from __future__ import annotations

from typing import NotRequired, TypedDict

import torch
from jaxtyping import Bool, Float32, Int16, Shaped
from torch import Tensor

from ondr.batch import Targets
from ondr.views.common import centred, kept, require

BYTE = 255


class YoloView(TypedDict):
    """A batch for Ultralytics' losses, without the images. n is the number of objects in all images."""

    batch_idx: Float32[Tensor, "n"]
    """Row of the batch that each object belongs to."""
    cls: Float32[Tensor, "n 1"]
    """Class from 0."""
    bboxes: Float32[Tensor, "n 4"]
    """Centre x, centre y, width, height as shares of the image's width and height."""
    masks: NotRequired[Shaped[Tensor, "batch height width"]]
    """The object of its image that each pixel shows, from 1 in the order of `bboxes`; 0 for none. Ultralytics calls
    this overlapping masks (`overlap_mask=True`, its default). They have the image's size: the loss scales them down."""


def to_yolo(targets: Targets) -> YoloView:
    """Returns one dict for the whole batch, in the form of Ultralytics' losses; `batch.to_yolo()` adds the images.

    It has masks, for the segmentation loss, if the targets have `instances`.

    Raises:
        ConfigError: `boxes` or `labels` is not among `cfg.outputs`.

    Source:
        Ultralytics 8, `ultralytics/data/augment.py` (Format) and `ultralytics/utils/loss.py` (v8SegmentationLoss).
    """
    boxes, labels = require(targets, "to_yolo()", "boxes", "labels")
    objects = kept(targets)
    view: YoloView = {
        "batch_idx": objects.nonzero()[:, 0].to(torch.float32),
        "cls": labels[objects].to(torch.float32)[:, None],
        "bboxes": centred(boxes[objects], targets.image_size),
    }
    if targets.instances is not None:
        view["masks"] = _overlapping(targets.instances, objects)
    return view


def _overlapping(
    instances: Int16[Tensor, "batch height width"], objects: Bool[Tensor, "batch object"]
) -> Shaped[Tensor, "batch height width"]:
    numbers = torch.where(objects, objects.cumsum(dim=1), 0)
    # One more entry at the front, for pixels without an object.
    table = torch.nn.functional.pad(numbers, (1, 0))
    seen = table.gather(1, instances.long().flatten(1) + 1).reshape(instances.shape)
    return seen.to(torch.uint8 if objects.shape[1] <= BYTE else torch.int32)
