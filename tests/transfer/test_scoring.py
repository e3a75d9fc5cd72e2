"""Average precision of some photos is what pycocotools says of those photos alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scoring import judge, precision_by_class, recall_by_class

NAMES = ("a", "b")
PHOTOS = 30


def scene(seed: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Boxes in photos, and detections of which some are off and some invented."""
    random = np.random.default_rng(seed)
    truth: dict[str, Any] = {
        "images": [{"id": k} for k in range(PHOTOS)],
        "categories": [{"id": k, "name": name} for k, name in enumerate(NAMES, start=1)],
        "annotations": [],
    }
    found = []
    for photo in range(PHOTOS):
        for _ in range(random.integers(0, 4)):
            x, y, w, h = random.uniform(0, 50, 2).tolist() + random.uniform(10, 40, 2).tolist()
            category = int(random.integers(1, 3))
            shared = {"image_id": photo, "category_id": category}
            number = len(truth["annotations"]) + 1
            truth["annotations"].append({**shared, "id": number, "bbox": [x, y, w, h], "area": w * h, "iscrowd": 0})
            shift = float(random.choice([0, 2, 30]))
            found.append({**shared, "bbox": [x + shift, y, w, h], "score": float(random.uniform())})
    return truth, found


def of_photos(truth: dict[str, Any], found: list[dict], photos: list[int]) -> tuple[dict[str, Any], list[dict]]:
    """Returns the labels and detections of some photos; one that comes again gets a number of its own."""
    images, annotations, kept = [], [], []
    for new, old in enumerate(photos):
        images.append({"id": new})
        annotations += [{**a, "image_id": new} for a in truth["annotations"] if a["image_id"] == old]
        kept += [{**d, "image_id": new} for d in found if d["image_id"] == old]
    annotations = [{**a, "id": n} for n, a in enumerate(annotations, start=1)]
    return {**truth, "images": images, "annotations": annotations}, kept


@pytest.mark.parametrize("photos", [list(range(PHOTOS)), [3, 4, 5, 6, 7, 8], [0, 0, 1, 5, 5, 5, 9, 12]])
def test_chosen_photos_are_scored_as_if_they_were_all(photos: list[int]) -> None:
    truth, found = scene(1)
    chosen = precision_by_class(judge(truth, found, 0.5), NAMES, photos)
    alone = precision_by_class(judge(*of_photos(truth, found, photos), 0.5), NAMES)
    assert chosen == pytest.approx(alone)
    assert 0 < chosen["mean"] < 1


def test_choosing_leaves_the_judgement_as_it_was() -> None:
    judgement = judge(*scene(2), 0.5)
    before = precision_by_class(judgement, NAMES)
    precision_by_class(judgement, NAMES, [1, 1, 2])
    assert precision_by_class(judgement, NAMES) == before


def test_it_is_what_pycocotools_summarises(capsys: pytest.CaptureFixture[str]) -> None:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth, found = scene(3)
    coco = COCO()
    coco.dataset = truth
    coco.createIndex()
    plain = COCOeval(coco, coco.loadRes(found), "bbox")
    plain.evaluate()
    plain.accumulate()
    plain.summarize()
    capsys.readouterr()
    assert precision_by_class(judge(truth, found, 0.5), NAMES)["mean"] == pytest.approx(plain.stats[1])


def test_nothing_found_is_zero_and_a_class_that_does_not_occur_does_not_count() -> None:
    truth, found = scene(4)
    assert precision_by_class(judge(truth, [], 0.5), NAMES)["mean"] == 0
    truth["annotations"] = [a for a in truth["annotations"] if a["category_id"] == 1]
    assert set(precision_by_class(judge(truth, found, 0.5), NAMES)) == {"a", "mean"}


def test_recall_is_that_of_each_class() -> None:
    seen, true = torch.tensor([0, 0, 1, 2, 2]), torch.tensor([0, 1, 1, 1, 1])
    assert recall_by_class(seen, true, ("x", "y", "z")) == {"x": 1.0, "y": 0.25, "mean": 0.625}
