"""How fast a folder of JPEGs is read that a DataLoader's workers decode, against the stream: turn by turn in one run.

python benchmarks/peers/against_jpeg_folder.py --workers 2

What people do today, with a finite set: the folder holds images of the stream itself, of the same size, and boxes.
It is read as it is, and with kornia's effects of the same kinds and strengths on each batch.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Annotated, Any

import kornia.augmentation as K
import numpy as np
import torch
import typer
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

import ondr

sys.path.insert(0, str(Path(__file__).parents[1]))
from make_assets import make_assets
from throughput import HERE, machine, settings_of

QUALITY = 95
TURNS = 5


class Folder(Dataset[tuple[Tensor, Tensor]]):
    """JPEGs and the boxes of their objects."""

    def __init__(self, root: Path, boxes: Tensor) -> None:
        self.files, self.boxes = sorted(root.glob("*.jpg")), boxes

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        pixels = np.asarray(Image.open(self.files[index]).convert("RGB"))
        return torch.from_numpy(pixels).permute(2, 0, 1).float() / 255, self.boxes[index]


def freeze(scenes: ondr.RandomizedScenes, images: int, root: Path) -> Tensor:
    """Writes images of a stream as JPEGs and returns their boxes."""
    boxes = []
    for first in range(0, images, scenes.cfg.batch_size):
        batch = scenes.render(range(first, min(first + scenes.cfg.batch_size, images)))
        boxes.append(batch.targets.boxes)
        for number, image in enumerate((batch.images * 255).byte().permute(0, 2, 3, 1).cpu().numpy(), start=first):
            Image.fromarray(image).save(root / f"{number:06d}.jpg", quality=QUALITY)
    return torch.cat(boxes).cpu()


def effects() -> Callable[[Tensor], Tensor]:
    """Returns what cases/full.yaml does to each image, by kornia."""
    jitter = K.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.3, hue=8 / 360, p=1.0)
    blur = K.RandomGaussianBlur((9, 9), (0.3, 1.5), p=1.0)
    return K.AugmentationSequential(jitter, blur, K.RandomGaussianNoise(std=0.02, p=1.0), data_keys=["input"])


def read(loader: DataLoader[Any], device: str, augment: Callable[[Tensor], Tensor] | None) -> Iterator[Tensor]:
    """Yields the folder's batches on the device, as a training loop has them."""
    for images, _ in loader:
        images = images.to(device, non_blocking=True)
        yield images if augment is None else augment(images)


def rate(batches: Iterator[Tensor], device: str) -> float:
    """Returns images/s."""
    started, count = perf_counter(), 0
    for images in batches:
        count += len(images)
    if device == "cuda":
        torch.cuda.synchronize()
    return count / (perf_counter() - started)


def main(
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    workers: Annotated[int, typer.Option(help="Processes that decode; 0: the loop itself.")] = 2,
    images: Annotated[int, typer.Option(help="How many the folder holds.")] = 512,
    overrides: Annotated[list[str] | None, typer.Option("-o", help="key=value for cases/full.yaml.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Where to write the figures.")] = None,
) -> None:
    """Measure all three and print images/s and ratios."""
    make_assets()
    cfg = ondr.Config.load(HERE / "cases" / "full.yaml", [f"device={device}", *(overrides or [])])
    scenes = ondr.RandomizedScenes(cfg)
    stream = iter(scenes)
    batches = -(-images // cfg.batch_size)
    with tempfile.TemporaryDirectory() as root:
        folder = Folder(Path(root), freeze(scenes, images, Path(root)))
        loader = DataLoader(
            folder, cfg.batch_size, shuffle=True, num_workers=workers, persistent_workers=workers > 0,
            pin_memory=device == "cuda",
        )  # fmt: skip
        kinds: dict[str, Callable[[], Iterator[Tensor]]] = {
            "ondr": lambda: (batch.images for batch in islice(stream, batches)),
            "folder": lambda: read(loader, device, None),
            "folder_with_effects": lambda: read(loader, device, effects()),
        }
        found: dict[str, list[float]] = {name: [] for name in kinds}
        for turn in range(TURNS + 1):
            for name, make in kinds.items():
                measured = rate(make(), device)
                if turn:  # The first turn starts workers and compiles.
                    found[name].append(measured)
        del loader
    for name in ("folder", "folder_with_effects"):
        ratio = median(a / b for a, b in zip(found["ondr"], found[name], strict=True))
        print(f"ondr {median(found['ondr']):.0f} images/s, {name} {median(found[name]):.0f}: {ratio:.2f} times")
    if json_file is not None:
        figures = {"workers": workers, "images_per_second": found}
        json_file.write_text(json.dumps({**machine(device), "config": settings_of(cfg), **figures}, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
