"""Rendering one batch ahead on CUDA: the next batch is rendered while the model trains on the current one.

No thread is needed, since GPU work is only enqueued; nvdiffrast would hold the GIL in any case.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import torch

from ondr.batch import Batch

HIGH_PRIORITY = -1


def render_ahead(batches: Iterator[Batch], device: torch.device) -> Iterator[Batch]:
    """Yields the batches of an iterator that renders on demand, always asking for one batch ahead.

    Batches are rendered on a side stream and handed over to the caller's current stream, which waits for them on the
    device; for that, the host does not wait.
    """
    side = _side_stream(device.index if device.index is not None else torch.cuda.current_device())
    # The assets that are read here may still be written by what the caller has enqueued.
    side.wait_stream(torch.cuda.current_stream(device))
    ready = _enqueue(batches, side)
    while ready is not None:
        following = _enqueue(batches, side)
        yield _hand_over(*ready, device)
        ready = following


def _enqueue(batches: Iterator[Batch], side: torch.cuda.Stream) -> tuple[Batch, torch.cuda.Event] | None:
    with torch.cuda.stream(side):
        batch = next(batches, None)
        return None if batch is None else (batch, side.record_event())


def _hand_over(batch: Batch, finished: torch.cuda.Event, device: torch.device) -> Batch:
    current = torch.cuda.current_stream(device)
    current.wait_event(finished)
    # Otherwise the allocator could reuse the memory on the side stream while the caller's stream still reads it.
    return batch.map(lambda tensor: _record(tensor, current))


def _record(tensor: torch.Tensor, stream: torch.cuda.Stream) -> torch.Tensor:
    if tensor.is_cuda:
        tensor.record_stream(stream)
    return tensor


@functools.cache
def _side_stream(index: int) -> torch.cuda.Stream:
    """Returns the side stream of a device, one for all datasets, because renderers keep scratch memory per stream."""
    return torch.cuda.Stream(torch.device("cuda", index), priority=HIGH_PRIORITY)
