"""How much of the objects' boxes other things cover, and keeping it below a limit.

Boxes are around whole things, and what several things cover is added up: no object is hidden beyond the limit, and some
less than they might be.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ondr.sampling.layouts.free_places import Conflict
from ondr.sampling.layouts.image import Boxes, overlap

Seen = Callable[[slice, Tensor], Boxes]
"""`seen(slots, places [batch, some, 2])`: the boxes of things in consecutive slots, or of one at several places."""


def covered_by(objects: Boxes, things: Boxes) -> Float[Tensor, "batch some object"]:
    """Returns the share of each object's box that each thing covers which is nearer to the camera.

    Args:
        objects: `[batch, object]`.
        things: `[batch, some]`.
    """
    rows, columns = things[:, :, None], objects[:, None]
    return overlap(rows, columns) / columns.sides.prod(dim=-1).clamp_min(1e-12) * (rows.depth < columns.depth)


class Hiding:
    """The conflict of distractors and context with the objects that they would hide too much of.

    To be asked about all slots in their order, once: it adds up what is covered already.
    """

    def __init__(self, seen: Seen, objects: int, limit: float) -> None:
        """Knows nothing of where things are.

        Args:
            seen: How things appear.
            objects: How many slots objects have, which are the first.
            limit: The largest share of an object's box that all others may cover together.
        """
        self._seen, self._number, self._limit = seen, objects, limit
        self._objects: Boxes | None = None
        self._covered: Tensor | float = 0.0

    def __call__(self, slot: int, tried: Tensor, chosen: Tensor, kept: Tensor) -> Bool[Tensor, "batch try"]:
        """Is a `Conflict`."""
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
    """Returns what is in conflict with any of some."""

    def conflict(slot: int, tried: Tensor, chosen: Tensor, kept: Tensor) -> Bool[Tensor, "batch try"]:
        return torch.stack([c(slot, tried, chosen, kept) for c in conflicts]).any(dim=0)

    return conflict
