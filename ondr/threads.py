"""The number of CPU threads, tasks on all of them, and locks that survive a fork."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager

import torch
from torch.utils.data import get_worker_info


def thread_count() -> int:
    """Returns the number of threads to compute with: `torch.get_num_threads()`, or one inside a DataLoader worker."""
    return 1 if get_worker_info() else torch.get_num_threads()


@functools.cache
def _pool(count: int, process: int) -> ThreadPoolExecutor:
    """Returns the helper threads of a process: they do not survive a fork."""
    return ThreadPoolExecutor(count, thread_name_prefix="ondr")


def run_all(tasks: Sequence[Callable[[], None]]) -> None:
    """Runs tasks on `thread_count` threads, this one included; each takes the next task when it has finished one.

    It pays for tasks that release Python's lock while they compute.
    """
    helpers = min(thread_count(), len(tasks)) - 1
    rest = iter(tasks)
    if helpers < 1:
        return _work(rest)
    pool = _pool(thread_count() - 1, os.getpid())
    others = [pool.submit(_work, rest) for _ in range(helpers)]
    try:
        _work(rest)
    finally:
        # After an interrupt, no helper may go on writing: drop the remaining tasks and wait.
        for _ in rest:
            pass
        wait(others)
    for other in others:
        other.result()


def _work(tasks: Iterator[Callable[[], None]]) -> None:
    for task in tasks:
        task()


class ForkedLock:
    """A reentrant lock that is released in a forked child, where a thread that held it in the parent does not exist."""

    def __init__(self) -> None:
        self._renew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        self._lock = threading.RLock()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Holds the lock within the block; leaving the block works even in a child that was forked inside it."""
        with self._lock:
            yield
