"""The count in shared memory, with workers played one after the other: orders that real ones take only now and then."""

from __future__ import annotations

import itertools
import multiprocessing
from types import SimpleNamespace
from typing import NamedTuple

import pytest

from ondr.errors import ConfigError
from ondr.loop import progress as progress_module
from ondr.loop.numbering import Numbering, Position
from ondr.loop.progress import Pass, Progress


class Info(NamedTuple):
    """What `get_worker_info` says."""

    id: int
    num_workers: int


class Process:
    """Takes the place of a worker's process; without info, of the process that holds the DataLoader."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, memory: Progress, info: Info | None, number: int) -> None:
        self._monkeypatch, self._memory, self._passes = monkeypatch, memory, 0
        self._info, self._name = info, SimpleNamespace(name=f"Process-{number}")

    def enter(self) -> Progress:
        self._monkeypatch.setattr(progress_module, "get_worker_info", lambda: self._info)
        self._monkeypatch.setattr(multiprocessing, "current_process", lambda: self._name)
        self._memory._passes_here = self._passes
        return self._memory

    def begin(self, numbering: Numbering) -> Pass:
        begun = self.enter().begin(numbering, rank=0)
        self._passes += 1
        return begun


class Play:
    """One dataset's memory, and the processes that use it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.memory = Progress()
        self._monkeypatch, self._started = monkeypatch, 1
        self.main = Process(monkeypatch, self.memory, None, 0)

    def workers(self, count: int) -> list[Process]:
        first, self._started = self._started, self._started + count
        infos = [Info(w, count) for w in range(count)]
        return [Process(self._monkeypatch, self.memory, info, first + info.id) for info in infos]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Play:
    return Play(monkeypatch)


ENDLESS = Numbering(batch_size=2)
SHORT = Numbering(batch_size=2, batches_per_pass=4)


def take(process: Process, begun: Pass, count: int) -> list[int]:
    process.enter()
    return list(itertools.islice(begun.batches(), count))


def test_a_worker_joins_the_pass_that_another_has_begun(play: Play) -> None:
    one, other = play.workers(2)
    first = one.begin(SHORT)
    assert take(one, first, 9) == [0, 2]
    second = other.begin(SHORT)
    assert (first.index, second.index) == (0, 0)
    assert take(other, second, 9) == [1, 3]


def test_a_late_worker_joins_an_endless_pass_where_it_began(play: Play) -> None:
    one, other = play.workers(2)
    assert take(one, one.begin(ENDLESS), 3) == [0, 2, 4]
    assert take(other, other.begin(ENDLESS), 2) == [1, 3]
    again, late = play.workers(2)
    assert take(again, again.begin(ENDLESS), 2) == [5, 7]
    assert take(late, late.begin(ENDLESS), 2) == [6, 8]


def test_a_worker_that_was_stopped_before_it_began_catches_up(play: Play) -> None:
    one, _ = play.workers(2)
    one.begin(SHORT)
    again, late = play.workers(2)
    assert late.begin(SHORT).start == again.begin(SHORT).start == Position(1, 0, 8)


def test_persistent_workers_count_their_passes(play: Play) -> None:
    one, other = play.workers(2)
    found = [(one.begin(SHORT).start.number, other.begin(SHORT).start.number) for _ in range(7)]
    assert found == [(p, p) for p in range(7)]


def test_a_process_that_holds_no_loader_takes_a_pass_of_its_own(play: Play) -> None:
    (worker,) = play.workers(1)
    found = [process.begin(SHORT).start.number for process in (play.main, worker, play.main, worker, play.main)]
    assert found == [0, 1, 2, 3, 4]


def test_later_passes_are_not_counted_by_a_worker_that_looked_before_them(play: Play) -> None:
    one, other = play.workers(2)
    table = play.memory._read(0)
    begun = one.begin(ENDLESS)
    take(one, begun, 5)
    other.enter()
    # What the second worker would find if it had looked at the table just before the first one began.
    assert play.memory._begun(0, table, 0) == play.memory._begun(0, play.memory._read(0), 0) == 0


def test_two_loaders_take_two_passes(play: Play) -> None:
    (a, b), (c, d) = play.workers(2), play.workers(2)
    numbers = [process.begin(SHORT).start.number for process in (a, c, d, b)]
    assert numbers == [0, 1, 1, 0]


def test_an_older_reader_of_an_endless_stream_is_refused(play: Play) -> None:
    (old,), (new,) = play.workers(1), play.workers(1)
    stale = old.begin(ENDLESS)
    new.begin(ENDLESS)
    with pytest.raises(ConfigError, match=r"must be read by one iterator at a time.*Look at images with ds.render"):
        take(old, stale, 1)
    play.main.begin(ENDLESS)
    with pytest.raises(ConfigError, match="must be read by one iterator at a time"):
        take(old, stale, 1)


def test_the_main_process_is_refused_beside_newer_workers(play: Play) -> None:
    mine, again = play.main.begin(ENDLESS), play.main.begin(ENDLESS)
    assert take(play.main, mine, 1) + take(play.main, again, 1) == [0, 1]
    (worker,) = play.workers(1)
    worker.begin(ENDLESS)
    with pytest.raises(ConfigError, match="must be read by one iterator at a time"):
        take(play.main, mine, 1)


def test_ranks_that_share_the_memory_do_not_disturb_each_other(play: Play) -> None:
    memory = play.main.enter()
    assert [memory.begin(SHORT, rank).start.number for rank in (0, 1, 0, 1)] == [0, 0, 1, 1]


def test_a_restart_forgets_what_has_begun(play: Play) -> None:
    one, other = play.workers(2)
    take(one, one.begin(ENDLESS), 3)
    take(other, other.begin(ENDLESS), 3)
    memory = play.main.enter()
    memory.restart(Position(0, 1, 2), rank=0)
    assert not memory.has_workers(0)
    assert memory.origin(0) == Position(0, 1, 2)
    assert take(one, one.begin(ENDLESS), 2) == [1, 3]
    assert take(other, other.begin(ENDLESS), 2) == [2, 4]


def test_a_worker_rejoins_in_the_middle_of_its_share(play: Play) -> None:
    one, other = play.workers(2)
    place = Position(3, 2, 28)
    first = one.enter().rejoin(SHORT, 0, place, next_batch=2)
    second = other.enter().rejoin(SHORT, 0, place, next_batch=3)
    assert first.start == second.start == Position(3, 0, 24)
    assert (take(one, first, 9), take(other, second, 9)) == ([2], [3])
    assert play.main.begin(SHORT).start == Position(4, 0, 32)
