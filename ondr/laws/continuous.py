"""Continuous laws and their inverse CDFs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ondr.laws.base import Continuous


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
    """Degrees above the horizon such that directions, with a uniform azimuth, are uniform on the sphere between two
    circles of latitude. Written as `{elevation: [low, high]}`.

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


def _inside(value: Tensor, low: Tensor, high: Tensor, log_density: Tensor) -> Tensor:
    return torch.where((value >= low) & (value <= high), log_density, -math.inf)
