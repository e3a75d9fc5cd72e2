"""Threads: how many compute, and a lock that a fork does not leave held."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from ondr.runtime.threads import ForkedLock, thread_count

LOCK = ForkedLock()


class Counts(Dataset):
    """Every sample is the number of threads where it is made."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> int:
        # A worker's own number is 1 from the start: only what is known of workers can tell them apart then.
        torch.set_num_threads(2)
        return thread_count()


def take() -> None:
    """Takes the lock of this process."""
    with LOCK.held():
        pass


def test_a_worker_computes_with_one_thread_and_others_with_as_many_as_torch():
    assert list(DataLoader(Counts(), batch_size=None, num_workers=1)) == [1, 1]
    assert thread_count() == torch.get_num_threads()


def test_the_lock_is_held_by_one_thread_at_a_time_and_reentered_by_it():
    with ThreadPoolExecutor(1) as other, LOCK.held(), LOCK.held():
        assert not other.submit(LOCK._lock.acquire, blocking=False).result()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing is forked on this system")
def test_the_lock_is_free_in_a_child_forked_while_another_thread_holds_it():
    with ThreadPoolExecutor(1) as other:
        other.submit(LOCK._lock.acquire).result()
        child = multiprocessing.get_context("fork").Process(target=take)
        child.start()
        child.join(10)
        other.submit(LOCK._lock.release).result()
    assert child.exitcode == 0
    child.close()
