"""Distributions as inverse CDFs: how a random word becomes a value.

A law knows its kind and its first parameters; the parameters that hold while training runs are passed in, so that
one expression evaluates all quantities of one kind at once and moving a law is a copy. Continuous laws are
differentiable in their parameters. Discrete ones compare words with integer thresholds made on the host, so that
every device agrees.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int64
from torch import Tensor

TWO_32 = 2**32


@dataclass(frozen=True)
class Law:
    """Base of all laws. A field of a subclass is a parameter or, where `options` names it, a fixed list."""

    discrete: ClassVar[bool] = False
    components: ClassVar[int] = 1

    @property
    def parameters(self) -> dict[str, float | tuple[float, ...]]:
        """The law's movable parameters and their first values."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "options"}

    @property
    def support(self) -> tuple[float, float]:
        """The closed interval that holds all values."""
        return -math.inf, math.inf

    def problem(self) -> str | None:
        """Says what is wrong with the parameters, as `must ...`; None if nothing is."""
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
        """Returns the log of the density; -inf outside the support."""
        raise NotImplementedError

    def value(self, u: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Returns the inverse CDF at `u`, with the law's first parameters."""
        return self.inverse_cdf(u, *_tensors(self, u))

    def log_prob(self, value: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Returns the log density at `value`, with the law's first parameters."""
        return self.log_density(value, *_tensors(self, value))


def _tensors(law: Law, like: Tensor) -> list[Tensor]:
    return [torch.as_tensor(p, dtype=like.dtype, device=like.device) for p in law.parameters.values()]


def _inside(value: Tensor, low: Tensor, high: Tensor, log_density: Tensor) -> Tensor:
    return torch.where((value >= low) & (value <= high), log_density, -math.inf)


@dataclass(frozen=True)
class Constant(Continuous):
    """Always the same value. Written as a number."""

    at: float

    @property
    def support(self) -> tuple[float, float]:
        return self.at, self.at

    @staticmethod
    def inverse_cdf(u: Tensor, *parameters: Tensor) -> Tensor:
        return parameters[0].expand_as(u)

    @staticmethod
    def log_density(value: Tensor, *parameters: Tensor) -> Tensor:
        return torch.where(value == parameters[0], torch.inf, -torch.inf)

    def to_config(self) -> Any:
        return self.at


@dataclass(frozen=True)
class Uniform(Continuous):
    """Uniform between two numbers. Written as `[low, high]`."""

    low: float
    high: float

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def problem(self) -> str | None:
        return None if self.low <= self.high else "must have low <= high"

    @staticmethod
    def inverse_cdf(u: Tensor, *parameters: Tensor) -> Tensor:
        low, high = parameters
        return low + u * (high - low)

    @staticmethod
    def log_density(value: Tensor, *parameters: Tensor) -> Tensor:
        low, high = parameters
        return _inside(value, low, high, -torch.log(high - low).expand_as(value))

    def to_config(self) -> Any:
        return [self.low, self.high]


@dataclass(frozen=True)
class LogUniform(Continuous):
    """Uniform in the logarithm. Written as `{log_uniform: [low, high]}`."""

    low: float
    high: float

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def problem(self) -> str | None:
        return None if 0 < self.low <= self.high else "must have 0 < low <= high"

    @staticmethod
    def inverse_cdf(u: Tensor, *parameters: Tensor) -> Tensor:
        low, high = parameters
        return low * torch.exp(u * torch.log(high / low))

    @staticmethod
    def log_density(value: Tensor, *parameters: Tensor) -> Tensor:
        low, high = parameters
        return _inside(value, low, high, -torch.log(value.clamp_min(1e-30)) - torch.log(torch.log(high / low)))

    def to_config(self) -> Any:
        return {"log_uniform": [self.low, self.high]}


@dataclass(frozen=True)
class Normal(Continuous):
    """Gaussian. Written as `{normal: {mean: 0, std: 1}}`."""

    mean: float
    std: float

    def problem(self) -> str | None:
        return None if self.std > 0 else "must have std > 0"

    @staticmethod
    def inverse_cdf(u: Tensor, *parameters: Tensor) -> Tensor:
        mean, std = parameters
        return mean + std * torch.special.ndtri(u)

    @staticmethod
    def log_density(value: Tensor, *parameters: Tensor) -> Tensor:
        mean, std = parameters
        return -0.5 * ((value - mean) / std) ** 2 - torch.log(std) - 0.5 * math.log(2 * math.pi)

    def to_config(self) -> Any:
        return {"normal": {"mean": self.mean, "std": self.std}}


@dataclass(frozen=True)
class TruncatedNormal(Continuous):
    """Gaussian cut to an interval. Written as `{truncated_normal: {mean: 0, std: 1, low: -2, high: 2}}`."""

    mean: float
    std: float
    low: float
    high: float

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def problem(self) -> str | None:
        return None if self.std > 0 and self.low < self.high else "must have std > 0 and low < high"

    @staticmethod
    def inverse_cdf(u: Tensor, *parameters: Tensor) -> Tensor:
        mean, std, low, high = parameters
        below, above = torch.special.ndtr((low - mean) / std), torch.special.ndtr((high - mean) / std)
        value = mean + std * torch.special.ndtri(below + u * (above - below))
        return torch.minimum(torch.maximum(value, low), high)

    @staticmethod
    def log_density(value: Tensor, *parameters: Tensor) -> Tensor:
        mean, std, low, high = parameters
        mass = torch.special.ndtr((high - mean) / std) - torch.special.ndtr((low - mean) / std)
        return _inside(value, low, high, Normal.log_density(value, mean, std) - torch.log(mass))

    def to_config(self) -> Any:
        return {"truncated_normal": {"mean": self.mean, "std": self.std, "low": self.low, "high": self.high}}


class Discrete(Law):
    """A law over the integers 0..n-1, found by comparing words with thresholds."""

    discrete: ClassVar[bool] = True

    def probabilities(self, *parameters: float | tuple[float, ...]) -> list[float]:
        """Returns the probability of each integer, on the host, in double precision."""
        raise NotImplementedError

    def first(self, *parameters: float | tuple[float, ...]) -> int:
        """Returns the value that stands for index 0."""
        return 0

    def value(self, words: Int64[Tensor, "*shape"]) -> Int64[Tensor, "*shape"]:
        """Returns the values at 32-bit words, with the law's first parameters."""
        values = tuple(self.parameters.values())
        return index(words, thresholds(self.probabilities(*values))) + self.first(*values)

    def log_prob(self, value: Tensor) -> Tensor:
        """Returns the log probability of `value`, with the law's first parameters; -inf outside the support."""
        values = tuple(self.parameters.values())
        table = torch.tensor(self.probabilities(*values), dtype=torch.float64, device=value.device).log()
        i = value.long() - self.first(*values)
        inside = (i >= 0) & (i < len(table))
        return torch.where(inside, table[i.clamp(0, len(table) - 1)], -math.inf)


def thresholds(probabilities: list[float]) -> list[int]:
    """Returns where each value after the first begins among the 32-bit words."""
    total, below, result = math.fsum(probabilities), 0.0, []
    for p in probabilities[:-1]:
        below += p
        result.append(round(below / total * TWO_32))
    return result


def index(words: Int64[Tensor, "*shape"], begins: list[int]) -> Int64[Tensor, "*shape"]:
    """Returns how many of the thresholds each word has reached."""
    if words.device.type == "cpu":
        return torch.searchsorted(torch.tensor(begins, dtype=torch.int64), words.contiguous(), right=True)
    # Comparing with Python numbers copies nothing to the device, which would wait for it.
    reached = torch.zeros_like(words)
    for begin in begins:
        reached = reached + (words >= begin)
    return reached


def share(words: Int64[Tensor, "*shape"], n: Tensor | int) -> Int64[Tensor, "*shape"]:
    """Returns floor(word * n / 2**32): one of n equally likely integers, exactly the same on every device."""
    return words * n >> 32


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

    The value of a list of numbers is the number, of any other list the index into `options`.
    """

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
        return 0, 1

    def problem(self) -> str | None:
        return None if 0 <= self.probability <= 1 else "must have a probability from 0 to 1"

    def probabilities(self, *parameters: Any) -> list[float]:
        (probability,) = parameters
        return [1 - probability, probability]

    def to_config(self) -> Any:
        return {"bernoulli": self.probability}


@dataclass(frozen=True)
class AnyOf(Law):
    """Each of what there is with the same probability: classes, files, textures. Written as `uniform`."""

    discrete: ClassVar[bool] = True

    def to_config(self) -> Any:
        return "uniform"


@dataclass(frozen=True)
class SO3(Law):
    """A rotation uniform on SO(3), as a quaternion w x y z. Written as `so3`."""

    components: ClassVar[int] = 4

    def to_config(self) -> Any:
        return "so3"


@dataclass(frozen=True)
class Yaw(Law):
    """A rotation about the vertical by a uniform angle, as a quaternion w x y z. Written as `yaw`."""

    components: ClassVar[int] = 4

    def to_config(self) -> Any:
        return "yaw"
