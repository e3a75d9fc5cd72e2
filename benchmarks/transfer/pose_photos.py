"""Photos of objects whose poses are known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from pose_crops import Crops, crops_of
from pose_errors import Truth
from pose_objects import Objects
from torch import Tensor

PIXELS_BETWEEN = 0.5
"""K of a calibration has the centres of pixels at whole numbers, K here half a pixel further."""
MILLIMETRES = 1e-3
NEEDED = ("label", "R", "t_mm", "bbox_xywh", "mask_visib")


@dataclass(frozen=True)
class PosePhotos:
    """Photos, each with at least one object of a known class."""

    files: list[Path]
    entries: list[dict[str, Any]]
    """Of the json, with the objects of known classes only."""
    class_names: tuple[str, ...]
    objects: Objects
    """One mesh for each class, in the order of the classes."""
    unit: float
    """Metres in a unit of the meshes."""
    longest: int
    """Side that photos are scaled to, so that they show as much as what is rendered."""

    def __len__(self) -> int:
        return len(self.files)

    def image(self, place: int) -> Image.Image:
        """Returns a photo at the scale of what is rendered.

        Raises:
            ValueError: It cannot be read.
        """
        try:
            with Image.open(self.files[place]) as photo:
                size = [max(1, round(side * self._factor(photo.size))) for side in photo.size]
                return photo.convert("RGB").resize(size, Image.Resampling.BOX)
        except (OSError, UnidentifiedImageError) as error:
            raise ValueError(f"{self.files[place]} must be a photo, got {error}. Remove it from the poses.") from error

    def check(self) -> None:
        """Reads every photo once, so that a broken one is told before hours of training.

        Raises:
            ValueError: It cannot be read.
        """
        for place in range(len(self)):
            self.image(place)

    def crops(self, place: int) -> Crops:
        """Returns the squares around the objects of a photo."""
        image, entry = self.image(place), self.entries[place]
        factor = self._factor((entry["width"], entry["height"]))
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None] / 255
        boxes = torch.tensor([o["bbox_xywh"] for o in entry["objects"]], dtype=torch.float32)
        corners = torch.cat([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], dim=1) * factor
        labels = self.labels(place)
        intrinsics = self.intrinsics(place).expand(len(labels), 3, 3)
        return crops_of(pixels, torch.zeros_like(labels), corners, intrinsics, labels, jitter=0)

    def intrinsics(self, place: int) -> Tensor:
        """Returns K of the scaled photo, pixel centres at +0.5, `[3, 3]`."""
        entry = self.entries[place]
        k = torch.tensor(entry["K"], dtype=torch.float32).view(3, 3).clone()
        k[:2, 2] += PIXELS_BETWEEN
        k[:2] *= self._factor((entry["width"], entry["height"]))
        return k

    def labels(self, place: int) -> Tensor:
        """Returns the classes of the objects of a photo, `[n]`."""
        return torch.tensor([self.class_names.index(o["label"]) for o in self.entries[place]["objects"]])

    def visibility(self, place: int) -> Tensor:
        """Returns how much of each object is seen, 0..1, `[n]`."""
        return torch.tensor([o["mask_visib"] / 100 for o in self.entries[place]["objects"]])

    def truth(self, place: int) -> Truth:
        """Returns where the objects of a photo are."""
        objects, labels = self.entries[place]["objects"], self.labels(place)
        poses = torch.eye(4).repeat(len(objects), 1, 1)
        poses[:, :3, :3] = torch.tensor([o["R"] for o in objects]).view(-1, 3, 3)
        poses[:, :3, 3] = torch.tensor([o["t_mm"] for o in objects]) * MILLIMETRES
        return self.objects.placed(labels, poses, torch.full((len(objects),), self.unit))

    def _factor(self, size: tuple[int, int]) -> float:
        return self.longest / max(size)


def read_poses(file: Path) -> list[dict[str, Any]]:
    """Returns the entries of a json of poses.

    Raises:
        ValueError: It is none.
    """
    try:
        entries = json.loads(file.read_text())
        for entry in entries:
            _ = [entry[k] for k in ("file", "K", "width", "height")], [o[k] for o in entry["objects"] for k in NEEDED]
    except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(
            f"--poses must be a list of photos with file, width, height, K and objects with {', '.join(NEEDED)}, got "
            f"{error!r} in {file}. Write R row by row, with the axes of OpenCV."
        ) from error
    return entries


def pose_photos(
    folder: Path,
    entries: Sequence[dict[str, Any]],
    class_names: Sequence[str],
    objects: Objects,
    unit: float,
    longest: int,
) -> PosePhotos:
    """Returns the photos that show known classes.

    Raises:
        ValueError: There are none, or a file is missing.
    """
    known = [{**e, "objects": [o for o in e["objects"] if o["label"] in class_names]} for e in entries]
    kept = [entry for entry in known if entry["objects"]]
    files = [_found(folder, entry["file"]) for entry in kept]
    if not files:
        raise ValueError(f"--poses must name objects of {list(class_names)}, got none. Check the labels.")
    return PosePhotos(files, kept, tuple(class_names), objects, unit, longest)


def _found(folder: Path, name: str) -> Path:
    """Returns a photo by its name below the folder of photos, or by the name alone where that has folders."""
    for file in (folder / name, folder / Path(name).name):
        if file.is_file():
            return file
    raise ValueError(f"--photos must hold what the poses name, got no {name} in {folder.absolute()}. Name its folder.")
