"""How much of the objects' boxes other things cover, and how it is kept below a limit.

A conservative estimate: boxes around whole things, and the areas that several things cover are added up. No object is
hidden beyond the limit, and some are hidden less than it allows.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ondr.sampling.layouts.free_places import Conflict
from ondr.sampling.layouts.image import Boxes, overlap

Seen = Callable[[slice, Tensor], Boxes]
"""`seen(slots, places [batch, some, 2])` returns the boxes of things in consecutive slots, or of one thing at several
places."""


def covered_by(objects: Boxes, things: Boxes) -> Float[Tensor, "batch some object"]:
    """Returns the share of each object's box that each thing covers; 0 for things behind the object.

    Args:
        objects: `[batch, object]`.
        things: `[batch, some]`.
    """
    rows, columns = things[:, :, None], objects[:, None]
    return overlap(rows, columns) / columns.sides.prod(dim=-1).clamp_min(1e-12) * (rows.depth < columns.depth)


class Hiding:
    """The conflict of distractors and context that would hide too much of an object.

    It accumulates what is covered, so it must be asked about each slot once, in order.
    """

    def __init__(self, seen: Seen, objects: int, limit: float) -> None:
        """Starts with nothing placed.

        Args:
            seen: Gives the boxes of things.
            objects: Number of slots of objects, which come first.
            limit: Largest share of an object's box that all others together may cover.
        """
        self._seen, self._number, self._limit = seen, objects, limit
        self._objects: Boxes | None = None
        self._covered: Tensor | float = 0.0

    def __call__(self, slot: int, tried: Tensor, chosen: Tensor, kept: Tensor) -> Bool[Tensor, "batch try"]:
        """Implements `Conflict`."""
        if slot < self._number:
            return torch.zeros_like(tried[..., 0], dtype=torch.bool)
        if self._objects is None:
            self._objects = self._seen(slice(0, self._number), chosen[:, : self._number])
        else:
            last = self._seen(slice(slot - 1, slot), chosen[:, -1:])
            self._covered = self._covered + covered_by(self._objects, last) * kept[:, -1:, None]
        more = covered_by(self._objects, self._seen(slice(slot, slot + 1), tried))
        too_much = (self._covered + more > self._limit) & (more > 0)
        return (too_much & kept[:, None, : self._number]).any(dim=2)


def either(*conflicts: Conflict) -> Conflict:
    """Returns the union of several conflicts."""

    def conflict(slot: int, tried: Tensor, chosen: Tensor, kept: Tensor) -> Bool[Tensor, "batch try"]:
        return torch.stack([c(slot, tried, chosen, kept) for c in conflicts]).any(dim=0)

    return conflict
