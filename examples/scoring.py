"""Average precision of a detector, by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from detector import Detector
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torch import Tensor

import ondr

Truth = Iterable[tuple[Tensor, ondr.Targets]]


def average_precision(
    model: Detector, batches: Truth, class_names: Sequence[str], iou: float = 0.5
) -> dict[str, float]:
    """Returns the average precision of each class that occurs, and their mean as `mean`.

    Args:
        model: Its mode is put back afterwards.
        batches: Images and their true targets, on any device.
        class_names: `ds.class_names`.
        iou: Overlap from which a box counts as found.
    """
    device, was_training = next(model.parameters()).device, model.training
    model.eval()
    truth: dict[str, Any] = {"images": [], "annotations": [], "categories": []}
    found: list[dict[str, Any]] = []
    for images, targets in batches:
        part = targets.to_coco(class_names)
        truth["images"] += part["images"]
        truth["annotations"] += part["annotations"]
        truth["categories"] = part["categories"]
        found += rows(model.detect(images.to(device)).to("cpu"), targets.sample_ids.tolist())
    model.train(was_training)
    # One number for each annotation, whatever the batches called them.
    truth["annotations"] = [{**a, "id": n} for n, a in enumerate(truth["annotations"], start=1)]
    return evaluate(truth, found, class_names, iou)


def rows(seen: ondr.Targets, image_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Returns detections as pycocotools reads them."""
    return [
        {
            "image_id": image_ids[i],
            "category_id": int(seen.labels[i, k]) + 1,
            "bbox": [x1, y1, x2 - x1, y2 - y1],
            "score": float(seen.visibility[i, k]),
        }
        for i, k in seen.valid.nonzero().tolist()
        for x1, y1, x2, y2 in [seen.boxes[i, k].tolist()]
    ]


def evaluate(truth: dict, found: list, class_names: Sequence[str], iou: float) -> dict[str, float]:
    """Returns the average precision of each class that occurs, and their mean as `mean`."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        judge = COCOeval(coco, coco.loadRes(found) if found else COCO(), "bbox")
        judge.params.iouThrs = torch.tensor([iou]).numpy()
        judge.evaluate()
        judge.accumulate()
    # Thresholds, recalls, classes, areas, numbers of detections; -1 where a class does not occur.
    precision = torch.from_numpy(judge.eval["precision"])[0, :, :, 0, -1]
    of_class = {name: float(precision[:, k].mean()) for k, name in enumerate(class_names) if precision[0, k] >= 0}
    return {**of_class, "mean": sum(of_class.values()) / max(1, len(of_class))}


def shown(precision: dict[str, float]) -> str:
    """Returns one line: the mean, then each class."""
    classes = "  ".join(f"{name} {value:.2f}" for name, value in precision.items() if name != "mean")
    return f"{precision['mean']:.3f}  ({classes})"
