"""The random words of a batch, and which of them belong to which draw."""

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
"""Added to the slot, it keys what order a round of a `cycle` law has, apart from the words of the draw itself."""
MULTIPLIERS = 16
"""Of how many orders, beside the place where it starts, a round of a `cycle` law has one."""
GATE = 1
"""Which of a draw's four words says whether a law that holds only sometimes holds."""


@dataclass(frozen=True)
class Draw:
    """One random quantity: its law, and its columns among the words and the values."""

    name: str
    law: Law
    options: Options
    structure: bool
    """Drawn on the host: shapes depend on it, or its thresholds change from sample to sample."""
    gated: bool
    """Which images have another value than the neutral one is known on the host."""
    neutral: float | None
    shape: tuple[int, ...]
    """Shape of the value without the batch dimension."""
    words: range
    values: range


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
        factor = look_up(primes_above(2**16), laws.share(word, MULTIPLIERS)).to(torch.int64)
        return (factor * (turn % largest) + laws.share(start, largest)) % largest


@functools.cache
def primes_above(least: int) -> tuple[int, ...]:
    """Returns the next primes, as many as there are multipliers."""
    candidates = (n for n in count(least + 1) if all(n % d for d in range(2, int(n**0.5) + 1)))
    return tuple(islice(candidates, MULTIPLIERS))


def look_up(values: tuple[float, ...], chosen: Tensor) -> Tensor:
    """Returns `values[chosen]`, by comparing with Python numbers: a table would have to be copied to the device."""
    result = torch.zeros_like(chosen, dtype=torch.float64)
    for i, value in enumerate(values):
        result = torch.where(chosen == i, value, result)
    return result
