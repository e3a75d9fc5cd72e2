"""The same labels in the conventions of torchvision, Ultralytics, COCO and DETR.

Objects that are holes are left out everywhere; ignored ones in all views but COCO's, which has a flag for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int16, Int64, UInt8
from torch import Tensor

from ondr.batch import Targets
from ondr.errors import ConfigError


class TorchvisionTarget(TypedDict):
    """One image for torchvision's detection models. n is the number of objects."""

    boxes: Float32[Tensor, "n 4"]
    """x1 y1 x2 y2 in pixels."""
    labels: Int64[Tensor, "n"]
    """Class from 1; 0 is torchvision's background."""
    area: Float32[Tensor, "n"]
    """Pixels of the mask, or of the box where there are no masks."""
    iscrowd: Int64[Tensor, "n"]
    image_id: Int64[Tensor, ""]
    masks: NotRequired[UInt8[Tensor, "n height width"]]


class YoloView(TypedDict):
    """A batch for Ultralytics' losses, without the images. n is the number of objects of all images."""

    batch_idx: Float32[Tensor, "n"]
    """Row of the batch that each object belongs to."""
    cls: Float32[Tensor, "n 1"]
    """Class from 0."""
    bboxes: Float32[Tensor, "n 4"]
    """Centre x, centre y, width, height as shares of the image's width and height."""


class DetrLabels(TypedDict):
    """One image for Hugging Face's DETR models."""

    class_labels: Int64[Tensor, "n"]
    """Class from 0."""
    boxes: Float32[Tensor, "n 4"]
    """Centre x, centre y, width, height as shares of the image's width and height."""


class CocoView(TypedDict):
    """A data set as pycocotools reads it, of plain numbers, strings, lists and dicts."""

    images: list[dict[str, Any]]
    annotations: list[dict[str, Any]]
    categories: list[dict[str, Any]]


def to_torchvision(targets: Targets) -> list[TorchvisionTarget]:
    """Returns one dict per image for torchvision's detection models; with masks if `instances` is there.

    Raises:
        ConfigError: `boxes` or `labels` is not among `cfg.outputs`.
    """
    boxes, labels = _required(targets, "to_torchvision")
    views: list[TorchvisionTarget] = []
    for row, kept in enumerate(_kept(targets, labels)):
        view: TorchvisionTarget = {
            "boxes": boxes[row, kept],
            "labels": labels[row, kept] + 1,
            "area": _area(boxes[row, kept]),
            "iscrowd": torch.zeros_like(labels[row, kept]),
            "image_id": targets.sample_ids[row],
        }
        if targets.instances is not None:
            view["masks"] = _masks(targets.instances[row], kept).to(torch.uint8)
            view["area"] = view["masks"].sum(dim=(1, 2), dtype=torch.float32)
        views.append(view)
    return views


def to_yolo(targets: Targets) -> YoloView:
    """Returns one dict for the whole batch, as Ultralytics' losses take it; `batch.to_yolo()` adds the images.

    Raises:
        ConfigError: `boxes` or `labels` is not among `cfg.outputs`.
    """
    boxes, labels = _required(targets, "to_yolo")
    kept = _kept(targets, labels)
    return {
        "batch_idx": kept.nonzero()[:, 0].to(torch.float32),
        "cls": labels[kept].to(torch.float32)[:, None],
        "bboxes": _centred(boxes[kept], targets.image_size),
    }


def to_detr(targets: Targets) -> list[DetrLabels]:
    """Returns one dict per image, as Hugging Face's DETR models take `labels`; `batch.to_detr()` adds the images.

    Raises:
        ConfigError: `boxes` or `labels` is not among `cfg.outputs`.
    """
    boxes, labels = _required(targets, "to_detr")
    return [
        {"class_labels": labels[row, kept], "boxes": _centred(boxes[row, kept], targets.image_size)}
        for row, kept in enumerate(_kept(targets, labels))
    ]


def to_coco(targets: Targets, class_names: Sequence[str] | None = None) -> CocoView:
    """Returns images and annotations as COCO writes them: iscrowd = 1 for ignored objects, boxes as x y width height,
    category ids from 1, run-length masks if `instances` is there.

    Args:
        targets: Their sample ids become image ids.
        class_names: `ds.class_names`, for `categories`; without them, classes are named by their number.

    Raises:
        ConfigError: `boxes` or `labels` is not among `cfg.outputs`.
    """
    boxes, labels = (field.cpu() for field in _required(targets, "to_coco"))
    ignored = torch.zeros_like(labels, dtype=torch.bool) if targets.ignored is None else targets.ignored.cpu()
    height, width = targets.image_size
    annotations = []
    for row, sample_id in enumerate(targets.sample_ids.tolist()):
        present = labels[row] >= 0
        segments = None if targets.instances is None else _run_lengths(_masks(targets.instances[row], present))
        for index, slot in enumerate(present.nonzero()[:, 0].tolist()):
            x1, y1, x2, y2 = boxes[row, slot].tolist()
            annotation = {
                # From 1: pycocotools takes an annotation with the id 0 for unmatched.
                "id": sample_id * labels.shape[1] + slot + 1,
                "image_id": sample_id,
                "category_id": int(labels[row, slot]) + 1,
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "area": (x2 - x1) * (y2 - y1),
                "iscrowd": int(ignored[row, slot]),
            }
            if segments is not None:
                annotation |= segments[index]
            annotations.append(annotation)
    names = class_names or [str(label) for label in range(int(labels.max()) + 1 if labels.numel() else 0)]
    return {
        "images": [{"id": i, "width": width, "height": height} for i in targets.sample_ids.tolist()],
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for number, name in enumerate(names, start=1)],
    }


def _required(targets: Targets, view: str) -> tuple[Tensor, Tensor]:
    if targets.boxes is None or targets.labels is None:
        raise ConfigError(
            f"cfg.outputs must name 'boxes' and 'labels' for {view}(), got {targets.names()}. Add them to outputs."
        )
    return targets.boxes, targets.labels


def _kept(targets: Targets, labels: Tensor) -> Bool[Tensor, "batch object"]:
    return labels >= 0 if targets.ignored is None else (labels >= 0) & ~targets.ignored


def _area(boxes: Tensor) -> Float32[Tensor, "n"]:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def _centred(boxes: Tensor, size: tuple[int, int]) -> Float32[Tensor, "n 4"]:
    height, width = size
    corner, opposite = boxes[:, :2], boxes[:, 2:]
    return torch.cat([(corner + opposite) / 2, opposite - corner], dim=1) / boxes.new_tensor([width, height] * 2)


def _masks(instances: Int16[Tensor, "height width"], kept: Bool[Tensor, "object"]) -> Bool[Tensor, "n height width"]:
    return instances == kept.nonzero()[:, 0].to(instances.device)[:, None, None]


def _run_lengths(masks: Tensor) -> list[dict[str, Any]]:
    from pycocotools import mask

    columns = np.asfortranarray(masks.permute(1, 2, 0).cpu().numpy().astype(np.uint8))
    codes = mask.encode(columns)
    areas = mask.area(codes)
    return [
        {"segmentation": {"size": c["size"], "counts": c["counts"].decode()}, "area": int(a)}
        for c, a in zip(codes, areas, strict=True)
    ]
