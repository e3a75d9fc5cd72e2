"""What a task has to say for itself: the network, how it is trained, what it sees in photos and how good that is."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from budget import Budget
from PIL import Image
from torch import nn
from training import Batches

import ondr
from ondr.loop.hooks import Hook

Scorer = Callable[[Sequence[int]], dict[str, float]]
"""Takes places of photos, of which one can come several times, to the figure of each class and their mean as `mean`."""


class PhotoSet(Protocol):
    """Photos with what is known about them."""

    files: list[Path]

    def __len__(self) -> int: ...

    def check(self) -> None:
        """Raises a ValueError where a photo cannot be read."""
        ...


class Task(Protocol):
    """One kind of label that a network can learn from the stream and be scored by on photos."""

    figure: str
    """Name of what is printed."""
    preset: str
    """What is rendered where no config is given."""
    size: int
    """Side of an image in pixels where the config does not say it."""
    outputs: tuple[str, ...]

    def add_options(self, parser: ArgumentParser) -> None:
        """Adds what only this task has on its command line."""
        ...

    def changes(self, options: Namespace) -> list[str]:
        """Returns the settings that follow from the options of this task."""
        ...

    def hooks(self, cfg: ondr.Config) -> Sequence[Hook]:
        """Returns what is done to scenes before they are rendered."""
        ...

    def labelled(self, options: Namespace) -> set[str]:
        """Returns the classes that the photos are labelled with."""
        ...

    def photos(self, options: Namespace, cfg: ondr.Config, class_names: Sequence[str]) -> Any:
        """Returns the photos as a `PhotoSet`; its `loader` is only needed to train on them.

        Raises:
            ValueError: There are none, or the labels cannot be read.
        """
        ...

    def network(self, scenes: ondr.RandomizedScenes) -> nn.Module:
        """Returns an untrained network."""
        ...

    def train(self, model: nn.Module, batches: Batches, budget: Budget, share_of_rate: float = 1.0) -> None:
        """Trains until the budget is used up.

        Args:
            model: The network.
            batches: Rendered images, photos or both.
            budget: How long.
            share_of_rate: Of the learning rate; below 1 to fine-tune.
        """
        ...

    def see(self, model: nn.Module, photos: Any, places: Sequence[int]) -> list[Any]:
        """Returns what a network sees in each of these photos."""
        ...

    def scorer(self, photos: Any, seen: Sequence[Any], class_names: Sequence[str]) -> Scorer:
        """Returns what scores what was seen in all photos."""
        ...

    def draw(self, photos: Any, seen: Sequence[Any], places: Sequence[int], class_names: Sequence[str]) -> Image.Image:
        """Returns some photos with what was seen in them, and the worst failures."""
        ...
