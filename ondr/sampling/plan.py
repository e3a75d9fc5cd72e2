"""All draws of a batch at once: from seed, sample ids and parameters to the value of every named quantity.

What the values mean is left to the other files of this folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from ondr import laws, rng
from ondr.config import Config
from ondr.draws import Column, Draws
from ondr.laws import Law
from ondr.parameters import Parameters
from ondr.sampling.continuous import Group, continuous_groups
from ondr.sampling.discrete import discrete, rotation
from ondr.sampling.options import Options
from ondr.sampling.words import GATE, Draw, Words


class Plan:
    """The draws of a config, laid out once, so that a batch of any size takes a fixed number of tensor operations."""

    def __init__(self, cfg: Config, options: dict[str, Options]) -> None:
        """Lays out the draws.

        Args:
            cfg: The settings.
            options: What each discrete quantity chooses from, as `resolve` returns it.
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
                structure=law.discrete and (spec.structure or isinstance(law, laws.Schedule)),
                gated=spec.structure and not law.discrete,
                neutral=spec.neutral,
                shape=shape,
                words=range(words, words + (0 if isinstance(laws.unscheduled(law), laws.Constant) else n)),
                values=range(values, values + n * law.components),
            )
            words, values = self.draws[name].words.stop, self.draws[name].values.stop
        self._columns = {
            d.name: Column(d.values.start, d.shape, torch.int64 if _whole(d.law) else torch.float32)
            for d in self.draws.values()
        }
        groups = continuous_groups(self.draws.values(), Parameters(cfg))
        self._others = [d for d in self.draws.values() if not isinstance(laws.base_of(d.law), laws.Continuous)]
        columns = [c for g in groups for c in g.values] + [c for d in self._others for c in d.values]
        order = torch.tensor(columns, dtype=torch.int64).argsort()
        keys = [(rng.name_key(d.name), slot) for d in self.draws.values() for slot in range(len(d.words))]
        index = Index(keys=torch.tensor(keys, dtype=torch.int64).reshape(-1, 2), groups=groups, order=order)
        self._indices = {torch.device("cpu"): index}

    def words(self, seed: int, sample_ids: Int64[Tensor, "batch"]) -> Words:
        """Returns the random words of all draws, on the device of `sample_ids`."""
        keys = self._index(sample_ids.device).keys
        return Words(seed, sample_ids, rng.words(seed, sample_ids, keys[:, 0], keys[:, 1]))

    def evaluate(self, words: Words, parameters: Parameters, structure: Mapping[str, Tensor]) -> Draws:
        """Returns the value of every draw under the current parameters, on the words' device.

        Args:
            words: From `words`.
            parameters: The laws' parameters.
            structure: The draws made on the host, copied to that device.
        """
        vector, index = parameters.vector(words.device), self._index(words.device)
        u = rng.uniform(words.all[..., 0])
        parts = [group.evaluate(words, u, vector) for group in index.groups]
        for draw in self._others:
            known = structure.get(draw.name)
            value = self.draw(draw.name, words, parameters) if known is None else known
            parts.append(value.reshape(len(u), -1).to(torch.float32))
        packed = torch.cat(parts, dim=1) if parts else u
        return Draws(packed.index_select(1, index.order), self._columns)

    def _index(self, device: torch.device) -> Index:
        if device not in self._indices:
            self._indices[device] = self._indices[torch.device("cpu")].to(device)
        return self._indices[device]

    def draw(self, name: str, words: Words, parameters: Parameters) -> Tensor:
        """Returns one discrete quantity or rotation: int64 `[B]` or `[B, slot]`, float32 `[B, slot, 4]`."""
        draw = self.draws[name]
        mine = words.of(draw.words, rng.name_key(name))
        if laws.base_of(draw.law).components == 4:
            value = rotation(draw.law, mine)
        else:
            value = discrete(draw.law, draw.options, mine, parameters.host(name))
        return value.reshape(len(value), *draw.shape)

    def gates(self, name: str, words: Words, parameters: Parameters) -> Bool[Tensor, "batch"]:
        """Returns in which images a quantity of the whole image may differ from its neutral value.

        Args:
            name: A gated draw.
            words: The random words, on the host.
            parameters: The laws' parameters.
        """
        draw, law = self.draws[name], parameters.law(name)
        if law.support == (draw.neutral, draw.neutral):
            return torch.zeros(len(words.all), dtype=torch.bool)
        start, end = (law.start, law.end) if isinstance(law, laws.Schedule) else (law, law)
        if not isinstance(start, laws.Sometimes) or not isinstance(end, laws.Sometimes):
            return torch.ones(len(words.all), dtype=torch.bool)
        share = law.share(words.sample_ids) if isinstance(law, laws.Schedule) else torch.zeros(len(words.all))
        low, high = (torch.tensor(p, dtype=torch.float32) for p in (start.probability, end.probability))
        # The same float32 expression as on the device, so that both agree on every image.
        probability = low + share.to(torch.float32) * (high - low)
        return rng.uniform(words.all[:, draw.words.start, GATE]) < probability


def _whole(law: Law) -> bool:
    """Returns whether all values of a law are whole numbers."""
    if isinstance(law, laws.Choice | laws.Cycle) and law.numeric:
        return all(float(option).is_integer() for option in law.options)
    return law.discrete


def slot_count(cfg: Config, name: str) -> int | None:
    """Returns the number of slots of a quantity; None if it is drawn once per image."""
    section = name.partition(".")[0]
    if section == "lights":
        return cfg.num_lights
    # What varies from thing to thing among labels and motion belongs to the objects.
    group = cfg.groups.get("objects" if section in ("labels", "motion") else section)
    return None if group is None else group.stop - group.start


@dataclass(frozen=True)
class Index:
    """The index tensors on one device; uploaded once, since an upload per batch would make the host wait."""

    keys: Int64[Tensor, "column 2"]
    """`name_key` and slot of each column of random words."""
    groups: list[Group]
    order: Int64[Tensor, "value"]
    """For each value of the packed draws, its place in the groups' values followed by the other draws' values."""

    def to(self, device: torch.device) -> Index:
        """Returns the index on a device."""
        return Index(self.keys.to(device), [g.to(device) for g in self.groups], self.order.to(device))
