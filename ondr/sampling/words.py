"""The random words of a batch and of each of its draws."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from itertools import count, islice

import torch
from jaxtyping import Int64
from torch import Tensor

from ondr import laws, rng
from ondr.laws import Law
from ondr.sampling.options import Options

CYCLE_SLOT = 2**31
"""Added to the slot, it makes the key of a `cycle` law's orders, distinct from that of the draw itself."""
MULTIPLIERS = 16
"""Number of multipliers, each an order, that a round of a `cycle` law chooses from; its start is random as well."""
GATE = 1
"""Index, among a draw's four words, of the one that decides whether a `Sometimes` law holds."""


@dataclass(frozen=True)
class Draw:
    """One random quantity: its law, and where its words and values lie."""

    name: str
    law: Law
    options: Options
    structure: bool
    """Drawn on the host, because shapes depend on it or its thresholds change from sample to sample."""
    gated: bool
    """The host decides in which images it is not neutral."""
    neutral: float | None
    shape: tuple[int, ...]
    """Shape of the value without the batch dimension."""
    words: range
    """Its columns among the random words."""
    values: range
    """Its columns among the values."""


@dataclass(frozen=True)
class Words:
    """The random words of a batch, with the seed and sample ids that they come from."""

    seed: int
    sample_ids: Int64[Tensor, "batch"]
    all: Int64[Tensor, "batch column 4"]

    @property
    def device(self) -> torch.device:
        """The device of the words."""
        return self.all.device

    def of(self, columns: range, key: int) -> DrawWords:
        """Returns the words of one draw; `key` is the key of its name."""
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
        """The first word, which decides the value."""
        return self.words[..., 0]

    def in_turn(self, number: Tensor | int, turn: Int64[Tensor, "batch slot"] | None = None) -> Tensor:
        """Returns indices below `number`; in each slot, every index comes once before any comes again.

        The k-th index of a round is (a * k + b) mod number, with a random prime a above 2**16 and a random b for each
        round.

        Args:
            number: Number of indices; int64 `[B, slot]` where it differs.
            turn: Number of indices that came before in this slot; None: the sample id.
        """
        slots = torch.arange(self.words.shape[1], device=self.words.device)
        turn = self.sample_ids[:, None].expand(-1, len(slots)) if turn is None else turn
        # Filled in: a number that is copied to a GPU makes the host wait.
        number = number if isinstance(number, Tensor) else turn.new_full((), number)
        turn, largest = torch.broadcast_tensors(turn, number)
        round_ = turn // largest
        names = torch.full_like(round_, self.key)
        word, start, *_ = rng.philox((round_ & rng.MASK, round_ >> 32 & rng.MASK, names, slots + CYCLE_SLOT), self.seed)
        factor = look_up(primes_above(2**16), laws.share(word, MULTIPLIERS)).to(torch.int64)
        return (factor * (turn % largest) + laws.share(start, largest)) % largest


@functools.cache
def primes_above(least: int) -> tuple[int, ...]:
    """Returns the `MULTIPLIERS` next primes."""
    candidates = (n for n in count(least + 1) if all(n % d for d in range(2, int(n**0.5) + 1)))
    return tuple(islice(candidates, MULTIPLIERS))


def look_up(values: tuple[float, ...], chosen: Tensor) -> Tensor:
    """Returns `values[chosen]` by comparisons with Python numbers, since a table would have to be uploaded."""
    result = torch.zeros_like(chosen, dtype=torch.float64)
    for i, value in enumerate(values):
        result = torch.where(chosen == i, value, result)
    return result
