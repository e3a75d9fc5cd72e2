"""Discrete laws: whole numbers and choices, by integer comparison of words with thresholds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Int64
from torch import Tensor

from ondr.laws.base import Discrete, Law


@dataclass(frozen=True)
class Integers(Discrete):
    """Uniform over whole numbers, ends included. Written as `{integers: [low, high]}`; for a count, `[low, high]`."""

    low: float
    high: float

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def problem(self) -> str | None:
        whole = float(self.low).is_integer() and float(self.high).is_integer()
        return None if whole and self.low <= self.high else "must be whole numbers with low <= high"

    def probabilities(self, *parameters: Any) -> list[float]:
        low, high = parameters
        return [1.0] * (round(high) - round(low) + 1)

    def first(self, *parameters: Any) -> int:
        return round(parameters[0])

    def log_prob(self, value: Tensor) -> Tensor:
        inside = (value >= self.low) & (value <= self.high)
        return torch.where(inside, -math.log(self.high - self.low + 1), -math.inf)

    def to_config(self) -> Any:
        return self.low if self.low == self.high else {"integers": [self.low, self.high]}


@dataclass(frozen=True)
class Choice(Discrete):
    """One of a list. Written as `{choice: [a, b], weights: [3, 1]}`; weights are optional.

    The value is the number if all options are numbers, otherwise the index into `options`.
    """

    fixed: ClassVar[tuple[str, ...]] = ("options",)
    options: tuple[Any, ...]
    weights: tuple[float, ...]

    @property
    def numeric(self) -> bool:
        """Whether the options are numbers."""
        return all(isinstance(o, int | float) and not isinstance(o, bool) for o in self.options)

    @property
    def support(self) -> tuple[float, float]:
        return (min(self.options), max(self.options)) if self.numeric else (0, len(self.options) - 1)

    def problem(self) -> str | None:
        if not self.options or len(self.options) != len(self.weights):
            return "must have options and as many weights"
        weights_ok = all(w >= 0 for w in self.weights) and 0 < sum(self.weights) < math.inf
        return None if weights_ok else "must have weights that are not negative and not all zero"

    def probabilities(self, *parameters: Any) -> list[float]:
        (weights,) = parameters
        total = math.fsum(weights)
        return [w / total for w in weights]

    def to_config(self) -> Any:
        return {"choice": list(self.options), "weights": list(self.weights)}


@dataclass(frozen=True)
class Bernoulli(Discrete):
    """1 with a probability, else 0. Written as `{bernoulli: 0.3}`."""

    probability: float

    @property
    def support(self) -> tuple[float, float]:
        return float(self.probability == 1), float(self.probability > 0)

    def problem(self) -> str | None:
        return None if 0 <= self.probability <= 1 else "must have a probability from 0 to 1"

    def probabilities(self, *parameters: Any) -> list[float]:
        (probability,) = parameters
        return [1 - probability, probability]

    def to_config(self) -> Any:
        return {"bernoulli": self.probability}


@dataclass(frozen=True)
class AnyOf(Law):
    """Any of the classes, files or textures there are, with equal probability. Written as `uniform`."""

    discrete: ClassVar[bool] = True

    def to_config(self) -> Any:
        return "uniform"


@dataclass(frozen=True)
class First(Law):
    """Always the first of what there is, such as one file of each class: for ablations. Written as `first`."""

    discrete: ClassVar[bool] = True

    def to_config(self) -> Any:
        return "first"


@dataclass(frozen=True)
class Cycle(Law):
    """Every option equally often: each comes once, in random order, before any comes again. Written as `cycle`, for
    everything there is, or `{cycle: [a, b, c]}`.
    """

    discrete: ClassVar[bool] = True
    fixed: ClassVar[tuple[str, ...]] = ("options",)
    options: tuple[Any, ...] = ()
    """Empty: everything that the assets provide."""

    @property
    def numeric(self) -> bool:
        """Whether the options are numbers."""
        return bool(self.options) and all(isinstance(o, int | float) for o in self.options)

    @property
    def support(self) -> tuple[float, float]:
        return (min(self.options), max(self.options)) if self.numeric else (0, math.inf)

    def to_config(self) -> Any:
        return {"cycle": list(self.options)} if self.options else "cycle"


def share(words: Int64[Tensor, "*shape"], n: Tensor | int) -> Int64[Tensor, "*shape"]:
    """Returns floor(word * n / 2**32): one of n equally likely integers, the same on every device."""
    return words * n >> 32
