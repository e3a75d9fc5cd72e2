"""Poses of known objects: the network of examples/, by ADD(-S) recall at a tenth of the diameter."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from budget import Budget
from estimate_pose import LEARNING_RATE, OUTPUTS, look, network, train
from PIL import Image, ImageDraw
from pose_errors import CLOSE, angles, distances
from pose_network import PoseNetwork
from pose_objects import Objects
from torch import Tensor

import ondr
from benchmarks.transfer.pose_photos import PosePhotos, pose_photos, read_poses
from benchmarks.transfer.symmetries import with_symmetries
from benchmarks.transfer.task import Scorer
from benchmarks.transfer.workplace import Workplace

METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001}
LEAST_VISIBLE = 0.6
"""Share of an object that is seen: what others cover for the most part is not scored."""
COLUMNS = 3
DRAWN_POINTS = 120
RIGHT, WRONG = (40, 220, 70), (240, 50, 40)


@dataclass(frozen=True)
class Seen:
    """Poses of the objects of a photo, in the order of its labels."""

    rotations: Tensor
    """`[n, 3, 3]`."""
    translations: Tensor
    """Of the middles of the objects' boxes, metres, `[n, 3]`."""


class Pose:
    """See `Task`. What is seen in a photo are the poses of its objects, whose boxes and classes are given."""

    figure = "ADD(-S) recall at 10 % of the diameter"
    preset = "pose"
    size = 256
    outputs = OUTPUTS

    def add_options(self, parser: ArgumentParser) -> None:
        """Adds the poses, and what is known of the objects and of the camera."""
        parser.add_argument("--poses", type=Path, required=True, help="json of photos, K and poses")
        parser.add_argument("--symmetries", type=Path, help="YAML: mesh to what its .labels.json would hold")
        parser.add_argument(
            "--heights", type=float, nargs="+", default=[], help="of the camera above the table, metres"
        )

    def changes(self, options: Namespace) -> list[str]:
        """Returns where the meshes are that have their symmetries beside them.

        Raises:
            ValueError: The symmetries are of other meshes.
        """
        self._heights: tuple[float, ...] = tuple(options.heights)
        if not options.symmetries:
            return []
        if not options.meshes:
            raise ValueError("--symmetries must come with --meshes, got none. Name the folder of meshes.")
        self._links = TemporaryDirectory()
        return [f"objects.meshes={with_symmetries(options.meshes, options.symmetries, Path(self._links.name))}"]

    def hooks(self, cfg: ondr.Config) -> list[Workplace]:
        """Returns what is done to scenes before they are rendered."""
        sizes = objects_of(cfg).diameters * self._unit(cfg)
        return [Workplace(int(cfg.objects.count.support[1]), float(sizes.median()), self._heights)]

    def labelled(self, options: Namespace) -> set[str]:
        """Returns the classes that the photos show."""
        return {o["label"] for entry in read_poses(options.poses) for o in entry["objects"]}

    def photos(self, options: Namespace, cfg: ondr.Config, class_names: Sequence[str]) -> PosePhotos:
        """Returns the photos with their poses."""
        entries, unit = read_poses(options.poses), self._unit(cfg)
        return pose_photos(options.photos, entries, class_names, objects_of(cfg), unit, max(cfg.image_size))

    def _unit(self, cfg: ondr.Config) -> float:
        if cfg.objects.unit not in METRES:
            raise ValueError(
                f"objects.unit must be one of {list(METRES)}, got {cfg.objects.unit}. Name that of the files."
            )
        return METRES[cfg.objects.unit]

    def network(self, scenes: ondr.RandomizedScenes) -> PoseNetwork:
        """Returns an untrained network."""
        self._of_stream = Objects.of_stream(scenes)
        return network(scenes, self._of_stream)

    def train(self, model: PoseNetwork, batches: Any, budget: Budget, share_of_rate: float = 1.0) -> None:
        """Trains until the budget is used up."""
        train(model, batches, self._of_stream, budget, share_of_rate * LEARNING_RATE)

    @torch.no_grad()
    def see(self, model: PoseNetwork, photos: PosePhotos, places: Sequence[int]) -> list[Seen]:
        """Returns the poses of the objects in each photo."""
        device = next(model.parameters()).device
        model.eval()
        found = (look(model, photos.crops(place).to(device)).best() for place in places)
        return [Seen(rotations.cpu(), translations.cpu()) for rotations, translations in found]

    def scorer(self, photos: PosePhotos, seen: Sequence[Seen], class_names: Sequence[str]) -> Scorer:
        """Returns what takes places of photos to recalls, and to the median error of the rotation alone."""
        judged = [judge(photos, place, one) for place, one in enumerate(seen)]

        def score(places: Sequence[int]) -> dict[str, float]:
            right, turned, label = (torch.cat([judged[place][k] for place in places]) for k in range(3))
            by_class = {
                name: float(right[label == k].double().mean())
                for k, name in enumerate(class_names)
                if (label == k).any()
            }
            both = {"rotation_degrees": float(turned.median()), "mean": float(right.double().mean())}
            return {**by_class, **both} if len(right) else {"mean": float("nan")}

        return score

    def draw(
        self, photos: PosePhotos, seen: Sequence[Seen], places: Sequence[int], class_names: Sequence[str]
    ) -> Image.Image:
        """Returns photos with the surfaces of objects where they are taken to be; the worst first."""

        def recall(place: int) -> float:
            return float(judge(photos, place, seen[place])[0].double().mean().nan_to_num(1))

        tiles = [drawn(photos, place, seen[place]) for place in sorted(places, key=recall)]
        width, height = max(t.width for t in tiles), max(t.height for t in tiles)
        sheet = Image.new("RGB", (COLUMNS * width, -(-len(tiles) // COLUMNS) * height))
        for k, tile in enumerate(tiles):
            sheet.paste(tile, (k % COLUMNS * width, k // COLUMNS * height))
        return sheet


def objects_of(cfg: ondr.Config) -> Objects:
    """Returns the one mesh of each class.

    Raises:
        ValueError: A class has several, so that it is not said which one photos show.
    """
    assets = ondr.load_assets(cfg)
    if len(assets.mesh_paths) != len(assets.class_names):
        raise ValueError(
            f"--meshes must hold one mesh for each class, got {len(assets.mesh_paths)} for {len(assets.class_names)}. "
            "Put the files beside each other, without folders."
        )
    return Objects.of(assets.mesh_paths, assets.annotations.symmetries)


def judge(photos: PosePhotos, place: int, seen: Seen) -> tuple[Tensor, Tensor, Tensor]:
    """Returns which objects of a photo are right, how far they are turned (degrees), and their classes, `[n]` each.

    Objects that others cover for the most part are left out.
    """
    truth, scored = photos.truth(place), photos.visibility(place) >= LEAST_VISIBLE
    right = distances(seen.rotations, seen.translations, truth) < CLOSE
    return right[scored], angles(seen.rotations, truth)[scored], photos.labels(place)[scored]


def drawn(photos: PosePhotos, place: int, seen: Seen) -> Image.Image:
    """Returns a photo with points of each object where it is taken to be: green where that is right, else red."""
    picture, truth, k = photos.image(place), photos.truth(place), photos.intrinsics(place)
    right = distances(seen.rotations, seen.translations, truth) < CLOSE
    points = truth.points @ seen.rotations.mT + seen.translations[:, None]
    pixels = points @ k.T
    pixels = pixels[..., :2] / pixels[..., 2:]
    point = ImageDraw.Draw(picture).point
    for dots, good in zip(pixels[:, :DRAWN_POINTS].tolist(), right.tolist(), strict=True):
        point([tuple(dot) for dot in dots], fill=RIGHT if good else WRONG)
    return picture
