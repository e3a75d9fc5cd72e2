"""The layouts by name, and the arrangement of a whole scene: the layout's things, occluders, and surfaces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from ondr.sampling.layouts.clutter import clutter
from ondr.sampling.layouts.flying import flying
from ondr.sampling.layouts.hemisphere import hemisphere
from ondr.sampling.layouts.occluders import occluders
from ondr.sampling.layouts.structured import structured
from ondr.sampling.layouts.surfaces import surfaces
from ondr.sampling.layouts.tabletop import tabletop
from ondr.sampling.layouts.things import Placement, Things
from ondr.settings import Layout

LAYOUTS: dict[Layout, Callable[[Things], Placement]] = {
    "flying": flying,
    "tabletop": tabletop,
    "hemisphere": hemisphere,
    "clutter": clutter,
    "structured": structured,
}


def arrange(things: Things) -> Placement:
    """Places everything: first what the layout places, then occluders, then floor, table and room."""
    placement = LAYOUTS[things.cfg.layout](things)
    groups = things.groups
    before, first = groups["occluders"], groups["floor"].start
    if before.stop > before.start:
        placement = with_occluders(things, placement, before)
    if things.present.shape[1] > first:
        placement = with_surfaces(things, placement, first)
    return placement


def with_occluders(things: Things, placement: Placement, slots: slice) -> Placement:
    """Returns the placement with occluders; an occluder without an object to cover is left out."""
    placed = placement.placed
    if things.groups["objects"].stop == 0:
        return replace(placement, placed=_put(placed, slots, torch.zeros_like(placed[:, slots])))
    position, sides, there = occluders(things, placement)
    return replace(
        placement,
        position=_put(placement.position, slots, position),
        enlarged=_put(placement.enlarged, slots, sides[..., None].expand(-1, -1, 3)),
        placed=_put(placed, slots, there),
    )


def with_surfaces(things: Things, placement: Placement, first: int) -> Placement:
    """Returns the placement with floor, table and room, which have the last slots."""
    made = surfaces(things, placement)
    slots = slice(first, None)
    return replace(
        placement,
        position=_put(placement.position, slots, made.position),
        enlarged=_put(placement.enlarged, slots, made.sides),
        rotation=_put(placement.rotation, slots, made.rotation),
        placed=with_boards(things, placement),
    )


def with_boards(things: Things, placement: Placement) -> Tensor:
    """Returns `placed` with as many tables as the layout wants boards."""
    if placement.boards is None:
        return placement.placed
    slots = things.groups["table"]
    number = torch.arange(slots.stop - slots.start, device=things.size.device)
    return _put(placement.placed, slots, number < placement.boards.number)


def _put(values: Tensor, slots: slice, new: Tensor) -> Tensor:
    """Returns `values` with `new` in some slots."""
    return torch.cat([values[:, : slots.start], new, values[:, slots.start + new.shape[1] :]], dim=1)
