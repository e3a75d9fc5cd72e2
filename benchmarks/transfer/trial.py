"""One trial: a network is trained, looks at photos, and what it sees there is scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.transfer.bootstrap import interval
from benchmarks.transfer.halves import Half, places_of
from benchmarks.transfer.setup import Setup
from benchmarks.transfer.task import Scorer

Diet = Callable[[Setup], list[Any]]
"""Trains on what it is named after and returns what is seen in each photo."""


@dataclass(frozen=True)
class Score:
    """A figure over a half of the photos."""

    half: Half
    photos: int
    value: float
    low: float
    """Of the interval that holds 95 % of the figures of photos drawn with replacement."""
    high: float
    by_class: dict[str, float]

    def __str__(self) -> str:
        classes = "  ".join(f"{name} {value:.2f}" for name, value in self.by_class.items())
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}] on {self.photos} photos ({self.half}): {classes}"


@dataclass(frozen=True)
class Found:
    """What came out of a trial."""

    figure: str
    scores: list[Score]
    images: int
    """That a network was trained on."""
    minutes: float
    """Of training, of all networks together."""
    networks: int
    losses: tuple[float, float]
    """At the beginning and in the end, of the first network."""
    parameters: int
    seed: int
    classes: list[str]


def run(setup: Setup, diet: Diet, halves: Sequence[Half]) -> tuple[Found, list[Any]]:
    """Trains and scores. Returns what came out, and what was seen in each photo."""
    setup.budgets.clear()
    seen = diet(setup)
    scorer = setup.task.scorer(setup.photos, seen, setup.scenes.class_names)
    first = setup.budgets[0]
    found = Found(
        figure=setup.task.figure,
        scores=[score(scorer, places_of(setup.photos.files, half), half) for half in halves],
        images=len(first.losses) * setup.scenes.cfg.batch_size,
        minutes=round(sum(budget.seconds for budget in setup.budgets) / 60, 2),
        networks=len(setup.budgets),
        losses=first.ends(),
        parameters=setup.parameters,
        seed=setup.seed,
        classes=list(setup.scenes.class_names),
    )
    return found, seen


def score(scorer: Scorer, places: list[int], half: Half) -> Score:
    """Returns the figure over these photos with its interval."""
    figures = scorer(places)
    low, high = interval(lambda drawn: scorer(drawn)["mean"], places)
    return Score(half, len(places), figures.pop("mean"), low, high, figures)
