"""Finding room: a bounded number of tries for each thing, all of them at once, and what fits nowhere is left out."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

TRIES = 24
"""Places tried for each thing. On a table two thirds full of circles, this finds room for nine things in ten."""
STEPS = (0.7548776662466927, 0.5698402909980532)
"""Of the R2 sequence: from one try to the next. Source: Roberts 2018, "The unreasonable effectiveness of quasirandom
sequences"; 1 / g and 1 / g**2 for g**3 = g + 1."""


def tries(drawn: Float[Tensor, "batch slot 2"]) -> Float[Tensor, "batch slot try 2"]:
    """Returns the places to try for each thing: the drawn one, and others evenly spread over the unit square."""
    number = torch.arange(1, TRIES, device=drawn.device, dtype=drawn.dtype)
    others = [(drawn[..., i, None] + number * step) % 1.0 for i, step in enumerate(STEPS)]
    return torch.cat([drawn[:, :, None], torch.stack(others, dim=-1)], dim=2)


def first_that_fits(
    places: Float[Tensor, "batch slot try 2"],
    present: Bool[Tensor, "batch slot"],
    conflict: Callable[[int, Tensor, Tensor, Tensor], Tensor],
) -> tuple[Float[Tensor, "batch slot 2"], Bool[Tensor, "batch slot"]]:
    """Places things one after the other, each at the first place where it is in nobody's way.

    Args:
        places: What may be tried.
        present: False for an empty slot, which is in nobody's way.
        conflict: `conflict(slot, tried [batch, try, 2], chosen [batch, before, 2], kept [batch, before])` returns
            `[batch, try]`: whether a place is taken by what was placed before.

    Returns:
        Places, and which things have found one.
    """
    batch, slots = present.shape
    chosen, kept = places[:, :0, 0], present[:, :0]
    for slot in range(slots):
        taken = conflict(slot, places[:, slot], chosen, kept)
        # argmax of booleans is the first True.
        free = (~taken).to(torch.int8)
        index = free.argmax(dim=1)
        found = torch.gather(places[:, slot], 1, index[:, None, None].expand(batch, 1, 2))
        chosen = torch.cat([chosen, found], dim=1)
        kept = torch.cat([kept, (free.amax(dim=1) > 0)[:, None] & present[:, slot : slot + 1]], dim=1)
    return chosen, kept | ~present
