"""Free places: a fixed number of tries for each thing, tested at once; a thing that fits nowhere is left out."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ondr.errors import say_once

TRIES = 24
"""Places tried for each thing. Of eight equal circles that together cover 30 % of a square and stay in it, 99 % find a
place (58 % with one try, 96 % with 12, 99.9 % with 48); if they cover 50 %, 73 % do (44, 68, 76)."""
R2_STEP = (0.7548776662466927, 0.5698402909980532)
"""Step of the R2 sequence from one try to the next. Source: Roberts 2018, "The unreasonable effectiveness of
quasirandom sequences"; 1 / g and 1 / g**2 for g**3 = g + 1."""
TOLD = (0.5, 0.2, 0.05)
"""Shares of things left out beyond which a warning is logged, once each. With the default settings one in a hundred is
left out."""
Conflict = Callable[[int, Tensor, Tensor, Tensor], Tensor]
"""`conflict(slot, tried [batch, try, 2], chosen [batch, before, 2], kept [batch, before])` returns `[batch, try]`:
whether a thing cannot be at each tried place, given the places of the things before it and which of these are present
and placed."""


def tries(drawn: Float[Tensor, "batch slot 2"]) -> Float[Tensor, "batch slot try 2"]:
    """Returns the places to try for each thing: the drawn one, then others spread evenly over the unit square."""
    number = torch.arange(1, TRIES, device=drawn.device, dtype=drawn.dtype)
    others = [(drawn[..., i, None] + number * step) % 1.0 for i, step in enumerate(R2_STEP)]
    return torch.cat([drawn[:, :, None], torch.stack(others, dim=-1)], dim=2)


def first_that_fits(
    places: Float[Tensor, "batch slot try 2"],
    present: Bool[Tensor, "batch slot"],
    conflict: Conflict,
) -> tuple[Float[Tensor, "batch slot 2"], Bool[Tensor, "batch slot"]]:
    """Places things one after the other, each at its first place without a conflict.

    Args:
        places: The places to try.
        present: False for an empty slot, which is in nobody's way.
        conflict: Asked about each slot once, in order.

    Returns:
        Places, and which things found one; True for empty slots.
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


def say_left_out(wanted: Bool[Tensor, "batch slot"], there: Bool[Tensor, "batch slot"]) -> None:
    """Warns once if a large share of the things is left out. It reads values, so it is not for a GPU.

    Args:
        wanted: Which slots should hold a thing.
        there: Which of them do.
    """
    share = 1 - int(there.sum()) / max(int(wanted.sum()), 1)
    passed = [told for told in TOLD if share > told]
    if passed:
        say_once(
            f"more than {passed[0]:.0%} of the things of a batch are left out: no room beside the others, right before "
            f"the camera, or before too much of an object; draws['objects.placed'] and the like say which. Make "
            f"table.width, table.depth, camera.distance or objects.max_occlusion larger, or counts and sizes smaller."
        )
