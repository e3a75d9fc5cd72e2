"""Rendering one batch ahead on CUDA: the next batch is drawn while the model trains on this one.

No thread is needed, since work on a GPU is only enqueued; nvdiffrast would hold the interpreter's lock in any case.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import torch

from ondr.batch import Batch

HIGH_PRIORITY = -1


def render_ahead(batches: Iterator[Batch], device: torch.device) -> Iterator[Batch]:
    """Yields the batches of an iterator that renders each when it is asked for, always one ahead of the caller.

    Each batch is rendered on a stream of its own kind and handed over to the caller's current stream, which waits for
    it on the device; the host never waits.
    """
    side = _side_stream(device.index if device.index is not None else torch.cuda.current_device())
    # What the caller has enqueued so far may have made what is read here: the assets on the device.
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
    # Otherwise the allocator could give the memory to the side stream again while the caller's stream still reads it.
    return batch.map(lambda tensor: _record(tensor, current))


def _record(tensor: torch.Tensor, stream: torch.cuda.Stream) -> torch.Tensor:
    if tensor.is_cuda:
        tensor.record_stream(stream)
    return tensor


@functools.cache
def _side_stream(index: int) -> torch.cuda.Stream:
    """Returns the one stream of a device that all datasets render on: renderers keep scratch for each stream."""
    return torch.cuda.Stream(torch.device("cuda", index), priority=HIGH_PRIORITY)
