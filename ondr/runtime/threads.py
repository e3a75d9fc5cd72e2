"""The number of CPU threads, and locks that survive a fork."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.utils.data import get_worker_info


def thread_count() -> int:
    """Returns the number of threads to compute with: `torch.get_num_threads()`, or one inside a DataLoader worker."""
    return 1 if get_worker_info() else torch.get_num_threads()


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
