"""Labelled photos as batches of one size: what networks are scored on, and fine-tuned with."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from copy import copy
from pathlib import Path
from typing import Any

import torch
from photo_views import Fit, View, framed, in_its_shape, stretched
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

import ondr

UNKNOWN = -2
"""In `targets.semantic`: nobody has said what a photo's pixels show."""

Sample = tuple[Tensor, Tensor, Tensor, int]
"""An image `[3, H, W]` in 0..1, boxes `[n, 4]` x1 y1 x2 y2 in its pixels, labels `[n]`, and a number of its own."""


class Photos(Dataset[Sample]):
    """Photos with the objects in them. Batches show them in one size."""

    def __init__(
        self,
        files: Sequence[Path],
        objects: Sequence[list[tuple[int, Sequence[float]]]],
        image_size: tuple[int, int],
        *,
        fit: Fit = framed,
        grey: bool = False,
    ) -> None:
        """Takes files, and for each the class and the box, x y width height in its pixels, of its objects.

        Args:
            files: Of images.
            objects: Of each; a photo that is labelled as a whole has one with an empty box.
            image_size: Height and width in pixels.
            fit: How photos of other shapes come into batches.
            grey: Whether colours are left out.

        Raises:
            ValueError: There are none.
        """
        if not files:
            raise ValueError("labels must name one photo or more, got none. Look at the file of labels.")
        self.files, self.objects, self.image_size = list(files), list(objects), image_size
        self.mode = "L" if grey else "RGB"
        self._batched, self._viewed = fit, in_its_shape
        self.most = max(map(len, objects))

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        """Returns a photo as it is seen in an image of the wanted size. Its number is its place in the list.

        Raises:
            ValueError: The file is no image.
        """
        return self._sample(self._batched(self.read(index), self.image_size), index)

    def as_in_batches(self) -> Photos:
        """Returns the same photos, of which `view` shows what batches of them show."""
        same = copy(self)
        same._viewed = self._batched
        return same

    def view(self, index: int, zoom: float = 1.0) -> View:
        """Returns what a network that takes any shape is shown: a photo in its own.

        One that has never seen grey beside photos takes it for things; one that was trained on such photos misses it.

        Args:
            index: The photo's place in the list.
            zoom: Factor on the sides of the image.
        """
        height, width = (round(zoom * side) for side in self.image_size)
        return self._viewed(self.read(index), (height, width))

    def views(self) -> Iterator[tuple[Tensor, ondr.Targets]]:
        """Yields batches of one photo each, as `view` shows them."""
        for index in range(len(self)):
            yield self.collate([self._sample(self.view(index), index)])

    def read(self, index: int) -> Image.Image:
        """Returns a photo as its file shows it, upright."""
        file = self.files[index]
        try:
            return ImageOps.exif_transpose(Image.open(file)).convert(self.mode).convert("RGB")
        except (OSError, UnidentifiedImageError) as error:
            raise ValueError(f"{file} must be a photo, got {error}. Mend it, or leave it out of the labels.") from None

    def check(self) -> None:
        """Reads every photo once, so that a broken one is told before hours of training.

        Raises:
            ValueError: A file is no image.
        """
        for index in range(len(self)):
            self.read(index)

    def collate(self, samples: Sequence[Sample]) -> tuple[Tensor, ondr.Targets]:
        """Joins samples, padded to the most objects that any photo has. The first says what the whole photo shows."""
        images, boxes, labels, ids = zip(*samples, strict=True)
        joined = torch.stack([pad(n, self.most, -1) for n in labels])
        targets = ondr.Targets(
            image_size=(images[0].shape[1], images[0].shape[2]),
            sample_ids=torch.tensor(ids),
            boxes=torch.stack([pad(b, self.most, 0) for b in boxes]),
            labels=joined,
            image_class=joined[:, 0],
            semantic=torch.full((len(images), *images[0].shape[1:]), UNKNOWN, dtype=torch.int16),
        )
        return torch.stack(images), targets

    def loader(self, batch_size: int, **options: Any) -> DataLoader[tuple[Tensor, ondr.Targets]]:
        """Returns a DataLoader of `images, targets`."""
        return DataLoader(self, batch_size, collate_fn=self.collate, **options)  # type: ignore[arg-type]

    def _sample(self, view: View, index: int) -> Sample:
        corners = torch.tensor([box for _, box in self.objects[index]], dtype=torch.float32).reshape(-1, 4)
        boxes = view.boxes_of(torch.cat([corners[:, :2], corners[:, :2] + corners[:, 2:]], dim=1))
        return view.image, boxes, torch.tensor([label for label, _ in self.objects[index]], dtype=torch.int64), index


def coco_photos(folder: Path, labels: Path, class_names: Sequence[str], image_size: tuple[int, int]) -> Photos:
    """Reads a COCO json. Its categories are found by name; objects of other categories are left out.

    Raises:
        ValueError: It is none, or names none of the classes, or no photo.
    """
    images, annotations, categories = read_coco(labels)
    ids = {c["id"]: class_names.index(c["name"]) for c in categories if c["name"] in class_names}
    if not ids:
        named = [c["name"] for c in categories]
        raise ValueError(f"{labels} must name one of the classes {class_names}, got {named}. Rename mesh folders.")
    objects: dict[int, list[tuple[int, list[float]]]] = defaultdict(list)
    for a in annotations:
        if a["category_id"] in ids and not a.get("iscrowd"):
            objects[a["image_id"]].append((ids[a["category_id"]], a["bbox"]))
    return Photos([folder / i["file_name"] for i in images], [objects[i["id"]] for i in images], image_size)


def coco_classes(labels: Path) -> set[str]:
    """Returns the names of the categories that have a box."""
    _, annotations, categories = read_coco(labels)
    used = {a["category_id"] for a in annotations}
    return {c["name"] for c in categories if c["id"] in used}


def read_coco(labels: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Returns the images, annotations and categories of a COCO json.

    Raises:
        ValueError: It is none.
    """
    try:
        coco = json.loads(labels.read_text())
        return coco["images"], coco["annotations"], coco["categories"]
    except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{labels} must be a COCO json, got {error!r}. `ondr export` writes such files.") from None


def classified_photos(
    folder: Path, labels: Path, class_names: Sequence[str], image_size: tuple[int, int], *, grey: bool = False
) -> Photos:
    """Reads a csv with a line `file,class` for each photo; photos of other classes are left out.

    Raises:
        ValueError: No line names one of the classes.
    """
    rows = read_csv(labels)
    known = [(name, class_names.index(label)) for name, label in rows if label in class_names]
    if not known:
        named = sorted({label for _, label in rows})
        raise ValueError(f"{labels} must name one of the classes {class_names}, got {named}. Rename mesh folders.")
    nowhere = [0.0, 0.0, 0.0, 0.0]
    return Photos(
        [folder / name for name, _ in known], [[(k, nowhere)] for _, k in known], image_size, fit=stretched, grey=grey
    )


def csv_classes(labels: Path) -> set[str]:
    """Returns all that the second column says."""
    return {label for _, label in read_csv(labels)}


def read_csv(labels: Path) -> list[tuple[str, str]]:
    """Returns pairs of file and class, without a heading.

    Raises:
        ValueError: It is no such csv.
    """
    try:
        with labels.open(newline="") as file:
            return [(row[0], row[1].strip()) for row in csv.reader(file) if row and row[0] != "file"]
    except (OSError, UnicodeDecodeError, IndexError) as error:
        raise ValueError(f"{labels} must have lines `file,class`, got {error!r}. Write one for each photo.") from None


def pad(values: Tensor, length: int, filler: float) -> Tensor:
    """Returns rows followed by rows of a filler."""
    return torch.cat([values, values.new_full((length - len(values), *values.shape[1:]), filler)])
