"""Chunks of samples: each is rendered as one batch on one thread, so that its bits do not depend on the process.

On the CPU, chunks are distributed over a DataLoader's worker processes. On CUDA, one process renders and several
threads encode the images.
"""

from __future__ import annotations

import functools
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import torch
from torch.utils.data import DataLoader, Dataset

from ondr.assets.bank import Assets
from ondr.batch import Batch, Targets
from ondr.errors import AssetError, BackendError, ConfigError
from ondr.export.folder import Folder
from ondr.export.formats import FORMATS
from ondr.export.formats.base import Image, ImageFormat, Source
from ondr.loop.dataset import RandomizedScenes
from ondr.pixel_format import as_bytes

CPU_CHUNK = 8
"""Images per chunk on the CPU: the most that a stopped worker loses, and few enough to distribute a small set. 16 or 32
are no faster per image."""
UserError = ConfigError | AssetError | BackendError
Item = TypeVar("Item")
Made = TypeVar("Made")


@dataclass(frozen=True)
class Job:
    """A set to write."""

    scenes: RandomizedScenes
    format: str
    image_format: ImageFormat
    count: int
    folder: Folder
    threads: int = 0
    """Threads that encode images; 0: the rendering thread does it."""

    @property
    def chunk(self) -> int:
        """Images per chunk."""
        size = self.scenes.cfg.batch_size
        return size if self.scenes.device.type == "cuda" else min(size, CPU_CHUNK)

    def source(self, assets: Assets) -> Source:
        """Returns what the format receives.

        Args:
            assets: The assets on the CPU.
        """
        return Source(self.scenes.cfg, assets, self.image_format)


class Chunks(Dataset[int | UserError]):
    """Item k renders and writes chunk k; its value is the number of images, or the error."""

    def __init__(self, job: Job) -> None:
        self.job = job

    @functools.cached_property
    def source(self) -> Source:
        """What the format receives; made in each worker, so that the assets need not be sent there."""
        return self.job.source(self.job.scenes.assets.to("cpu"))

    def __getitem__(self, chunk: int) -> int | UserError:
        # Returned as a value, since a DataLoader would add the worker's traceback to the message.
        try:
            return self._write(chunk)
        except (ConfigError, AssetError, BackendError) as error:
            return error

    @torch.no_grad()
    def _write(self, chunk: int) -> int:
        job = self.job
        first = chunk * job.chunk
        # Whole chunks are rendered even if the set ends within one, since the last bits depend on the batch size.
        batch = job.scenes.render(range(first, first + job.chunk))
        numbers = range(first, min(first + job.chunk, job.count))
        images = _images(batch, numbers)
        samples = _each(images, lambda image: FORMATS[job.format].sample(self.source, image), job.threads)
        for image, sample in zip(images, samples, strict=True):
            job.folder.write(sample.files)
            job.folder.keep(image.number, sample.record)
        return len(numbers)


def missing_chunks(job: Job) -> list[int]:
    """Returns the chunks that lack a sample."""
    kept = job.folder.kept()
    return sorted({number // job.chunk for number in range(job.count) if number not in kept})


def written(job: Job, chunks: Sequence[int], workers: int) -> Iterator[int]:
    """Writes chunks, in any order, and yields the number of images of each.

    Raises:
        ConfigError: The format cannot express an image, or a file cannot be written.
        AssetError: A worker cannot load the assets.
        BackendError: A worker cannot render, or was killed.
    """
    options: dict[str, Any] = {"in_order": False, "worker_init_fn": _leave_interrupts} if workers else {}
    # A generator of its own, since a DataLoader draws its workers' seeds from the global one.
    options["generator"] = torch.Generator()
    loader = DataLoader(Chunks(job), batch_size=None, sampler=chunks, num_workers=workers, **options)
    with _one_thread():
        results = iter(loader)
        while True:
            try:
                result = next(results, None)
            except RuntimeError as error:
                if "exited unexpectedly" not in str(error):
                    raise
                raise _killed() from error
            if result is None:
                return
            if isinstance(result, UserError):
                raise result
            yield result


def _leave_interrupts(_: int) -> None:
    """Lets a worker finish its files when Ctrl-C is pressed; the main process stops it afterwards."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _killed() -> BackendError:
    return BackendError(
        "workers must live until the set is whole, got one that was killed, as happens when memory runs out. "
        "Start again with fewer workers: the same command goes on where it stopped."
    )


def _images(batch: Batch, numbers: range) -> list[Image]:
    pixels, targets = as_bytes(batch.images).cpu(), batch.targets.to("cpu")
    return [Image(number, pixels[row].contiguous(), _row(targets, row)) for row, number in enumerate(numbers)]


def _row(targets: Targets, row: int) -> Targets:
    part = slice(row, row + 1)
    fields = {name: getattr(targets, name)[part] for name in targets.names()}
    return replace(targets, sample_ids=targets.sample_ids[part], **fields)


def _each(items: Sequence[Item], make: Callable[[Item], Made], threads: int) -> list[Made]:
    if not threads:
        return [make(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(make, items))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Renders on one thread in this process, as workers do, since the last bits depend on the number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
