"""Which sample ids are in which batch: integer arithmetic without state.

With L batches per pass and rank, W ranks and B images per batch, batch k of rank r in pass p holds the ids
((p*L + k)*W + r)*B + 0..B-1. The progress of each process is kept in `progress`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Numbering:
    """The shape of a stream."""

    batch_size: int
    """B."""
    world_size: int = 1
    """W."""
    batches_per_pass: int | None = None
    """L, per rank; None for an endless stream, which is one pass."""
    fixed: bool = False
    """Whether every pass repeats pass 0."""

    @property
    def stride(self) -> int:
        """Number of ids that all ranks together use for one batch each."""
        return self.world_size * self.batch_size


@dataclass(frozen=True)
class Position:
    """A place in the stream, the same for all ranks."""

    number: int = 0
    """The pass, from 0."""
    batch: int = 0
    """The next batch of each rank in this pass, from 0."""
    next_id: int = 0
    """The first id of that batch on rank 0."""


def batch_ids(numbering: Numbering, start: Position, batch: int, rank: int) -> range:
    """Returns the ids of one batch.

    Args:
        numbering: The shape of the stream.
        start: Any place in the same pass.
        batch: k, counted from the start of the pass.
        rank: r.
    """
    first = start.next_id + (batch - start.batch) * numbering.stride + rank * numbering.batch_size
    return range(first, first + numbering.batch_size)


def share(numbering: Numbering, first_batch: int, workers: int) -> Iterator[int]:
    """Yields the batches of a pass that one of n workers renders: every n-th.

    A DataLoader asks its workers in turn, beginning with worker 0. So if worker w begins with the w-th of the remaining
    batches, the batches come in order for any n.

    Args:
        numbering: The shape of the stream.
        first_batch: The worker's first batch.
        workers: n; 1 without workers.
    """
    batches = itertools.count(first_batch, workers)
    end = numbering.batches_per_pass
    return batches if end is None else itertools.takewhile(lambda batch: batch < end, batches)


def advance(numbering: Numbering, start: Position, batch: int) -> Position:
    """Returns the place after a batch in the pass of `start`."""
    next_id = start.next_id + (batch + 1 - start.batch) * numbering.stride
    return Position(start.number, batch + 1, next_id)


def resume(numbering: Numbering, place: Position) -> Position:
    """Returns the place of the next batch: `place`, or the start of the next pass if its pass is complete."""
    end = numbering.batches_per_pass
    if end is None or place.batch < end:
        return place
    return Position() if numbering.fixed else Position(place.number + 1, 0, place.next_id)


def start_of_pass(numbering: Numbering, origin: Position, passes: int, begun: int) -> Position:
    """Returns the place where a pass starts.

    Args:
        numbering: The shape of the stream.
        origin: Start of the first pass since the last `load_state_dict`, from `resume`.
        passes: Number of passes begun since then; 0 for the first.
        begun: For an endless stream, the number of batches that each rank has begun since its start.
    """
    end = numbering.batches_per_pass
    if passes == 0 and (end is not None or numbering.fixed):
        return origin
    if numbering.fixed:
        return Position()
    if end is None:
        return advance(numbering, origin, max(begun, origin.batch) - 1)
    last = advance(numbering, origin, passes * end - 1)
    return Position(origin.number + passes, 0, last.next_id)
