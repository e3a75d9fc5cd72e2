"""Scratch: the same memory for the same thread, name and shape, and for no other. Recycled memory: nobody's twice."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch

from ondr.runtime import scratch as memory
from ondr.runtime.scratch import growing_scratch, recycled, scratch


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


HOLDERS: dict[str, Callable[[torch.Tensor], Any]] = {
    "itself": lambda tensor: tensor,
    "a view": lambda tensor: tensor[1:].permute(1, 0),
    "an array": lambda tensor: tensor.numpy(),
    "a list of rows": list,
    "autograd": lambda tensor: (tensor * torch.ones(1, requires_grad=True)).grad_fn,
    "a buffer": lambda tensor: memoryview(tensor.numpy()),
}


@pytest.fixture
def nothing_free():
    memory._free.clear()
    yield
    memory._free.clear()


@pytest.mark.parametrize("name", HOLDERS)
def test_recycled_memory_is_lent_again_when_nothing_refers_to_it(name: str, nothing_free: None):
    first = recycled(5, 7)
    place, held = first.data_ptr(), HOLDERS[name](first)
    del first
    gc.collect()
    second = recycled(5, 7)
    assert second.data_ptr() != place
    del held, second
    gc.collect()
    assert len(memory._free) == 2
    again = [recycled(5, 7), recycled(5, 7)]
    assert place in [tensor.data_ptr() for tensor in again]


def test_recycled_memory_has_the_type_and_shape_that_is_asked_for(nothing_free: None):
    for shape, dtype in [((2, 3), torch.float32), ((2, 3), torch.uint8), ((4, 1, 2), torch.bfloat16), ((0, 3), None)]:
        made = recycled(*shape, dtype=dtype or torch.float16)
        assert made.shape == shape
        assert made.dtype == (dtype or torch.float16)
        assert made.fill_(1).sum() == made.numel()
        del made


def test_little_is_kept_for_later(nothing_free: None):
    held = [recycled(1000) for _ in range(5)]
    held.clear()
    gc.collect()
    assert [block.nbytes for block in memory._free] == [4000, 4000]
    # What is not asked for any more is gone soon.
    for _ in range(3):
        recycled(10)
    gc.collect()
    assert {block.nbytes for block in memory._free} == {40}
    memory.forget_recycled()
    assert not memory._free
