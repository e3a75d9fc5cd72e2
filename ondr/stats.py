"""Statistics of a configuration's images: histograms of boxes, classes, visibility, directions and brightness.

Drawing them is left to `stats_page`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ondr.assets.bank import Assets
from ondr.batch import Batch, Targets
from ondr.config import Config
from ondr.geometry import product
from ondr.pixel_format import as_floats
from ondr.sampling.objects import stood
from ondr.settings.section import Up

OUTPUTS = ("boxes", "labels", "mesh_ids", "visibility", "truncation", "ignored", "camera_from_object")
GRID = 32
"""Cells per side of the maps of positions and directions."""
SIZE_BINS = 24
LEVELS = 32


@dataclass(frozen=True)
class Stats:
    """Counts over a number of images. Objects are those that a training loop sees: neither holes nor ignored."""

    images: int
    objects: int
    ignored: int
    per_image: Int64[Tensor, "number"]
    """Number of images with 0, 1, 2, ... objects."""
    classes: Int64[Tensor, "class"]
    size: Int64[Tensor, "bin"]
    """Square root of a box's share of the image, 0..1, in equal bins."""
    aspect: Int64[Tensor, "bin"]
    """log2 of a box's width over its height, -3..3, in equal bins."""
    visibility: Int64[Tensor, "bin"]
    """0..1, in equal bins."""
    truncation: Int64[Tensor, "bin"]
    """0..1, in equal bins."""
    brightness: Int64[Tensor, "bin"]
    """Mean of an image, 0..1, in equal bins."""
    coverage: Float[Tensor, "row column"]
    """Share of the images in which a box contains each cell."""
    directions: Int64[Tensor, "row column"]
    """From where objects are seen, in their own frames, stood up: rows from above to below, equal heights and so equal
    areas of the sphere; columns azimuth from -180 to 180 degrees."""


def stats_config(cfg: Config) -> Config:
    """Returns the settings with the outputs that `measure_stats` needs."""
    return cfg.with_overrides([f"outputs=[{','.join(OUTPUTS)}]"])


def upright_meshes(assets: Assets, up: Up) -> Float[Tensor, "mesh 3 3"]:
    """Returns the rotations that bring up what is up in each of the files of the objects of interest, on the CPU.

    Args:
        assets: As loaded, on any device.
        up: `objects.up`.
    """
    rows = torch.arange(len(assets.mesh_files), dtype=torch.int32, device=assets.bank.device)[None]
    level = torch.eye(3, device=rows.device).expand(*rows.shape, 3, 3)
    return stood(level, assets.bank, rows, up)[0].cpu()


def measure_stats(batches: Iterable[Batch], classes: int, upright: Float[Tensor, "mesh 3 3"] | None = None) -> Stats:
    """Counts over some batches, which must have the targets in `OUTPUTS`.

    Args:
        batches: One or more batches.
        classes: Number of classes.
        upright: From `upright_meshes`; None: z is up in all files.
    """
    parts = [_of_batch(batch, classes, upright) for batch in batches]
    first, *others = parts
    summed = {name: sum((part[name] for part in others), value) for name, value in first.items() if name not in SCALARS}
    images, objects, ignored = (int(sum(int(part[name]) for part in parts)) for name in SCALARS)
    summed["coverage"] = summed["coverage"] / images
    return Stats(images, objects, ignored, **summed)


SCALARS = ("images", "objects", "ignored")


def _of_batch(batch: Batch, classes: int, upright: Tensor | None) -> dict[str, Tensor]:
    t = batch.targets.to("cpu")
    kept = t.valid & ~_given(t.ignored)
    boxes, (height, width) = _given(t.boxes)[kept], t.image_size
    sides = (boxes[:, 2:] - boxes[:, :2]).clamp_min(1e-3)
    share = (sides.prod(1) / (height * width)).sqrt()
    return {
        "images": torch.tensor(len(batch)),
        "objects": kept.sum(),
        "ignored": (t.valid & ~kept).sum(),
        "per_image": torch.bincount(kept.sum(1), minlength=kept.shape[1] + 1),
        "classes": torch.bincount(_given(t.labels)[kept], minlength=classes),
        "size": histogram(share, 0, 1, SIZE_BINS),
        "aspect": histogram((sides[:, 0] / sides[:, 1]).log2(), -3, 3, SIZE_BINS),
        "visibility": histogram(_given(t.visibility)[kept], 0, 1, SIZE_BINS),
        "truncation": histogram(_given(t.truncation)[kept], 0, 1, SIZE_BINS),
        "brightness": histogram(as_floats(batch.images.detach()).mean((1, 2, 3)).cpu(), 0, 1, LEVELS),
        "coverage": _coverage(t, kept),
        "directions": directions(
            _given(t.camera_from_object)[kept], None if upright is None else upright[_given(t.mesh_ids)[kept]]
        ),
    }


def _given(field: Tensor | None) -> Tensor:
    if field is None:
        raise ValueError(f"batches must have the targets {', '.join(OUTPUTS)}. Render with stats_config(cfg).")
    return field


def histogram(values: Float[Tensor, "n"], low: float, high: float, bins: int) -> Int64[Tensor, "bins"]:
    """Counts values in equal bins; values outside go to the first or last one."""
    index = ((values - low) * (bins / (high - low))).floor().long().clamp(0, bins - 1)
    return torch.bincount(index, minlength=bins)


def _coverage(targets: Targets, kept: Tensor) -> Float[Tensor, "row column"]:
    """Returns the number of images in which a box contains each cell's centre."""
    (height, width), places = targets.image_size, (torch.arange(GRID) + 0.5) / GRID
    x1, y1, x2, y2 = (side[..., None, None] for side in _given(targets.boxes).unbind(-1))
    x, y = places * width, places[:, None] * height
    held = (x >= x1) & (x < x2) & (y >= y1) & (y < y2) & kept[..., None, None]
    return held.any(1).sum(0).float()


def directions(
    camera_from_object: Float[Tensor, "n 4 4"], upright: Float[Tensor, "n 3 3"] | None = None
) -> Int64[Tensor, "row column"]:
    """Counts from where objects are seen: see `Stats.directions`.

    Args:
        camera_from_object: Poses of the files' own axes.
        upright: What stands each object up; None: all stand.
    """
    rotation, translation = camera_from_object[:, :3, :3], camera_from_object[:, :3, 3]
    to_camera = -product(rotation.mT, translation[..., None])
    to_camera = (to_camera if upright is None else product(upright, to_camera))[..., 0]
    x, y, z = torch.nn.functional.normalize(to_camera, dim=1).unbind(1)
    row = ((1 - z) / 2 * (GRID // 2)).floor().long().clamp(0, GRID // 2 - 1)
    column = ((torch.atan2(y, x) / torch.pi + 1) / 2 * GRID).floor().long().clamp(0, GRID - 1)
    return torch.bincount(row * GRID + column, minlength=GRID * (GRID // 2)).reshape(-1, GRID)
