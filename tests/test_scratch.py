"""Scratch: the same memory for the same thread, name and shape, and for no other."""

from __future__ import annotations

import threading

import torch

from ondr.scratch import growing_scratch, scratch


def test_memory_is_the_same_for_the_same_name_and_shape_only():
    first = scratch("test.a", 4, 3)
    assert scratch("test.a", 4, 3).data_ptr() == first.data_ptr()
    assert scratch("test.b", 4, 3).data_ptr() != first.data_ptr()
    assert scratch("test.a", 4, 3, dtype=torch.int32).dtype == torch.int32
    assert scratch("test.a", 3, 4).shape == (3, 4)


def test_threads_share_nothing():
    mine, theirs = scratch("test.c", 8), []
    thread = threading.Thread(target=lambda: theirs.append(scratch("test.c", 8)))
    thread.start()
    thread.join()
    assert theirs[0].data_ptr() != mine.data_ptr()


def test_growing_scratch_moves_only_to_grow():
    longest = growing_scratch("test.d", 3, 100)
    assert longest.shape == (3, 100)
    shorter = growing_scratch("test.d", 3, 40)
    assert shorter.shape == (3, 40)
    assert shorter.is_contiguous()
    assert shorter.data_ptr() == longest.data_ptr()
    assert growing_scratch("test.d", 3, 10_000).shape == (3, 10_000)
