"""Writes a fixed set to disk: the entry point of the package."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ondr.config import Config
from ondr.errors import ConfigError
from ondr.export.chunks import Job, missing_chunks, written
from ondr.export.folder import Folder
from ondr.export.formats import FORMATS
from ondr.export.formats.base import SUFFIXES, ImageFormat, check_camera
from ondr.export.manifest import describe
from ondr.loop.dataset import RandomizedScenes

MOST_WORKERS = 16
"""Most workers that `workers=None` starts: each takes 600 MB, some of it shared after a fork."""
MOST_IMAGES = 10**6
"""File names have six digits."""


@dataclass(frozen=True)
class Written:
    """The result of an export."""

    folder: Path
    images: int
    """Images in the set."""
    rendered: int
    """Images rendered by this call; the others existed."""


def write(
    cfg: Config,
    out: str | Path,
    format: str,
    count: int,
    *,
    workers: int | None = None,
    image_format: ImageFormat = "png",
    progress: bool = True,
) -> Written:
    """Writes the images of the sample ids 0, 1, ... as a set on disk, or resumes an interrupted call.

    The files do not depend on the number of workers or on interruptions. `manifest.json` describes how the set was
    made; `"complete": true` is written there last.

    Args:
        cfg: What to render. The outputs that the format needs are added.
        out: A new or empty folder, or one that holds the beginning of the same set.
        format: `coco`, `yolo`, `kitti`, `bop` or `ndds`.
        count: Number of images.
        workers: Processes that render; on CUDA, threads that encode images. 0: this process and thread alone; None: one
            for each core.
        image_format: `png`, or `jpeg` with quality 95.
        progress: Whether to show a progress bar on a terminal.

    Raises:
        ConfigError: An argument is wrong, the format cannot express what the config may draw, the folder holds
            something else or cannot be written, or the disk is full.
        AssetError: A file cannot be used.
        BackendError: The device or its renderer is missing, or a worker was killed.
    """
    _check(format, count, workers, image_format)
    chosen, root = FORMATS[format], Path(os.path.abspath(Path(out).expanduser()))
    check_camera(cfg, format, chosen.camera)
    scenes = RandomizedScenes(_with_outputs(cfg, chosen.outputs))
    on_cuda, number = scenes.device.type == "cuda", _cores() if workers is None else workers
    job = Job(scenes, format, image_format, count, Folder(root), number if on_cuda else 0)
    assets = scenes.assets.to("cpu")
    source = job.source(assets)
    chosen.check(source)
    choices = {"format": format, "image_format": image_format, "count": count, "chunk": job.chunk}
    manifest = describe(scenes.cfg, assets, scenes.device, **choices)
    if job.folder.open(manifest):
        return Written(root, count, 0)
    chunks, rendered = missing_chunks(job), 0
    with _progress(progress, count, len(job.folder.kept())) as advance:
        for images in written(job, chunks, 0 if on_cuda or number < 2 else min(number, len(chunks))):
            advance(images)
            rendered += images
    job.folder.finish(chosen.close(source, job.folder.records(count)), manifest)
    return Written(root, count, rendered)


def _check(format: str, count: int, workers: int | None, image_format: str) -> None:
    if format not in FORMATS:
        raise ConfigError(f"format must be one of {', '.join(FORMATS)}, got {format!r}. Choose one of them.")
    if image_format not in SUFFIXES:
        raise ConfigError(f"image_format must be png or jpeg, got {image_format!r}. Choose one of them.")
    if not 1 <= count <= MOST_IMAGES:
        raise ConfigError(f"count must be in 1..{MOST_IMAGES}, got {count}. Write several sets with other seeds.")
    if workers is not None and workers < 0:
        raise ConfigError(f"workers must be 0 or more, got {workers}. Leave it out for one for each core.")


def _with_outputs(cfg: Config, needed: tuple[str, ...]) -> Config:
    """Returns the config with missing outputs added after its own."""
    missing = [name for name in needed if name not in cfg.outputs]
    return cfg.with_overrides([f"outputs=[{', '.join([*cfg.outputs, *missing])}]"]) if missing else cfg


def _cores() -> int:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, MOST_WORKERS)


@contextmanager
def _progress(shown: bool, total: int, done: int) -> Iterator[Callable[[int], None]]:
    """Shows a bar on standard error, on a terminal only."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not (shown and console.is_terminal)) as bar:
        task = bar.add_task("Writing images", total=total, completed=done)
        yield lambda images: bar.advance(task, images)
