"""Taking any number of images from a stream of batches, in order, from a place that can be saved.

What the batches are is left to `mix`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ondr.batch import Batch


class Rows:
    """Takes any number of images from an iterator of batches."""

    def __init__(self, batches: Iterator[tuple[Batch, Any]], place: Any, row: int = 0) -> None:
        """Starts at a place.

        Args:
            batches: Endless; each batch with the place after it.
            place: The place of the first batch.
            row: Number of images of the first batch that have been taken before.
        """
        self._batches = batches
        self._place, self._row = place, row
        self._front: tuple[Batch, Any] | None = None

    def front(self) -> Batch:
        """Returns the batch that the next image is taken from."""
        while self._front is None or self._row >= len(self._front[0]):
            if self._front is not None:
                # If the batch size has changed since the place was saved, the row may lie beyond this batch.
                self._row, self._place = self._row - len(self._front[0]), self._front[1]
            self._front = next(self._batches)
        return self._front[0]

    def take(self, count: int) -> list[Batch]:
        """Returns the next images in order, as parts of batches."""
        parts = []
        while count:
            batch = self.front()
            end = min(self._row + count, len(batch))
            parts.append(select(batch, slice(self._row, end)))
            count, self._row = count - (end - self._row), end
        return parts

    def state(self) -> dict[str, Any]:
        """Returns the place of the next image, as the arguments `place` and `row`."""
        if self._front is not None and self._row >= len(self._front[0]):
            return {"place": self._front[1], "row": self._row - len(self._front[0])}
        return {"place": self._place, "row": self._row}


def select(batch: Batch, rows: Any) -> Batch:
    """Returns some images of a batch, as `rows` (a slice, or an index on the CPU) selects them from a tensor."""
    if isinstance(rows, slice) and rows == slice(0, len(batch)):
        return batch
    fields = {name: getattr(batch.targets, name)[rows] for name in ("sample_ids", *batch.targets.names())}
    return replace(
        batch,
        images=batch.images[rows],
        targets=replace(batch.targets, **fields),
        sample_ids=batch.sample_ids[rows],
        draws=batch.draws.map(lambda packed: packed[rows]),
    )
