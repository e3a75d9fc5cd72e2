"""How well a network does: average precision of boxes, by pycocotools, and the share of images that are recognised."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from detector import Detector
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torch import Tensor, nn

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
    return precision_by_class(judge(*detections(model, batches, class_names), iou), class_names)


def detections(model: Detector, batches: Truth, class_names: Sequence[str]) -> tuple[dict[str, Any], list[dict]]:
    """Returns what is in the images, as COCO writes it, and what the model finds there, as pycocotools reads it."""
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
    return truth, found


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


def judge(truth: dict[str, Any], found: list[dict], iou: float) -> COCOeval:
    """Returns pycocotools' judgement of each image: which boxes are found at this overlap."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        judgement = COCOeval(coco, coco.loadRes(found) if found else COCO(), "bbox")
        params = judgement.params
        params.iouThrs, params.areaRng, params.areaRngLbl = np.array([iou]), [[0, 1e10]], ["all"]
        params.maxDets = [100]
        judgement.evaluate()
    return judgement


def precision_by_class(
    judgement: COCOeval, class_names: Sequence[str], images: Sequence[int] | None = None
) -> dict[str, float]:
    """Returns the average precision of each class that occurs, and their mean as `mean`.

    Args:
        judgement: Of all images.
        class_names: `ds.class_names`.
        images: Places in the list of images in the order of their ids; one can come several times. All if left out.
    """
    every = judgement.evalImgs
    count = len(judgement._paramsEval.imgIds)
    chosen = list(range(count)) if images is None else list(images)
    judgement.evalImgs = [every[first + i] for first in range(0, len(every), count) for i in chosen]
    before = judgement._paramsEval.imgIds, judgement.params.imgIds
    judgement._paramsEval.imgIds = judgement.params.imgIds = list(range(len(chosen)))
    with contextlib.redirect_stdout(io.StringIO()):
        judgement.accumulate()
    judgement.evalImgs, (judgement._paramsEval.imgIds, judgement.params.imgIds) = every, before
    # Thresholds, recalls, classes, areas, numbers of detections; -1 where a class does not occur.
    precision = torch.from_numpy(judgement.eval["precision"])[0, :, :, 0, 0]
    of_class = {name: float(precision[:, k].mean()) for k, name in enumerate(class_names) if precision[0, k] >= 0}
    return {**of_class, "mean": sum(of_class.values()) / max(1, len(of_class))}


@torch.no_grad()
def classified(model: nn.Module, batches: Truth) -> tuple[Tensor, Tensor]:
    """Returns the class that a model sees in each image, and the true one."""
    device, was_training = next(model.parameters()).device, model.training
    model.eval()
    pairs = [(model(images.to(device)).argmax(1).cpu(), targets.image_class.cpu()) for images, targets in batches]
    model.train(was_training)
    seen, true = (torch.cat(part) for part in zip(*pairs, strict=True))
    return seen, true


def recall_by_class(seen: Tensor, true: Tensor, class_names: Sequence[str]) -> dict[str, float]:
    """Returns the share of the images of each class that occurs that are recognised, and their mean as `mean`."""
    of_class = {
        name: float((seen[true == k] == k).double().mean()) for k, name in enumerate(class_names) if (true == k).any()
    }
    return {**of_class, "mean": sum(of_class.values()) / max(1, len(of_class))}


def shown(figures: dict[str, float]) -> str:
    """Returns one line: the mean, then each class."""
    classes = "  ".join(f"{name} {value:.2f}" for name, value in figures.items() if name != "mean")
    return f"{figures['mean']:.3f}  ({classes})"
