"""Continuous draws: all quantities with the same kind of law are evaluated in one expression."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float32, Float64, Int64
from torch import Tensor

from ondr import laws, rng
from ondr.parameters import Parameters
from ondr.sampling.words import GATE, Draw, Words


@dataclass(frozen=True)
class Group:
    """Continuous draws with the same kind of law, evaluated together."""

    law: type[laws.Continuous]
    words: Int64[Tensor, "word"]
    """Column of random words for each value; empty for constants."""
    values: list[int]
    """Where the group's values lie among all values."""
    parameters: list[Int64[Tensor, "2 column"]]
    """For each of the law's parameters, its places in the parameter vector at the start and the end of each column's
    schedule; the same twice without a schedule."""
    rate: Float64[Tensor, "column"] | None
    """1 / samples of each schedule; None for draws without a schedule."""
    probability: Int64[Tensor, "2 column"] | None
    """Places of the probability with which the law holds; None for laws that always hold."""
    neutral: Float32[Tensor, "column"]
    """The value where the law does not hold."""

    def evaluate(
        self, words: Words, u: Float32[Tensor, "batch word"], vector: Float32[Tensor, "parameter"]
    ) -> Float32[Tensor, "batch column"]:
        """Returns the values of the group's draws.

        Args:
            words: The random words of all draws.
            u: Uniforms from the first of the four words of each column.
            vector: All parameters.
        """
        share = None
        if self.rate is not None:
            share = (words.sample_ids.to(torch.float64)[:, None] * self.rate).clamp(0, 1).to(torch.float32)
        parameters = [_current(vector, p, share) for p in self.parameters]
        if self.law is laws.Constant and self.probability is None:
            return parameters[0].expand(len(u), -1)
        value = self.law.inverse_cdf(u.index_select(1, self.words), *parameters)
        if self.probability is None:
            return value
        holds = rng.uniform(words.all[:, self.words, GATE]) < _current(vector, self.probability, share)
        return torch.where(holds, value, self.neutral)

    def to(self, device: torch.device) -> Group:
        """Returns the group with its tensors on a device."""
        return replace(
            self,
            words=self.words.to(device),
            parameters=[p.to(device) for p in self.parameters],
            rate=None if self.rate is None else self.rate.to(device),
            probability=None if self.probability is None else self.probability.to(device),
            neutral=self.neutral.to(device),
        )


def _current(vector: Tensor, places: Int64[Tensor, "2 column"], share: Tensor | None) -> Tensor:
    """Returns parameters at the samples' shares of a schedule."""
    start = vector[places[0]]
    return start if share is None else start + share * (vector[places[1]] - start)


def continuous_groups(draws: Iterable[Draw], parameters: Parameters) -> list[Group]:
    """Groups the continuous draws by the kind of their law.

    Args:
        draws: All draws.
        parameters: Says where the parameters of each law lie.
    """
    kinds: dict[tuple[type, bool, bool], list[Draw]] = {}
    for draw in draws:
        law, base = draw.law, laws.base_of(draw.law)
        first = laws.unscheduled(law)
        if isinstance(base, laws.Continuous) and draw.values:
            kind = type(base), isinstance(law, laws.Schedule), isinstance(first, laws.Sometimes)
            kinds.setdefault(kind, []).append(draw)
    return [_group(kind, members, parameters) for kind, members in kinds.items()]


def _group(kind: tuple[type, bool, bool], members: list[Draw], parameters: Parameters) -> Group:
    base, scheduled, sometimes = kind
    columns = [draw for draw in members for _ in draw.values]
    places = [[s.start for s in parameters.place(draw.name)] for draw in columns]
    # A schedule lists the parameters of its first law, then those of its last.
    half = len(next(iter(places), ())) // (2 if scheduled else 1)
    starts, ends = [p[:half] for p in places], [p[-half:] for p in places]
    pairs = [
        torch.tensor([low, high], dtype=torch.int64)
        for low, high in zip(zip(*starts, strict=True), zip(*ends, strict=True), strict=True)
    ]
    rates = [1 / d.law.samples for d in columns if isinstance(d.law, laws.Schedule)]
    return Group(
        law=base,
        words=torch.tensor([w for d in members for w in d.words], dtype=torch.int64),
        values=[v for d in members for v in d.values],
        parameters=pairs[:-1] if sometimes else pairs,
        rate=torch.tensor(rates, dtype=torch.float64) if scheduled else None,
        probability=pairs[-1] if sometimes else None,
        neutral=torch.tensor([0.0 if d.neutral is None else d.neutral for d in columns], dtype=torch.float32),
    )
