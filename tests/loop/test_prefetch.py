"""One batch ahead on CUDA: order, hand-over, and memory that the allocator does not give away too early."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from ondr.batch import Batch, Targets
from ondr.draws import Draws
from ondr.loop.prefetch import render_ahead

pytestmark = pytest.mark.cuda


def counted(begun: list[int], count: int) -> Iterator[Batch]:
    for number in range(count):
        begun.append(number)
        # Long enough that a hand-over without waiting would show.
        torch.cuda._sleep(20_000_000)
        images = torch.full((1, 3, 64, 64), float(number), device="cuda")
        targets = Targets((64, 64), torch.tensor([number]))
        yield Batch(images, targets, torch.tensor([number]), Draws(images[:, 0, 0, :1], {}), {})


def test_batches_come_in_order_and_one_is_always_ahead() -> None:
    begun: list[int] = []
    found = []
    for number, batch in enumerate(render_ahead(counted(begun, 5), torch.device("cuda"))):
        assert len(begun) == min(number + 2, 5)
        found.append(batch.images.mean())
    assert [float(value) for value in found] == [0, 1, 2, 3, 4]


def test_what_is_still_read_is_not_overwritten() -> None:
    sums = []
    for batch in render_ahead(counted([], 8), torch.device("cuda")):
        torch.cuda._sleep(40_000_000)
        sums.append(batch.images.sum())
        del batch
    assert [float(value) for value in sums] == [number * 3 * 64 * 64 for number in range(8)]


def test_an_empty_iterator_gives_nothing() -> None:
    assert list(render_ahead(counted([], 0), torch.device("cuda"))) == []
