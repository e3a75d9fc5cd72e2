"""Discrete draws and rotations: from random words to whole numbers and quaternions, by integer comparison alone."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from ondr import laws, rng
from ondr.device import upload
from ondr.geometry import icosphere_views, quaternion_from_uniforms, yaw_quaternion
from ondr.laws import Law
from ondr.sampling.options import Options

CYCLE_SLOT = 2**31
"""Added to the slot, it keys what order a round of a `cycle` law has, apart from the words of the draw itself."""
MULTIPLIERS = 16
"""Of how many orders, beside the place where it starts, a round of a `cycle` law has one."""


@dataclass(frozen=True)
class Words:
    """The random words of a batch and what else a law may look at."""

    seed: int
    sample_ids: Int64[Tensor, "batch"]
    all: Int64[Tensor, "batch column 4"]

    @property
    def device(self) -> torch.device:
        """Where they lie."""
        return self.all.device

    def of(self, columns: range, key: int) -> DrawWords:
        """Returns the words of one draw, whose name has the given key."""
        return DrawWords(self.seed, self.sample_ids, key, self.all[:, columns.start : columns.stop])


@dataclass(frozen=True)
class DrawWords:
    """The random words of one draw."""

    seed: int
    sample_ids: Int64[Tensor, "batch"]
    key: int
    words: Int64[Tensor, "batch slot 4"]

    @property
    def first(self) -> Int64[Tensor, "batch slot"]:
        """The word that decides."""
        return self.words[..., 0]

    def in_turn(self, number: Tensor | int, turn: Int64[Tensor, "batch slot"] | None = None) -> Tensor:
        """Returns indices below `number`, each of which comes once before any comes again, slot by slot.

        Within a round, the k-th is (a * k + b) mod number, with a prime above it and b at random for each round.

        Args:
            number: How many there are; int64 `[B, slot]` where that differs.
            turn: How many came before in this slot; None: the sample id.
        """
        slots = torch.arange(self.words.shape[1], device=self.words.device)
        turn = self.sample_ids[:, None].expand(-1, len(slots)) if turn is None else turn
        turn, largest = torch.broadcast_tensors(turn, torch.as_tensor(number, device=turn.device))
        round_ = turn // largest
        names = torch.full_like(round_, self.key)
        word, start, *_ = rng.philox((round_ & rng.MASK, round_ >> 32 & rng.MASK, names, slots + CYCLE_SLOT), self.seed)
        factor = _look_up(primes_above(2**16), laws.share(word, MULTIPLIERS)).to(torch.int64)
        return (factor * (turn % largest) + laws.share(start, largest)) % largest


@functools.cache
def primes_above(least: int) -> tuple[int, ...]:
    """Returns the next primes, as many as there are multipliers."""
    candidates = (n for n in count(least + 1) if all(n % d for d in range(2, int(n**0.5) + 1)))
    return tuple(islice(candidates, MULTIPLIERS))


def rotation(law: Law, words: DrawWords) -> Float32[Tensor, "batch slot 4"]:
    """Returns the quaternions w x y z of a law of rotations; of `resting`, the turn about the vertical alone."""
    if isinstance(law, laws.SO3):
        return quaternion_from_uniforms(rng.uniform(words.words[..., :3]))
    if isinstance(law, laws.Views):
        subdivisions, in_plane, cycle = law.options
        chosen = words.in_turn(law.number) if cycle else laws.share(words.first, law.number)
        return _views(subdivisions, in_plane, words.words.device)[chosen]
    return yaw_quaternion(rng.uniform(words.first))


@functools.cache
def _views(subdivisions: int, in_plane: int, device: torch.device) -> Float32[Tensor, "view 4"]:
    return upload(icosphere_views(subdivisions, in_plane), device)


def discrete(law: Law, options: Options, words: DrawWords, parameters: tuple[Any, ...]) -> Tensor:
    """Returns the values of a discrete law at words.

    Args:
        law: The law.
        options: What it chooses from.
        words: Of the draw; on the host for a schedule.
        parameters: The law's current parameters, on the host.
    """
    if isinstance(law, laws.Schedule):
        return _scheduled(law, options, words, parameters)
    if isinstance(law, laws.Cycle):
        # Where there is nothing to choose from, nothing asks which.
        return _values(options, words.in_turn(max(options.number, 1)))
    if isinstance(law, laws.AnyOf) and not options.allowed:
        return laws.share(words.first, options.number)
    if isinstance(law, laws.Choice | laws.AnyOf):
        weights = parameters[0] if isinstance(law, laws.Choice) else (1.0,) * len(options.allowed)
        masked = [w * a for w, a in zip(weights, options.allowed, strict=True)] if options.allowed else list(weights)
        return _values(options, laws.index(words.first, laws.thresholds(masked)))
    if isinstance(law, laws.Integers):
        low, high = (round(p) for p in parameters)
        return laws.share(words.first, high - low + 1) + low
    if isinstance(law, laws.Bernoulli):
        return laws.index(words.first, laws.thresholds(law.probabilities(*parameters)))
    raise TypeError(f"{type(law).__name__} is not discrete")


def _scheduled(law: laws.Schedule, options: Options, words: DrawWords, parameters: tuple[Any, ...]) -> Tensor:
    """Returns the values of a discrete law whose parameters move, on the host."""
    half = len(parameters) // 2
    share = law.share(words.sample_ids).numpy()[:, None]
    start, end = (np.array(list(p), dtype=np.float64).reshape(-1) for p in (parameters[:half], parameters[half:]))
    now = start + share * (end - start)
    if isinstance(law.start, laws.Integers):
        low, high = torch.from_numpy(np.rint(now).astype(np.int64)).unbind(1)
        return laws.share(words.first, (high - low + 1)[:, None]) + low[:, None]
    if isinstance(law.start, laws.Bernoulli):
        now = np.concatenate([1 - now, now], axis=1)
    weights = now * np.array(options.allowed, dtype=np.float64) if options.allowed else now
    begins = np.cumsum(weights, axis=1)[:, :-1] / weights.sum(axis=1, keepdims=True)
    begins = torch.from_numpy(np.rint(begins * laws.TWO_32).astype(np.int64))
    chosen = (words.first[..., None] >= begins[:, None]).sum(-1)
    return _values(options, chosen)


def _values(options: Options, chosen: Tensor) -> Tensor:
    return chosen if options.values is None else _look_up(options.values, chosen)


def _look_up(values: tuple[float, ...], chosen: Tensor) -> Tensor:
    """Returns `values[chosen]`, by comparing with Python numbers: a table would have to be copied to the device."""
    result = torch.zeros_like(chosen, dtype=torch.float64)
    for i, value in enumerate(values):
        result = torch.where(chosen == i, value, result)
    return result
