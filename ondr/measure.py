"""Measures how fast a configuration renders, through the public API; for `ondr bench` and the benchmarks."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter

import torch

from ondr.batch import Batch
from ondr.config import Config
from ondr.loop.dataset import RandomizedScenes
from ondr.place import place
from ondr.runtime.timing import Timer

WARMUP_BATCHES = 3
REPEATS = 9
"""Odd, so that the median is one of the measured values; quartiles need a few on each side."""


@dataclass(frozen=True)
class Measurement:
    """The measurement of one configuration."""

    device: str
    images_per_second: float
    """Median over the repeats."""
    quartiles: tuple[float, float]
    """Lower and upper quartile of the images/s."""
    stage_milliseconds: dict[str, float]
    """Milliseconds per image of each stage, from a separate pass, so that timers do not slow the repeats."""
    triangles_per_image: float
    """Triangles of the meshes in an image, before culling."""
    peak_memory_mib: float
    """On CUDA the most that torch has allocated; on the CPU the process's largest resident size since its start, NaN on
    Windows."""
    first_batch_seconds: float
    """Time from the settings to the first finished batch: loading, compiling and rendering."""


def measure(cfg: Config, *, seconds: float = 5.0) -> Measurement:
    """Renders a stream and measures it.

    Args:
        cfg: What to render; an epoch's length is ignored.
        seconds: Approximate duration of all repeats; loading and warming up come before.
    """
    started = perf_counter()
    scenes = RandomizedScenes(cfg.with_overrides(["batches_per_epoch=null"]))
    stream = iter(scenes)
    device = next(stream).images.device
    synchronize(device)
    first = perf_counter() - started
    each = _seconds(stream, device, WARMUP_BATCHES) / WARMUP_BATCHES
    batches = max(1, round(seconds / REPEATS / each))
    rates = [batches * cfg.batch_size / _seconds(stream, device, batches) for _ in range(REPEATS)]
    low, median, high = torch.tensor(rates, dtype=torch.float64).quantile(torch.tensor([0.25, 0.5, 0.75]).double())
    with Timer(device) as timer:
        _seconds(stream, device, batches)
    images = batches * cfg.batch_size
    return Measurement(
        device=str(device),
        images_per_second=median.item(),
        quartiles=(low.item(), high.item()),
        stage_milliseconds={name: total / images for name, total in timer.milliseconds().items()},
        triangles_per_image=_triangles(scenes, cfg.batch_size),
        peak_memory_mib=_peak_memory_mib(device),
        first_batch_seconds=first,
    )


def synchronize(device: torch.device) -> None:
    """Waits for a GPU to finish; does nothing on a CPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _seconds(stream: Iterator[Batch], device: torch.device, batches: int) -> float:
    """Returns the time until the next batches are finished."""
    start = perf_counter()
    for _ in range(batches):
        next(stream)
    synchronize(device)
    return perf_counter() - start


def _triangles(scenes: RandomizedScenes, images: int) -> float:
    """Returns the mean number of triangles per image."""
    placed = place(scenes.sample(range(images)), scenes.assets.bank, scenes.cfg.render.detail_pixels)
    return placed.triangle_count.sum(dim=1).double().mean().item()


def _peak_memory_mib(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    if sys.platform == "win32":
        return math.nan
    import resource

    # Linux counts in KiB, macOS in bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
