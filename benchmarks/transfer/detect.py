"""Boxes: the detector of examples/, by average precision."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from budget import Budget
from detector import Detector, detection_loss
from photo_views import framed
from photos import Photos, coco_classes, coco_photos
from PIL import Image
from scoring import judge, precision_by_class, rows
from torch import nn
from train_detector import LEARNING_RATE, drawn
from training import Batches, train

import ondr
from benchmarks.transfer.task import Scorer
from ondr.loop.hooks import Hook


class Detect:
    """See `Task`. What is seen in a photo are `ondr.Targets` of one image, with scores as `visibility`."""

    figure = "AP50"
    preset = "detection"
    size = 128
    outputs = ("boxes", "labels", "ignored")
    iou = 0.5

    def add_options(self, parser: ArgumentParser) -> None:
        """Adds the labels."""
        parser.add_argument("--labels", type=Path, required=True, help="COCO json")
        parser.add_argument("--adapt", action="store_true", help="fit the normalisation to the photos, without labels")

    def changes(self, options: Namespace) -> list[str]:
        """Returns nothing: there is no option of its own."""
        return []

    def hooks(self, cfg: ondr.Config) -> Sequence[Hook]:
        """Returns nothing: scenes are as they were drawn."""
        return ()

    def labelled(self, options: Namespace) -> set[str]:
        """Returns the categories that have a box."""
        return coco_classes(options.labels)

    def photos(self, options: Namespace, cfg: ondr.Config, class_names: Sequence[str]) -> Photos:
        """Returns the photos with their boxes."""
        return coco_photos(options.photos, options.labels, class_names, cfg.image_size)

    def network(self, scenes: ondr.RandomizedScenes) -> Detector:
        """Returns an untrained detector."""
        return Detector(len(scenes.class_names))

    def train(self, model: nn.Module, batches: Batches, budget: Budget, share_of_rate: float = 1.0) -> None:
        """Trains until the budget is used up."""
        train(model, batches, detection_loss, budget, share_of_rate * LEARNING_RATE)

    def see(self, model: Detector, photos: Photos, places: Sequence[int]) -> list[ondr.Targets]:
        """Returns the boxes found in each photo, in its own pixels."""
        device = next(model.parameters()).device
        model.eval()
        seen = []
        for place in places:
            view = photos.view(place)
            found = model.detect(view.image[None].to(device)).to("cpu")
            boxes = view.photo_boxes_of(found.boxes)
            seen.append(replace(found, boxes=boxes, sample_ids=torch.tensor([place])))
        return seen

    def scorer(self, photos: Photos, seen: Sequence[ondr.Targets], class_names: Sequence[str]) -> Scorer:
        """Returns what takes places of photos to the average precision of each class."""
        found = [box for k, targets in enumerate(seen) for box in rows(targets, [k])]
        judgement = judge(truth_of(photos, class_names), found, self.iou)
        return lambda places: precision_by_class(judgement, class_names, places)

    def draw(
        self, photos: Photos, seen: Sequence[ondr.Targets], places: Sequence[int], class_names: Sequence[str]
    ) -> Image.Image:
        """Returns these photos with the boxes found in them."""
        images, targets = [], []
        for place in places:
            view = framed(photos.read(place), photos.image_size)
            images.append(view.image)
            boxes = view.boxes_of(seen[place].boxes)
            targets.append(replace(seen[place], image_size=photos.image_size, boxes=boxes))
        return drawn(torch.stack(images), ondr.Targets.join(targets), class_names)


def truth_of(photos: Photos, class_names: Sequence[str]) -> dict[str, Any]:
    """Returns what is in the photos as a COCO json, in their own pixels."""
    boxes = [(place, label, box) for place, found in enumerate(photos.objects) for label, box in found]
    return {
        "images": [{"id": place} for place in range(len(photos))],
        "categories": [{"id": label, "name": name} for label, name in enumerate(class_names, start=1)],
        "annotations": [
            {"id": n, "image_id": i, "category_id": label + 1, "bbox": box, "area": box[2] * box[3], "iscrowd": 0}
            for n, (i, label, box) in enumerate(boxes, start=1)
        ],
    }
