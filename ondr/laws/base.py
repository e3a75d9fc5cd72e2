"""The base class of laws, and its two kinds: continuous (inverse CDF) and discrete (integer thresholds)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

TWO_32 = 2**32


@dataclass(frozen=True)
class Law:
    """Base of all laws. The fields of a subclass are its parameters, except those that `fixed` names."""

    discrete: ClassVar[bool] = False
    components: ClassVar[int] = 1
    fixed: ClassVar[tuple[str, ...]] = ()
    """Fields that cannot be moved."""

    @property
    def parameters(self) -> dict[str, float | tuple[float, ...]]:
        """The law's movable parameters and their initial values."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in self.fixed}

    def moved(self, parameters: Mapping[str, Any]) -> Law:
        """Returns the law with other parameters."""
        return replace(self, **parameters)

    @property
    def support(self) -> tuple[float, float]:
        """The closed interval that contains all values."""
        return -math.inf, math.inf

    def problem(self) -> str | None:
        """Returns what is wrong with the parameters, as `must ...`; None if nothing is."""
        return None

    def to_config(self) -> Any:
        """Returns what a config file says for this law."""
        raise NotImplementedError


class Continuous(Law):
    """A law with an inverse CDF that is differentiable in its parameters."""

    @staticmethod
    def inverse_cdf(u: Tensor, *parameters: Tensor) -> Tensor:
        """Returns the values at uniforms `u` in (0, 1); parameters broadcast against it."""
        raise NotImplementedError

    @staticmethod
    def log_density(value: Tensor, *parameters: Tensor) -> Tensor:
        """Returns the log density; -inf outside the support."""
        raise NotImplementedError

    def value(self, u: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Returns the inverse CDF at `u`, with the initial parameters."""
        return self.inverse_cdf(u, *_tensors(self, u))

    def log_prob(self, value: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Returns the log density at `value`, with the initial parameters."""
        return self.log_density(value, *_tensors(self, value))


class Discrete(Law):
    """A law over the integers 0..n-1, found by comparing words with thresholds."""

    discrete: ClassVar[bool] = True

    def probabilities(self, *parameters: float | tuple[float, ...]) -> list[float]:
        """Returns the probability of each integer, on the host, in double precision."""
        raise NotImplementedError

    def first(self, *parameters: float | tuple[float, ...]) -> int:
        """Returns the value of index 0."""
        return 0

    def value(self, words: Int64[Tensor, "*shape"]) -> Int64[Tensor, "*shape"]:
        """Returns the values at 32-bit words, with the initial parameters."""
        values = tuple(self.parameters.values())
        return index(words, thresholds(self.probabilities(*values))) + self.first(*values)

    def log_prob(self, value: Tensor) -> Tensor:
        """Returns the log probability of `value`, with the initial parameters; -inf outside the support."""
        values = tuple(self.parameters.values())
        table = torch.tensor(self.probabilities(*values), dtype=torch.float64, device=value.device).log()
        i = value.long() - self.first(*values)
        inside = (i >= 0) & (i < len(table))
        return torch.where(inside, table[i.clamp(0, len(table) - 1)], -math.inf)


def _tensors(law: Law, like: Tensor) -> list[Tensor]:
    return [torch.as_tensor(p, dtype=like.dtype, device=like.device) for p in law.parameters.values()]


def thresholds(probabilities: list[float]) -> list[int]:
    """Returns the 32-bit words at which each value after the first begins."""
    total, below, result = math.fsum(probabilities), 0.0, []
    for p in probabilities[:-1]:
        below += p
        result.append(round(below / total * TWO_32))
    return result


def index(words: Int64[Tensor, "*shape"], begins: list[int]) -> Int64[Tensor, "*shape"]:
    """Returns how many of the thresholds each word has reached."""
    if words.device.type == "cpu":
        # torch would start threads, which takes longer than these few comparisons.
        return torch.from_numpy(np.searchsorted(np.array(begins, np.int64), words.numpy(), side="right"))
    # Python numbers need no upload, for which the host would wait.
    reached = torch.zeros_like(words)
    for begin in begins:
        reached = reached + (words >= begin)
    return reached
