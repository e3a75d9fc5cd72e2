"""The labels as Ultralytics' losses take them."""

from __future__ import annotations

from typing import NotRequired, TypedDict

import torch
from jaxtyping import Bool, Float32, Int16, Shaped
from torch import Tensor

from ondr.batch import Targets
from ondr.views.common import centred, kept, require

BYTE = 255


class YoloView(TypedDict):
    """A batch for Ultralytics' losses, without the images. n is the number of objects of all images."""

    batch_idx: Float32[Tensor, "n"]
    """Row of the batch that each object belongs to."""
    cls: Float32[Tensor, "n 1"]
    """Class from 0."""
    bboxes: Float32[Tensor, "n 4"]
    """Centre x, centre y, width, height as shares of the image's width and height."""
    masks: NotRequired[Shaped[Tensor, "batch height width"]]
    """Which of its image's objects each pixel shows, from 1 in the order of `bboxes`; 0 for none. What Ultralytics
    calls overlapping masks (`overlap_mask=True`, its default), in the image's own size: the loss scales them down."""


def to_yolo(targets: Targets) -> YoloView:
    """Returns one dict for the whole batch, as Ultralytics' losses take it; `batch.to_yolo()` adds the images.

    With masks, for its segmentation loss, if `instances` is there.

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
    # One entry more, at the front, for pixels without an object.
    table = torch.nn.functional.pad(numbers, (1, 0))
    seen = table.gather(1, instances.long().flatten(1) + 1).reshape(instances.shape)
    return seen.to(torch.uint8 if objects.shape[1] <= BYTE else torch.int32)
