"""The labels in COCO's format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

import torch

from ondr.batch import Targets
from ondr.views.common import masks_of, require
from ondr.views.rle import encode


class CocoView(TypedDict):
    """A data set in the form that pycocotools reads: plain numbers, strings, lists and dicts."""

    images: list[dict[str, Any]]
    annotations: list[dict[str, Any]]
    categories: list[dict[str, Any]]


def to_coco(targets: Targets, class_names: Sequence[str] | None = None) -> CocoView:
    """Returns images and annotations in COCO's format: iscrowd = 1 for ignored objects, boxes as x y width height,
    category ids from 1, run-length masks if the targets have `instances`.

    Args:
        targets: Their sample ids become image ids.
        class_names: `ds.class_names`, for `categories`; without them, classes are named by their numbers.

    Raises:
        ConfigError: `boxes` or `labels` is not among `cfg.outputs`.

    Source:
        https://cocodataset.org/#format-data, sections 1 (object detection) and "Data format".
    """
    boxes, labels = (field.cpu() for field in require(targets, "to_coco()", "boxes", "labels"))
    ignored = torch.zeros_like(labels, dtype=torch.bool) if targets.ignored is None else targets.ignored.cpu()
    height, width = targets.image_size
    annotations = []
    for row, sample_id in enumerate(targets.sample_ids.tolist()):
        present = labels[row] >= 0
        masks = None if targets.instances is None else masks_of(targets.instances[row], present).cpu()
        for index, slot in enumerate(present.nonzero()[:, 0].tolist()):
            x1, y1, x2, y2 = boxes[row, slot].tolist()
            annotation = {
                # Never 0, which means unmatched to pycocotools; the ids of `ondr.mix`'s photos are negative.
                "id": sample_id * labels.shape[1] + slot + (sample_id >= 0),
                "image_id": sample_id,
                "category_id": int(labels[row, slot]) + 1,
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "area": (x2 - x1) * (y2 - y1),
                "iscrowd": int(ignored[row, slot]),
            }
            if masks is not None:
                annotation |= {"segmentation": encode(masks[index]), "area": int(masks[index].sum())}
            annotations.append(annotation)
    names = class_names or [str(label) for label in range(int(labels.max()) + 1 if labels.numel() else 0)]
    return {
        "images": [{"id": i, "width": width, "height": height} for i in targets.sample_ids.tolist()],
        "annotations": annotations,
        "categories": categories(names),
    }


def categories(class_names: Sequence[str]) -> list[dict[str, Any]]:
    """Returns COCO's categories, with ids from 1."""
    return [{"id": number, "name": name} for number, name in enumerate(class_names, start=1)]
