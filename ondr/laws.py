"""Distributions as inverse CDFs: how a random word becomes a value.

A law knows its kind and its first parameters; the parameters that hold while training runs are passed in, so that
one expression evaluates all quantities of one kind at once and moving a law is a copy. Continuous laws are
differentiable in their parameters. Discrete ones compare words with integer thresholds made on the host, so that
every device agrees.
"""

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
    """Base of all laws. A field of a subclass is a parameter or, where `options` names it, a fixed list."""

    discrete: ClassVar[bool] = False
    components: ClassVar[int] = 1

    @property
    def parameters(self) -> dict[str, float | tuple[float, ...]]:
        """The law's movable parameters and their first values."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "options"}

    def moved(self, parameters: Mapping[str, Any]) -> Law:
        """Returns the law with other parameters."""
        return replace(self, **parameters)

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


@dataclass(frozen=True)
class Elevation(Continuous):
    """Degrees above the horizon, such that directions of any azimuth are uniform on the sphere between two circles of
    latitude. Written as `{elevation: [low, high]}`.

    Source: Archimedes: equal heights cut equal areas from a sphere.
    """

    low: float
    high: float

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def problem(self) -> str | None:
        return None if -90 <= self.low <= self.high <= 90 else "must have -90 <= low <= high <= 90"

    @staticmethod
    def inverse_cdf(u: Tensor, *parameters: Tensor) -> Tensor:
        low, high = (torch.sin(torch.deg2rad(p)) for p in parameters)
        return torch.rad2deg(torch.asin((low + u * (high - low)).clamp(-1, 1)))

    @staticmethod
    def log_density(value: Tensor, *parameters: Tensor) -> Tensor:
        low, high = parameters
        height = torch.sin(torch.deg2rad(high)) - torch.sin(torch.deg2rad(low))
        density = torch.log(torch.cos(torch.deg2rad(value)) * (math.pi / 180)) - torch.log(height)
        return _inside(value, low, high, density)

    def to_config(self) -> Any:
        return {"elevation": [self.low, self.high]}


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
        # numpy's starts no threads, which take longer than so few comparisons.
        return torch.from_numpy(np.searchsorted(np.array(begins, np.int64), words.numpy(), side="right"))
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
    """Each of what there is with the same probability: classes, files, textures. Written as `uniform`."""

    discrete: ClassVar[bool] = True

    def to_config(self) -> Any:
        return "uniform"


@dataclass(frozen=True)
class First(Law):
    """The first of what there is, always: one file of each class, for ablations. Written as `first`."""

    discrete: ClassVar[bool] = True

    def to_config(self) -> Any:
        return "first"


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


@dataclass(frozen=True)
class Upright(Law):
    """No rotation: turned as in its file, as a quaternion w x y z. Written as `upright`."""

    components: ClassVar[int] = 4

    def to_config(self) -> Any:
        return "upright"


@dataclass(frozen=True)
class Views(Law):
    """Orientations that show a thing from all around: corners of an icosphere, each with some rotations in the image.

    The value is a quaternion w x y z for a camera that looks along +y, as that of the layouts flying and clutter does.
    Written as `{views: {subdivisions: 2, in_plane: 12}}`, or with `cycle: true` so that all come equally often.

    Source: Hinterstoisser et al. 2019, "An annotation saved is an annotation earned", section 3.2.
    """

    components: ClassVar[int] = 4
    options: tuple[int, int, bool]
    """Subdivisions, rotations in the image plane, whether they come in turn."""

    def problem(self) -> str | None:
        subdivisions, in_plane, _ = self.options
        fine = 0 <= subdivisions <= 5 and 1 <= in_plane <= 360
        return None if fine else "must have subdivisions from 0 to 5 and in_plane from 1 to 360"

    @property
    def number(self) -> int:
        """How many orientations there are."""
        subdivisions, in_plane, _ = self.options
        return (10 * 4**subdivisions + 2) * in_plane

    def to_config(self) -> Any:
        subdivisions, in_plane, cycle = self.options
        return {"views": {"subdivisions": subdivisions, "in_plane": in_plane, "cycle": cycle}}


@dataclass(frozen=True)
class Resting(Law):
    """One of the poses in which the mesh comes to rest on a plane, turned about the vertical by a uniform angle.

    The value is the turn, as a quaternion w x y z; which pose is a draw of its own, `resting_pose`. Written as
    `resting`.
    """

    components: ClassVar[int] = 4

    def to_config(self) -> Any:
        return "resting"


@dataclass(frozen=True)
class Cycle(Law):
    """Every option equally often: each once, in a random order, before any comes again. Written as `cycle`, for all
    there are, or `{cycle: [a, b, c]}`.
    """

    discrete: ClassVar[bool] = True
    options: tuple[Any, ...] = ()
    """Empty: all that the assets have."""

    @property
    def numeric(self) -> bool:
        """Whether the options are numbers."""
        return bool(self.options) and all(isinstance(o, int | float) for o in self.options)

    @property
    def support(self) -> tuple[float, float]:
        return (min(self.options), max(self.options)) if self.numeric else (0, math.inf)

    def to_config(self) -> Any:
        return {"cycle": list(self.options)} if self.options else "cycle"


@dataclass(frozen=True)
class Sometimes(Law):
    """A continuous law with a probability, else the quantity's neutral value. Written as
    `{probability: 0.2, law: [0.5, 2]}`.
    """

    law: Continuous
    probability: float
    options: tuple[float]
    """The neutral value."""

    @property
    def neutral(self) -> float:
        """The value in all other cases."""
        return self.options[0]

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
    """A law whose parameters go from one law's to another's over the sample ids, and stay there: a curriculum.
    Written as `{from: [0, 1], to: [0, 5], samples: 100000}`.
    """

    start: Law
    end: Law
    options: tuple[int]
    """Over how many samples."""

    @property
    def samples(self) -> int:
        """Over how many samples the parameters move."""
        return self.options[0]

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
        """Returns how far the schedule is at each sample, 0..1, float64."""
        return (sample_ids.to(torch.float64) / self.samples).clamp(0, 1)

    def to_config(self) -> Any:
        return {"from": self.start.to_config(), "to": self.end.to_config(), "samples": self.samples}


def kind_of(law: Law) -> tuple[Any, ...]:
    """Returns what two laws must have in common for one to turn into the other."""
    if isinstance(law, Sometimes):
        return Sometimes, type(law.law)
    return type(law), len(law.options) if isinstance(law, Choice) else 0


def unscheduled(law: Law) -> Law:
    """Returns the law that a schedule starts with, any other law itself."""
    return law.start if isinstance(law, Schedule) else law


def base_of(law: Law) -> Law:
    """Returns the law inside a schedule and a probability."""
    inner = unscheduled(law)
    return inner.law if isinstance(inner, Sometimes) else inner


def middle(law: Law) -> float:
    """Returns the median of a continuous law, the middle of any other law's support."""
    base = base_of(law)
    if isinstance(base, Continuous):
        return float(base.value(torch.tensor(0.5)))
    return sum(base.support) / 2
