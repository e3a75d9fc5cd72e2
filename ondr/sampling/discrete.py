"""Discrete draws and rotations: from random words to whole numbers, by integer arithmetic, and to quaternions."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from ondr import laws, rng
from ondr.geometry import icosphere_views, level_quaternion, quaternion_from_uniforms, yaw_quaternion
from ondr.laws import Law
from ondr.runtime.device import upload
from ondr.sampling.options import Options
from ondr.sampling.words import DrawWords, look_up


def rotation(law: Law, words: DrawWords) -> Float32[Tensor, "batch slot 4"]:
    """Returns the quaternions w x y z of a law of rotations; for `resting`, only the turn about the vertical."""
    if isinstance(law, laws.SO3):
        return quaternion_from_uniforms(rng.uniform(words.words[..., :3]))
    if isinstance(law, laws.Views):
        chosen = words.in_turn(law.number) if law.cycle else laws.share(words.first, law.number)
        return _views(law.subdivisions, law.in_plane, words.words.device)[chosen]
    turn = rng.uniform(words.first)
    return level_quaternion(turn) if isinstance(law, laws.Upright) else yaw_quaternion(turn)


@functools.cache
def _views(subdivisions: int, in_plane: int, device: torch.device) -> Float32[Tensor, "view 4"]:
    return upload(icosphere_views(subdivisions, in_plane), device)


def discrete(law: Law, options: Options, words: DrawWords, parameters: tuple[Any, ...]) -> Tensor:
    """Returns the values of a discrete law at words.

    Args:
        law: The law.
        options: What it chooses from.
        words: The draw's random words; on the host for a schedule.
        parameters: The law's current parameters, on the host.
    """
    if isinstance(law, laws.Schedule):
        return _scheduled(law, options, words, parameters)
    if isinstance(law, laws.First):
        return _values(options, torch.zeros_like(words.first))
    if isinstance(law, laws.Cycle):
        # With nothing to choose from, the value is never used.
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
    """Returns the values of a discrete law on a schedule, computed on the host."""
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
    return chosen if options.values is None else look_up(options.values, chosen)
