"""Real photos mixed with rendered images: each image of a batch is real with a given probability."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor
from torch.utils.data import DataLoader

from ondr import rng
from ondr.batch import Batch
from ondr.errors import ConfigError
from ondr.laws import Constant, Schedule
from ondr.loop.collate import join
from ondr.loop.dataset import RandomizedScenes
from ondr.loop.real import as_batch, photos, slots_of, with_slots
from ondr.loop.rows import Rows, select
from ondr.quantity import Spec, parse

NAME = "mix.real"
"""Name of the random stream that decides which images are real."""
KEYS = {"batches", "scenes", "real"}


def mix(real_loader: Iterable[Any], scenes: RandomizedScenes | DataLoader[Batch], *, real_fraction: Any = 0.5) -> Mixed:
    """Mixes real photos with a stream, image by image: `for images, targets in ondr.mix(photos, scenes)`.

    Images are taken from the stream and photos from the loader as they are needed, so nothing is rendered in vain. The
    loader is read again and again. It must yield pairs of images (floats in 0..1 or bytes, of the stream's size) and
    `ondr.Targets`, or Batches. Of the targets, the fields that `cfg.outputs` names are kept; only `ignored` may be
    missing. The number of slots may differ: the narrower targets are padded with holes.

    In a mixed Batch photos have negative `sample_ids`, -1 minus the id in the loader's targets, and draws that are NaN
    (those that are whole numbers mean nothing).
    Which images are real depends on `cfg.seed` alone, and so do the order and augmentation of photos as far as they use
    the global random state. Each rank reads its own `real_loader`.

    Args:
        real_loader: A finite iterable, such as a DataLoader.
        scenes: The stream, or a DataLoader over it. A pass of the mixture has as many batches as one of the stream.
        real_fraction: The probability that an image is real: a number, or a schedule such as
            `{"from": 0, "to": 0.5, "samples": 20000}`, counted in images of all ranks.

    Raises:
        ConfigError: An argument is wrong; while iterating, also if photos do not match the stream.
    """
    dataset = scenes.dataset if isinstance(scenes, DataLoader) else scenes
    if not isinstance(dataset, RandomizedScenes):
        raise ConfigError(
            f"scenes must be RandomizedScenes or a DataLoader over it, got {type(dataset).__name__}. Give the real "
            "photos first."
        )
    if not isinstance(real_loader, Iterable):
        raise ConfigError(
            f"real_loader must be a loader of photos, got {type(real_loader).__name__}. Give a DataLoader or a list."
        )
    try:
        law = parse(real_fraction, Spec(low=0, high=1))
        ends = (law.start, law.end) if isinstance(law, Schedule) else (law,)
        if not all(isinstance(end, Constant) for end in ends):
            raise ValueError(f"must be a number or {{from: 0, to: 0.5, samples: 20000}}, got {real_fraction}")
    except ValueError as error:
        raise ConfigError(f"real_fraction {error}. Use 0.5 for as many photos as rendered images.") from None
    return Mixed(real_loader, scenes, dataset, law)  # type: ignore[arg-type]


class Mixed:
    """The result of `mix`: an iterable of Batches with a state. Iterate over it directly, without a DataLoader."""

    def __init__(
        self,
        real_loader: Iterable[Any],
        scenes: RandomizedScenes | DataLoader[Batch],
        dataset: RandomizedScenes,
        law: Constant | Schedule,
    ) -> None:
        """See `mix`."""
        self._real_loader, self._scenes, self.dataset, self._law = real_loader, scenes, dataset, law
        self._left: int | None = None
        self._start(0, {"place": dataset.state_dict(), "row": 0}, {"place": {"pass": 0, "batch": 0}, "row": 0})

    def __len__(self) -> int:
        """Returns the number of batches of a pass; a TypeError for an endless stream."""
        return len(self.dataset)

    def __iter__(self) -> Iterator[Batch]:
        """Yields one pass; after `load_state_dict`, the rest of the saved one."""
        left, self._left = self._left, None
        if self.dataset.cfg.batches_per_epoch is None:
            while True:
                yield self._next()
        for _ in range(len(self) if left is None else left):
            yield self._next()

    def state_dict(self) -> dict[str, Any]:
        """Returns the state from which the mixture continues: the same as the `state` of the last Batch."""
        return {"batches": self._count, "scenes": self._rendered.state(), "real": self._real.state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continues after the Batch that `state` comes from; photos up to there are read and skipped.

        Args:
            state: `batch.state` of a mixed Batch, or the result of `state_dict()`.

        Raises:
            ConfigError: It is not the state of a mixture, or has another seed.
        """
        if not isinstance(state, dict) or state.keys() != KEYS:
            held = sorted(map(str, state)) if isinstance(state, dict) else type(state).__name__
            raise ConfigError(f"state must be that of a mixed Batch, got {held}. Save batch.state of what mix yields.")
        self.dataset.load_state_dict(state["scenes"]["place"])
        length = self.dataset.cfg.batches_per_epoch
        self._left = None if length is None else length - state["batches"] % length
        self._start(state["batches"], state["scenes"], state["real"])

    def _start(self, count: int, rendered: dict[str, Any], real: dict[str, Any]) -> None:
        self._count = count
        self._rendered = Rows(_endless(self._scenes), **rendered)
        rank, _ = self.dataset.rank_and_world()
        found = photos(self._real_loader, self.dataset.cfg.seed, rank, real["place"])
        self._real = Rows(_fitted(found, self._rendered, len(self.dataset.class_names)), **real)

    def _next(self) -> Batch:
        real = self._which_are_real()
        photographed = int(real.sum())
        parts = self._real.take(photographed) + self._rendered.take(len(real) - photographed)
        slots = max(map(slots_of, parts))
        joined = join([with_slots(part, slots) for part in parts])
        self._count += 1
        if 0 < photographed < len(real):
            # So far photos come first: move each image to the place that was drawn for it.
            joined = select(joined, real.logical_not().to(torch.int8).argsort(stable=True).argsort())
        return replace(joined, state=self.state_dict())

    def _which_are_real(self) -> Bool[Tensor, "batch"]:
        rank, world = self.dataset.rank_and_world()
        size, seed = self.dataset.cfg.batch_size, self.dataset.cfg.seed
        ids = torch.arange(size) + (self._count * world + rank) * size
        key, slot = torch.tensor([rng.name_key(NAME)]), torch.zeros(1, dtype=torch.int64)
        u = rng.uniform(rng.words(seed, ids, key, slot)[:, 0, 0])
        law = self._law
        if isinstance(law, Constant):
            return u < law.at
        low, high = law.start.parameters["at"], law.end.parameters["at"]
        return u < low + law.share(ids) * (high - low)  # type: ignore[operator]


# Functions, not methods: a generator that refers to its Mixed is a reference cycle, and a DataLoader that is shut down
# by the garbage collector waits 5 seconds for each worker.
def _endless(scenes: Iterable[Batch]) -> Iterator[tuple[Batch, Any]]:
    while True:
        for batch in scenes:
            yield batch, batch.state


def _fitted(found: Iterator[tuple[Any, Any]], rendered: Rows, classes: int) -> Iterator[tuple[Batch, Any]]:
    for batch, after in found:
        yield as_batch(batch, rendered.front(), classes), after
