"""The class of a photo: the classifier of examples/, by the mean of its recalls."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from budget import Budget
from classifier import Classifier, classification_loss
from photo_views import framed
from photos import Photos, classified_photos, csv_classes
from PIL import Image, ImageDraw
from scoring import recall_by_class
from torch import Tensor, nn
from train_classifier import LEARNING_RATE
from training import Batches, train

import ondr
from benchmarks.transfer.task import Scorer
from ondr.loop.hooks import Hook

COLUMNS = 10
ZOOMS = (0.8, 1.0, 1.25)
"""Sizes in which each photo is looked at."""


class Classify:
    """See `Task`. What is seen in a photo are the probabilities of the classes."""

    figure = "balanced_accuracy"
    preset = "classification"
    size = 96
    outputs = ("image_class", "semantic")

    def add_options(self, parser: ArgumentParser) -> None:
        """Adds the labels, and whether colours count."""
        parser.add_argument("--labels", type=Path, required=True, help="csv of file,class")
        parser.add_argument("--grey", action="store_true", help="train and score without colour")
        parser.add_argument("--adapt", action="store_true", help="fit the normalisation to the photos, without labels")

    def changes(self, options: Namespace) -> list[str]:
        """Returns that colours are left out, if they are."""
        return ["photometric.grayscale=1"] if options.grey else []

    def hooks(self, cfg: ondr.Config) -> Sequence[Hook]:
        """Returns nothing: scenes are as they were drawn."""
        return ()

    def labelled(self, options: Namespace) -> set[str]:
        """Returns the classes of the csv."""
        return csv_classes(options.labels)

    def photos(self, options: Namespace, cfg: ondr.Config, class_names: Sequence[str]) -> Photos:
        """Returns the photos with their classes."""
        return classified_photos(options.photos, options.labels, class_names, cfg.image_size, grey=options.grey)

    def network(self, scenes: ondr.RandomizedScenes) -> nn.Module:
        """Returns an untrained classifier."""
        return Classifier(len(scenes.class_names))

    def train(self, model: nn.Module, batches: Batches, budget: Budget, share_of_rate: float = 1.0) -> None:
        """Trains until the budget is used up."""
        train(model, batches, classification_loss, budget, share_of_rate * LEARNING_RATE)

    @torch.no_grad()
    def see(self, model: nn.Module, photos: Photos, places: Sequence[int]) -> list[Tensor]:
        """Returns the probabilities of the classes in each photo: the mean of some views of it."""
        device = next(model.parameters()).device
        model.eval()
        return [
            torch.stack([model(view.to(device)).softmax(1)[0].cpu() for view in views(photos, place)]).mean(0)
            for place in places
        ]

    def scorer(self, photos: Photos, seen: Sequence[Tensor], class_names: Sequence[str]) -> Scorer:
        """Returns what takes places of photos to the recall of each class."""
        said = torch.stack(list(seen)).argmax(1)
        true = torch.tensor([objects[0][0] for objects in photos.objects])
        return lambda places: recall_by_class(said[places], true[places], class_names)

    def draw(
        self, photos: Photos, seen: Sequence[Tensor], places: Sequence[int], class_names: Sequence[str]
    ) -> Image.Image:
        """Returns photos under what they were taken for, the surest errors first."""
        true = [photos.objects[place][0][0] for place in places]
        wrong = [float(seen[p].max() * (seen[p].argmax() != t)) for p, t in zip(places, true, strict=True)]
        order = np.argsort(wrong, kind="stable")[::-1]
        tile, caption = max(photos.image_size), 14
        rows = -(-len(places) // COLUMNS)
        sheet = Image.new("RGB", (COLUMNS * (tile + 4), rows * (tile + caption + 4)), "white")
        write = ImageDraw.Draw(sheet).text
        for k, which in enumerate(order.tolist()):
            place, corner = places[which], (k % COLUMNS * (tile + 4), k // COLUMNS * (tile + caption + 4))
            image = (framed(photos.read(place), photos.image_size).image.permute(1, 2, 0) * 255).byte().numpy()
            sheet.paste(Image.fromarray(image), (corner[0], corner[1] + caption))
            said = class_names[int(seen[place].argmax())]
            write(corner, f"{said} {float(seen[place].max()):.2f}", fill="firebrick" if wrong[which] else "black")
        return sheet


def views(photos: Photos, place: int) -> Iterator[Tensor]:
    """Yields a photo in some sizes, `[1, 3, h, w]`, each as it is and mirrored."""
    for zoom in ZOOMS:
        image = photos.view(place, zoom).image[None]
        yield image
        yield image.flip(3)
