"""A folder of labelled photos as batches of one size: what a detector is scored on, and fine-tuned with."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

import ondr

PAPER = 0.5
"""Grey level beside a photo of another shape."""

Sample = tuple[Tensor, Tensor, Tensor, int]


class CocoPhotos(Dataset[Sample]):
    """Photos with boxes, scaled to fit into `image_size` (height, width) and centred on grey."""

    def __init__(self, folder: Path, labels: Path, class_names: Sequence[str], image_size: tuple[int, int]) -> None:
        """Reads a COCO json. Its categories are found by name; objects of other categories are left out.

        Raises:
            ValueError: It names none of the classes.
        """
        coco: dict[str, Any] = json.loads(labels.read_text())
        ids = {c["id"]: class_names.index(c["name"]) for c in coco["categories"] if c["name"] in class_names}
        if not ids:
            named = [c["name"] for c in coco["categories"]]
            raise ValueError(f"{labels} must name one of the classes {class_names}, got {named}. Rename mesh folders.")
        self.folder, self.image_size = folder, image_size
        self.images = coco["images"]
        self.objects: dict[int, list[tuple[int, list[float]]]] = defaultdict(list)
        for a in coco["annotations"]:
            if a["category_id"] in ids and not a.get("iscrowd"):
                self.objects[a["image_id"]].append((ids[a["category_id"]], a["bbox"]))
        self.most = max(map(len, self.objects.values()), default=1)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Sample:
        """Returns an image `[3, H, W]` in 0..1, boxes `[n, 4]` x1 y1 x2 y2 in its pixels, labels `[n]`, its id."""
        about = self.images[index]
        photo = ImageOps.exif_transpose(Image.open(self.folder / about["file_name"])).convert("RGB")
        image, scale, corner = fit(photo, self.image_size)
        objects = self.objects[about["id"]]
        boxes = torch.tensor([bbox for _, bbox in objects]).reshape(-1, 4)
        boxes = torch.cat([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], dim=1) * scale + corner.repeat(2)
        return image, boxes, torch.tensor([label for label, _ in objects], dtype=torch.int64), about["id"]

    def collate(self, samples: Sequence[Sample]) -> tuple[Tensor, ondr.Targets]:
        """Joins samples, padded to the most objects that any photo has."""
        images, boxes, labels, ids = zip(*samples, strict=True)
        targets = ondr.Targets(
            image_size=self.image_size,
            sample_ids=torch.tensor(ids),
            boxes=torch.stack([pad(b, self.most, 0) for b in boxes]),
            labels=torch.stack([pad(n, self.most, -1) for n in labels]),
        )
        return torch.stack(images), targets

    def loader(self, batch_size: int, **options: Any) -> DataLoader[tuple[Tensor, ondr.Targets]]:
        """Returns a DataLoader of `images, targets`."""
        return DataLoader(self, batch_size, collate_fn=self.collate, **options)  # type: ignore[arg-type]


def fit(photo: Image.Image, image_size: tuple[int, int]) -> tuple[Tensor, float, Tensor]:
    """Returns a photo scaled into an image `[3, H, W]`, the scale, and where its corner (x, y) is."""
    height, width = image_size
    scale = min(width / photo.width, height / photo.height)
    small = photo.resize((round(photo.width * scale), round(photo.height * scale)), Image.Resampling.BOX)
    x, y = (width - small.width) // 2, (height - small.height) // 2
    image = torch.full((3, height, width), PAPER)
    pixels = torch.from_numpy(np.asarray(small).copy()).permute(2, 0, 1) / 255
    image[:, y : y + small.height, x : x + small.width] = pixels
    return image, scale, torch.tensor([x, y])


def pad(values: Tensor, length: int, filler: float) -> Tensor:
    """Returns rows followed by rows of a filler."""
    return torch.cat([values, values.new_full((length - len(values), *values.shape[1:]), filler)])
