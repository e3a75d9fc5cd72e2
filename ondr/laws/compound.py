"""Laws made of laws: one that holds with a probability, and one that moves during training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Int64
from torch import Tensor

from ondr.laws.base import Continuous, Law
from ondr.laws.discrete import Choice, Cycle
from ondr.laws.rotations import Views


@dataclass(frozen=True)
class Sometimes(Law):
    """A continuous law that holds with a probability, otherwise the quantity's neutral value. Written as
    `{probability: 0.2, law: [0.5, 2]}`.
    """

    law: Continuous
    probability: float
    neutral: float
    """The value in all other cases."""

    @property
    def parameters(self) -> dict[str, float | tuple[float, ...]]:
        return {**self.law.parameters, "probability": self.probability}

    def moved(self, parameters: Mapping[str, Any]) -> Law:
        own = dict(parameters)
        probability = own.pop("probability", self.probability)
        return replace(self, law=replace(self.law, **own), probability=probability)

    @property
    def support(self) -> tuple[float, float]:
        if self.probability == 0:
            return self.neutral, self.neutral
        low, high = self.law.support
        return min(low, self.neutral), max(high, self.neutral)

    def problem(self) -> str | None:
        fine = 0 <= self.probability <= 1
        return self.law.problem() if fine else "must have a probability from 0 to 1"

    def to_config(self) -> Any:
        return {"probability": self.probability, "law": self.law.to_config()}


@dataclass(frozen=True)
class Schedule(Law):
    """A law whose parameters move linearly from one law's to another's with the sample id and then stay: a curriculum.
    Written as `{from: [0, 1], to: [0, 5], samples: 100000}`.
    """

    start: Law
    end: Law
    samples: int
    """Number of samples over which the parameters move."""

    @property
    def discrete(self) -> bool:  # type: ignore[override]
        return self.start.discrete

    @property
    def components(self) -> int:  # type: ignore[override]
        return self.start.components

    @property
    def parameters(self) -> dict[str, float | tuple[float, ...]]:
        ends = (("from", self.start), ("to", self.end))
        return {f"{end}.{name}": value for end, law in ends for name, value in law.parameters.items()}

    def moved(self, parameters: Mapping[str, Any]) -> Law:
        parts: dict[str, dict[str, Any]] = {"from": {}, "to": {}}
        for name, value in parameters.items():
            end, _, parameter = name.partition(".")
            parts[end][parameter] = value
        return replace(self, start=self.start.moved(parts["from"]), end=self.end.moved(parts["to"]))

    @property
    def support(self) -> tuple[float, float]:
        lows, highs = zip(self.start.support, self.end.support, strict=True)
        return min(lows), max(highs)

    def problem(self) -> str | None:
        if kind_of(self.start) != kind_of(self.end):
            return "must have from and to of the same kind of law"
        if not self.start.parameters or isinstance(self.start, Cycle | Views | Schedule):
            return "must have laws with parameters in from and to"
        if self.samples < 1:
            return "must have samples of 1 or more"
        return self.start.problem() or self.end.problem()

    def share(self, sample_ids: Int64[Tensor, "batch"]) -> Tensor:
        """Returns how far the schedule has come at each sample, 0..1, float64."""
        return (sample_ids.to(torch.float64) / self.samples).clamp(0, 1)

    def to_config(self) -> Any:
        return {"from": self.start.to_config(), "to": self.end.to_config(), "samples": self.samples}


def kind_of(law: Law) -> tuple[Any, ...]:
    """Returns a key that two laws must share for a schedule to lead from one to the other."""
    if isinstance(law, Sometimes):
        return Sometimes, type(law.law)
    return type(law), len(law.options) if isinstance(law, Choice) else 0


def unscheduled(law: Law) -> Law:
    """Returns the law that a schedule starts with; any other law itself."""
    return law.start if isinstance(law, Schedule) else law


def base_of(law: Law) -> Law:
    """Returns the law inside a schedule and a probability."""
    inner = unscheduled(law)
    return inner.law if isinstance(inner, Sometimes) else inner


def middle(law: Law) -> float:
    """Returns the median of a continuous law; the middle of any other law's support."""
    base = base_of(law)
    if isinstance(base, Continuous):
        return float(base.value(torch.tensor(0.5)))
    return sum(base.support) / 2
