"""How numba's parallel kernels run beside torch: threading layer, number of threads, one caller at a time.

Every call of a parallel numba kernel in ondr is inside `with numba_threads():`. The kernels are elsewhere.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numba

from ondr.errors import BackendError
from ondr.runtime.threads import ForkedLock, thread_count

# The only layer that is always available and survives a fork; only one thread may enter it at a time.
LAYER = "workqueue"

_config: Any = numba.config
_running = ForkedLock()


@contextmanager
def numba_threads() -> Iterator[int]:
    """Allows parallel numba kernels inside the block, and yields the number of threads they run on.

    That is `thread_count()`, or the largest number that numba has. Numba's default threading layer does not survive a
    fork, so the first block selects `workqueue`, unless the user has selected another layer.

    Raises:
        BackendError: This process was forked from one in which numba had already started another threading layer.
    """
    with _running.held():
        if _config.THREADING_LAYER == "default":
            _config.THREADING_LAYER = LAYER
        _check_layer(_launched_layer(), _is_forked())
        before = numba.get_num_threads()
        count = min(thread_count(), _config.NUMBA_NUM_THREADS)
        numba.set_num_threads(count)
        try:
            yield count
        finally:
            numba.set_num_threads(before)


def _launched_layer() -> str | None:
    """Returns the threading layer that numba has started in this process or before a fork; None if none."""
    try:
        return numba.threading_layer()
    except ValueError:
        return None


def _is_forked() -> bool:
    """Returns whether this is a process that multiprocessing has forked."""
    if multiprocessing.parent_process() is None:
        return False
    # The process class of a context has its start method; that of the default class is None, for the global one.
    method = getattr(multiprocessing.current_process(), "_start_method", None)
    return (method or multiprocessing.get_start_method()) == "fork"


def _check_layer(launched: str | None, forked: bool) -> None:
    """Refuses a forked process whose threading layer was started before the fork; numba would end it."""
    if forked and launched not in (None, LAYER):
        raise BackendError(
            f"numba.threading_layer() must be {LAYER!r} in a forked worker, got {launched!r}, which was started "
            f'before the fork. Pass multiprocessing_context="spawn" to the DataLoader.'
        )
