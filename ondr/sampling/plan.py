"""All draws of a batch at once: from (seed, sample ids, parameters) to the value of every named quantity.

What the values mean is left to the other files of this folder; nothing else in ondr draws.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Int64
from torch import Tensor

from ondr import laws, rng
from ondr.config import Config
from ondr.draws import Column, Draws
from ondr.geometry import quaternion_from_uniforms, yaw_quaternion
from ondr.laws import Law
from ondr.parameters import Parameters
from ondr.sampling.options import Options


@dataclass(frozen=True)
class Draw:
    """One random quantity: its law, and its columns among the words and the values."""

    name: str
    law: Law
    options: Options
    structure: bool
    shape: tuple[int, ...]
    """Shape of the value without the batch dimension."""
    words: range
    values: range


class Plan:
    """The draws of a config, laid out once. Evaluating it is a few tensor operations, whatever the batch size."""

    def __init__(self, cfg: Config, options: dict[str, Options]) -> None:
        """Lays out the draws.

        Args:
            cfg: The settings.
            options: What each discrete quantity chooses from, by `resolve`.
        """
        self.draws: dict[str, Draw] = {}
        words = values = 0
        for name, (law, spec) in cfg.quantities().items():
            if not isinstance(law, Law):
                continue
            slots = slot_count(cfg, name) if spec.each else None
            shape = (() if slots is None else (slots,)) + (() if law.components == 1 else (law.components,))
            n = 1 if slots is None else slots
            self.draws[name] = Draw(
                name=name,
                law=law,
                options=options.get(name, Options()),
                structure=spec.structure,
                shape=shape,
                words=range(words, words + n),
                values=range(values, values + n * law.components),
            )
            words, values = words + n, values + n * law.components
        self._columns = {
            d.name: Column(d.values.start, d.shape, torch.int64 if _whole(d.law) else torch.float32)
            for d in self.draws.values()
        }
        groups = _groups(self.draws.values(), Parameters(cfg))
        self._discrete = [d for d in self.draws.values() if not isinstance(d.law, laws.Continuous)]
        columns = [c for g in groups for c in g.values] + [c for d in self._discrete for c in d.values]
        order = torch.tensor(columns, dtype=torch.int64).argsort()
        keys = [(rng.name_key(d.name), slot) for d in self.draws.values() for slot in range(len(d.words))]
        index = Index(keys=torch.tensor(keys, dtype=torch.int64).reshape(-1, 2), groups=groups, order=order)
        self._indices = {torch.device("cpu"): index}

    def words(self, seed: int, sample_ids: Int64[Tensor, "batch"]) -> Int64[Tensor, "batch column 4"]:
        """Returns the random words of all draws, on the device of `sample_ids`."""
        keys = self._index(sample_ids.device).keys
        return rng.words(seed, sample_ids, keys[:, 0], keys[:, 1])

    def evaluate(
        self, words: Int64[Tensor, "batch column 4"], parameters: Parameters, structure: Mapping[str, Tensor]
    ) -> Draws:
        """Returns the value of every draw under the current parameters, on the words' device.

        Args:
            words: From `words`.
            parameters: The laws' parameters.
            structure: The draws made on the host, already on the device.
        """
        vector, index = parameters.vector(words.device), self._index(words.device)
        u = rng.uniform(words[..., 0])
        parts = [g.law.inverse_cdf(u[:, g.words], *(vector[p] for p in g.parameters)) for g in index.groups]
        for draw in self._discrete:
            known = structure.get(draw.name)
            value = self.draw(draw.name, words, parameters) if known is None else known
            parts.append(value.reshape(len(words), -1).to(torch.float32))
        packed = torch.cat(parts, dim=1) if parts else u
        return Draws(packed[:, index.order], self._columns)

    def _index(self, device: torch.device) -> Index:
        if device not in self._indices:
            self._indices[device] = self._indices[torch.device("cpu")].to(device)
        return self._indices[device]

    def draw(self, name: str, words: Int64[Tensor, "batch column 4"], parameters: Parameters) -> Tensor:
        """Returns one discrete quantity or rotation: int64 `[B]` or `[B, slot]`, float32 `[B, slot, 4]`."""
        draw = self.draws[name]
        mine = words[:, draw.words.start : draw.words.stop]
        if isinstance(draw.law, laws.SO3):
            value: Tensor = quaternion_from_uniforms(rng.uniform(mine[..., :3]))
        elif isinstance(draw.law, laws.Yaw):
            value = yaw_quaternion(rng.uniform(mine[..., 0]))
        else:
            value = discrete(draw.law, draw.options, mine[..., 0], parameters.host(name))
        return value.reshape(len(words), *draw.shape)


def _whole(law: Law) -> bool:
    """Whether all values are whole numbers."""
    fractions = isinstance(law, laws.Choice) and law.numeric and not all(float(o).is_integer() for o in law.options)
    return law.discrete and not fractions


def slot_count(cfg: Config, name: str) -> int | None:
    """Returns how many slots a quantity has; None for one that is drawn once per image."""
    counts = {"objects": cfg.num_objects, "distractors": cfg.num_distractors, "lights": cfg.num_lights}
    return counts.get(name.partition(".")[0])


def discrete(law: Law, options: Options, words: Tensor, parameters: tuple[Any, ...]) -> Tensor:
    """Returns the whole-number values of a discrete law at words, by integer comparison alone.

    Args:
        law: The law.
        options: What it chooses from.
        words: 32-bit words, int64.
        parameters: The law's current parameters, on the host.
    """
    if isinstance(law, laws.AnyOf) and not options.allowed:
        return laws.share(words, options.number)
    if isinstance(law, laws.Choice | laws.AnyOf):
        weights = parameters[0] if isinstance(law, laws.Choice) else (1.0,) * len(options.allowed)
        masked = [w * a for w, a in zip(weights, options.allowed, strict=True)] if options.allowed else list(weights)
        chosen = laws.index(words, laws.thresholds(masked))
        return chosen if options.values is None else _look_up(options.values, chosen)
    if isinstance(law, laws.Integers):
        low, high = (round(p) for p in parameters)
        return laws.share(words, high - low + 1) + low
    if isinstance(law, laws.Bernoulli):
        return laws.index(words, laws.thresholds(law.probabilities(*parameters)))
    raise TypeError(f"{type(law).__name__} is not discrete")


def _look_up(values: tuple[float, ...], chosen: Tensor) -> Tensor:
    """Returns `values[chosen]`, by comparing with Python numbers: a table would have to be copied to the device."""
    result = torch.zeros_like(chosen, dtype=torch.float64)
    for i, value in enumerate(values):
        result = torch.where(chosen == i, value, result)
    return result


@dataclass(frozen=True)
class Group:
    """Continuous draws of one kind of law, evaluated together."""

    law: type[laws.Continuous]
    words: Int64[Tensor, "column"]
    values: list[int]
    parameters: list[Int64[Tensor, "column"]]
    """For each of the law's parameters, where in the parameter vector each column finds it."""

    def to(self, device: torch.device) -> Group:
        """Returns the group with its tensors on a device."""
        return replace(self, words=self.words.to(device), parameters=[p.to(device) for p in self.parameters])


@dataclass(frozen=True)
class Index:
    """Where everything lies, on one device: uploaded once, since each upload would make the host wait."""

    keys: Int64[Tensor, "column 2"]
    """`name_key` and slot of each column of words."""
    groups: list[Group]
    order: Int64[Tensor, "value"]
    """Where each value of the packed draws lies among those of the groups and, after them, the discrete draws."""

    def to(self, device: torch.device) -> Index:
        """Returns the index on a device."""
        return Index(self.keys.to(device), [g.to(device) for g in self.groups], self.order.to(device))


def _groups(draws: Iterable[Draw], parameters: Parameters) -> list[Group]:
    kinds: dict[type[laws.Continuous], list[Draw]] = {}
    for draw in draws:
        if isinstance(draw.law, laws.Continuous):
            kinds.setdefault(type(draw.law), []).append(draw)
    groups = []
    for kind, members in kinds.items():
        places = [[s.start for s in parameters.place(d.name)] for d in members for _ in d.words]
        groups.append(
            Group(
                law=kind,
                words=torch.tensor([w for d in members for w in d.words], dtype=torch.int64),
                values=[v for d in members for v in d.values],
                parameters=[torch.tensor(column, dtype=torch.int64) for column in zip(*places, strict=True)],
            )
        )
    return groups
