"""The labels in the form of Hugging Face's DETR models."""

from __future__ import annotations

from typing import TypedDict

from jaxtyping import Float32, Int64
from torch import Tensor

from ondr.batch import Targets
from ondr.views.common import centred, kept, require


class DetrLabels(TypedDict):
    """One image for Hugging Face's DETR models."""

    class_labels: Int64[Tensor, "n"]
    """Class from 0."""
    boxes: Float32[Tensor, "n 4"]
    """Centre x, centre y, width, height as shares of the image's width and height."""


def to_detr(targets: Targets) -> list[DetrLabels]:
    """Returns one dict per image, the `labels` of Hugging Face's DETR models; `batch.to_detr()` adds the images.

    Raises:
        ConfigError: `boxes` or `labels` is not among `cfg.outputs`.
    """
    boxes, labels = require(targets, "to_detr()", "boxes", "labels")
    return [
        {"class_labels": labels[row, objects], "boxes": centred(boxes[row, objects], targets.image_size)}
        for row, objects in enumerate(kept(targets))
    ]
