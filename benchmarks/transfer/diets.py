"""What a network is fed with: the stream, a part of it again and again, photos, or both.

Each takes a setup and returns what the network then sees in all photos. Where photos are trained on there are several
networks, and each photo is looked at by one that has not seen it, fitted as those that it has seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import torch
from adapting import adapt
from torch import Tensor, nn
from torch.utils.data import DataLoader

import ondr
from benchmarks.transfer.augmenting import augmented
from benchmarks.transfer.setup import Setup

FOLDS = 6
"""200 of 240 photos are left to train on."""
FINE_TUNING = 0.2
"""Of the budget and of the learning rate, on photos after the stream."""
MIXED = 0.5
"""Of the images are photos."""


def stream(setup: Setup) -> list[Any]:
    """Trains on images that never repeat."""
    return setup.see(setup.trained(DataLoader(setup.scenes)))


def adapted(setup: Setup) -> list[Any]:
    """Trains on images that never repeat, then fits the normalisation to the photos, whose labels are not needed."""
    model = setup.trained(DataLoader(setup.scenes))
    adapt(model, (setup.photos.view(place).image[None] for place in range(len(setup.photos))))
    return setup.see(model)


def frozen(setup: Setup, images: int) -> list[Any]:
    """Trains on the first images of the stream, again and again in random order."""
    return setup.see(setup.trained(again(setup.scenes, images, setup.seed)))


def photos_alone(setup: Setup) -> list[Any]:
    """Trains on the photos themselves."""
    photos = Passes.of(setup)
    return cross_validated(setup, lambda places: setup.trained(endless(photos.some(places))))


def mixed(setup: Setup) -> list[Any]:
    """Trains on rendered images and on photos at once."""
    photos = Passes.of(setup)
    return cross_validated(
        setup, lambda places: setup.trained(ondr.mix(photos.some(places), setup.scenes, real_fraction=MIXED))
    )


def fine_tuned(setup: Setup, photos: int) -> list[Any]:
    """Trains on the stream, then on so many photos."""
    every = Passes.of(setup)
    start = setup.trained(DataLoader(setup.scenes))

    def tuned(places: Sequence[int]) -> nn.Module:
        model = deepcopy(start)
        setup.task.train(model, endless(every.some(places[:photos])), setup.budget(FINE_TUNING), FINE_TUNING)
        return model

    return cross_validated(setup, tuned)


def cross_validated(setup: Setup, network: Callable[[Sequence[int]], nn.Module]) -> list[Any]:
    """Returns what is seen in each photo by a network that was trained on other photos, in random order."""
    count = len(setup.photos)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(setup.seed)).tolist()
    seen: dict[int, Any] = {}
    for fold in range(FOLDS):
        unseen = order[fold::FOLDS]
        model = network([place for place in order if place not in unseen])
        seen.update(zip(unseen, setup.see(model, unseen, as_in_batches=True), strict=True))
    return [seen[place] for place in range(count)]


def again(scenes: ondr.RandomizedScenes, images: int, seed: int) -> Iterator[ondr.Batch]:
    """Yields batches of the images with the first ids, each once before any comes again."""
    random = torch.Generator().manual_seed(seed)
    while True:
        for ids in torch.randperm(images, generator=random).split(scenes.cfg.batch_size):
            yield scenes.render(ids)


def endless(photos: Passes) -> Iterator[tuple[Tensor, ondr.Targets]]:
    """Yields pass after pass."""
    while True:
        yield from photos


@dataclass(frozen=True)
class Passes:
    """Photos in memory. Each pass shows all of them once, in another order and from another side."""

    images: Tensor
    targets: ondr.Targets
    batch_size: int
    random: torch.Generator

    @classmethod
    def of(cls, setup: Setup) -> Passes:
        """Reads all photos of a setup."""
        images, targets = zip(*setup.photos.loader(setup.scenes.cfg.batch_size), strict=True)
        random = torch.Generator().manual_seed(setup.seed)
        return cls(torch.cat(images), ondr.Targets.join(targets), setup.scenes.cfg.batch_size, random)

    def some(self, places: Sequence[int]) -> Passes:
        """Returns those at these places."""
        return replace(self, images=self.images[places], targets=rows(self.targets, torch.tensor(places)))

    def __iter__(self) -> Iterator[tuple[Tensor, ondr.Targets]]:
        for places in torch.randperm(len(self.images), generator=self.random).split(self.batch_size):
            yield augmented(self.images[places], rows(self.targets, places), self.random)


def rows(targets: ondr.Targets, places: Tensor) -> ondr.Targets:
    """Returns the targets of some images."""
    return replace(targets.map(lambda field: field[places]), sample_ids=targets.sample_ids[places])
