"""The progress of passes over a dataset, in memory that it shares with its workers.

A DataLoader tells its workers neither which pass they are in nor what other workers have begun. So every process writes
what it has begun to a slot of its own, and reads the slots of all. What the numbers mean is left to `numbering`.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import get_worker_info

from ondr.errors import ConfigError
from ondr.loop.numbering import Numbering, Position, resume, share, start_of_pass

RANKS = 16
"""Number of ranks with a table of their own: ranks that were forked after the dataset was built share its memory."""
SLOTS = 257
"""One slot for the process that holds the DataLoader and one for each of its workers."""
KEPT = 4
"""Number of passes that each slot remembers, since several iterators over one dataset may be alive."""
STAMP, START, BEGUN = range(3)
NUMBER_BITS = 31
NUMBER_MASK = (1 << NUMBER_BITS) - 1


class Progress:
    """The passes begun by every rank that shares this memory."""

    def __init__(self) -> None:
        """Starts with no pass begun, at the first id."""
        # Per rank: the place where the first pass started (3), passes begun before it, whether workers render.
        self._origin = torch.zeros(RANKS, 5, dtype=torch.int64).share_memory_()
        # Per rank, slot and pass: caller and number of the pass (0: none), its first batch, batches begun so far.
        self._table = torch.zeros(RANKS, SLOTS, KEPT, 3, dtype=torch.int64).share_memory_()
        self._owner = os.getpid()
        self._passes_here = 0

    def restart(self, place: Position, rank: int) -> None:
        """Makes the next pass start at a place, from a loaded state."""
        # The process that made the memory may not know yet which ranks will share it.
        ranks = range(RANKS) if os.getpid() == self._owner else [rank % RANKS]
        for row in ranks:
            begun = _numbers(self._read(row)).max()
            self._origin[row] = torch.tensor([place.number, place.batch, place.next_id, int(begun), 0])

    def origin(self, rank: int) -> Position:
        """Returns the start of the first pass since `restart`."""
        return Position(*self._origin[rank % RANKS, :3].tolist())

    def begin(self, numbering: Numbering, rank: int) -> Pass:
        """Begins the next pass, or joins the one that other workers of this DataLoader have begun."""
        row, slot, caller = rank % RANKS, _slot(), self._caller()
        index, begun = self._find(row, caller)
        first = int(self._origin[row, 3])
        start = start_of_pass(numbering, resume(numbering, self.origin(rank)), index - first, begun)
        entry = self._table[row, slot, index % KEPT]
        entry[START] = entry[BEGUN] = start.batch
        # The stamp is written last and as one word, so that a reader who sees it finds the rest written.
        entry[STAMP] = (caller << NUMBER_BITS) | (index + 1)
        self._passes_here += 1
        return Pass(self, numbering, row, slot, index, start, self._first_batch(start))

    def peek(self, numbering: Numbering, rank: int) -> Position:
        """Returns the start of the pass that `begin` would begin."""
        row = rank % RANKS
        index, begun = self._find(row, self._caller())
        origin = resume(numbering, self.origin(rank))
        return start_of_pass(numbering, origin, index - int(self._origin[row, 3]), begun)

    def rejoin(self, numbering: Numbering, rank: int, place: Position, next_batch: int) -> Pass:
        """Makes one of several workers continue in the middle of a pass, at its own batch.

        Args:
            numbering: The shape of the stream.
            rank: This rank.
            place: Any place in that pass.
            next_batch: The batch that this worker renders next.
        """
        row, slot, caller = rank % RANKS, _slot(), self._caller()
        index, _ = self._find(row, caller)
        start = Position(place.number, 0, place.next_id - place.batch * numbering.stride)
        self._origin[row] = torch.tensor([start.number, 0, start.next_id, index, 1])
        entry = self._table[row, slot, index % KEPT]
        entry[START], entry[BEGUN] = 0, next_batch
        entry[STAMP] = (caller << NUMBER_BITS) | (index + 1)
        self._passes_here += 1
        return Pass(self, numbering, row, slot, index, start, next_batch)

    def announce_workers(self, rank: int) -> None:
        """Records that workers render: from now on this process does not know what was consumed."""
        self._origin[rank % RANKS, 4] = 1

    def has_workers(self, rank: int) -> bool:
        """Returns whether workers have rendered since `restart`."""
        return bool(self._origin[rank % RANKS, 4])

    def newest(self, row: int, slots: slice) -> int:
        """Returns the index of the newest pass begun in some slots; -1 for none."""
        return int(_numbers(self._read(row))[slots].max()) - 1

    def begun(self, row: int) -> int:
        """Returns how many batches of each rank have begun since the start of the stream; 0 if none since `restart`."""
        return self._begun(row, self._read(row), NUMBER_MASK)

    def claim(self, row: int, slot: int, index: int, batch: int) -> None:
        """Records that a batch is begun."""
        self._table[row, slot, index % KEPT, BEGUN] = batch + 1

    def _read(self, row: int) -> Tensor:
        """Returns a consistent copy of a table, in which no entry is half written."""
        copy = self._table[row].clone()
        while not torch.equal(copy, again := self._table[row].clone()):
            copy = again
        return copy

    def _begun(self, row: int, table: Tensor, last: int) -> int:
        """Returns the batches begun in the passes since `restart`, up to pass number `last` (from 1)."""
        numbers = _numbers(table)
        counted = (numbers > self._origin[row, 3]) & (numbers <= last)
        return int((table[..., BEGUN] * counted).max())

    def _find(self, row: int, caller: int) -> tuple[int, int]:
        """Returns the index of the pass that the caller should join or begin, and the batches begun before it."""
        table = self._read(row)
        numbers = _numbers(table)
        joined = (table[..., STAMP] >> NUMBER_BITS == caller) & (numbers > 0)
        if caller and joined.any():
            stamp, start, _ = table[joined][0].tolist()
            return (stamp & NUMBER_MASK) - 1, start
        # Later passes do not count: another worker may be beginning this pass now and must get the same answer.
        last = int(numbers.max())
        return last, self._begun(row, table, last)

    def _caller(self) -> int:
        """Returns a number that the workers of one DataLoader share during one pass; 0 in the main process.

        The seed that a DataLoader gives its workers will not do: it repeats if a user seeds torch before each pass. A
        loader starts its workers one after the other, so the process number of its first worker identifies it.
        """
        worker = get_worker_info()
        if worker is None:
            return 0
        name = multiprocessing.current_process().name
        first = int(name.rpartition("-")[2].rpartition(":")[2]) - worker.id
        text = f"{os.getppid()} {first} {self._passes_here}"
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "little") | 1

    @staticmethod
    def _first_batch(start: Position) -> int:
        worker = get_worker_info()
        return start.batch + (worker.id if worker else 0)


@dataclass
class Pass:
    """One process's part in a pass."""

    progress: Progress
    numbering: Numbering
    row: int
    slot: int
    index: int
    start: Position
    first_batch: int

    @property
    def stride(self) -> int:
        """Number of ids from one batch of this process to its next, if no other iterator interleaves with this one."""
        return self.numbering.stride * _workers()

    def batches(self) -> Iterator[int]:
        """Yields the batches to render, each recorded as begun when it is asked for.

        Raises:
            ConfigError: A later pass over the same endless stream has begun meanwhile, and workers are involved.
        """
        mine = share(self.numbering, self.first_batch, _workers())
        if self.numbering.batches_per_pass is not None or self.numbering.fixed:
            yield from mine
            return
        for batch in mine:
            self._refuse_overlap()
            # Iterators in one process interleave; workers keep to their own share.
            taken = batch if get_worker_info() else max(batch, self.progress.begun(self.row))
            self.progress.claim(self.row, self.slot, self.index, taken)
            yield taken

    def _refuse_overlap(self) -> None:
        others = slice(0 if self.slot else 1, None)
        if self.progress.newest(self.row, others) > self.index:
            raise ConfigError(
                "An endless stream with workers must be read by one iterator at a time, got a later one over the same "
                "dataset. Look at images with ds.render(ids), set cfg.batches_per_epoch, or use a second dataset with "
                "another seed."
            )


def _numbers(table: Tensor) -> Tensor:
    """Returns the number of the pass in each entry, counted from 1; 0 in an empty one."""
    return table[..., STAMP] & NUMBER_MASK


def _workers() -> int:
    """Returns the number of processes that share a pass of a rank."""
    worker = get_worker_info()
    return worker.num_workers if worker else 1


def _slot() -> int:
    worker = get_worker_info()
    if worker is not None and worker.num_workers >= SLOTS:
        raise ConfigError(f"num_workers must be at most {SLOTS - 1}, got {worker.num_workers}. Use fewer workers.")
    return 0 if worker is None else worker.id + 1
