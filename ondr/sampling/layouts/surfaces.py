"""The ground, the table and the room: unit squares and a unit cube, brought to their size and place."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.sampling.layouts.ground import standing
from ondr.sampling.layouts.things import Placement, Things
from ondr.settings.section import ON_GROUND

FLOOR_SIDE = 200.0
"""Median sizes of the objects: seen from where cameras are, its border is at the horizon."""
MARGIN = 1.0
"""Median sizes of the objects between a camera, or what flies, and the wall behind it."""
UPRIGHT_ALONG_X = ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0))
"""Turns a square in z = 0 into a wall whose sides lie along x and z."""
UPRIGHT_ALONG_Y = ((0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
LEVEL = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))

Surfaces = tuple[Tensor, Tensor, Tensor]
"""Position `[batch, surface, 3]`, sides in metres along their own axes `[batch, surface, 3]`, rotation
`[batch, surface, 3, 3]`."""


def surfaces(things: Things, placement: Placement) -> Surfaces:
    """Returns floor, table and room, as many of them as the scene has slots for."""
    parts = [floor(things, placement), table(things), room(things, placement)]
    names = ("floor", "table", "room")
    kept = [part for name, part in zip(names, parts, strict=True) if _slots(things, name)]
    empty = things.zeros(0), things.zeros(0), things.zeros(0)[..., None].expand(-1, -1, 3, 3)
    position, sides, rotation = zip(empty, *kept, strict=True)
    return torch.cat(position, dim=1), torch.cat(sides, dim=1), torch.cat(rotation, dim=1)


def _slots(things: Things, group: str) -> int:
    slots = things.groups[group]
    return slots.stop - slots.start


def floor(things: Things, placement: Placement) -> Surfaces:
    """Returns the ground."""
    height = floor_height(things, placement)
    side = torch.full_like(height, FLOOR_SIDE * things.unit)
    return _stack(things, [(0 * side, 0 * side, height)], [(side, side, side)], [LEVEL])


def floor_height(things: Things, placement: Placement) -> Float[Tensor, "batch"]:
    """Returns the world's z of the ground, metres."""
    below = things.draws["floor.below"] * things.unit
    if things.cfg.layout in ON_GROUND:
        table = things.draws["table.present"] > 0
        return torch.where(table, -below - things.draws["table.thickness"] * things.unit, 0.0)
    number = standing(things)
    lowest = placement.position[:, :number, 2] - things.size[:, :number] / 2
    lowest = torch.where(things.present[:, :number], lowest, 0.0)
    # Never above the camera, which is at the origin.
    return torch.nn.functional.pad(lowest, (0, 1)).amin(dim=1) - below


def table(things: Things) -> Surfaces:
    """Returns the table top, whose upper side is z = 0."""
    sides = tuple(things.draws[f"table.{side}"] * things.unit for side in ("width", "depth", "thickness"))
    return _stack(things, [(0 * sides[0], 0 * sides[0], -sides[2] / 2)], [sides], [LEVEL])


def room(things: Things, placement: Placement) -> Surfaces:
    """Returns four walls and a ceiling, moved outwards where camera or things would be outside."""
    number, margin = standing(things), MARGIN * things.unit
    bottom = floor_height(things, placement)
    there = things.present[:, :number, None]
    reach = (placement.position[:, :number].abs() + things.size[:, :number, None]) * there
    rotation, offset = placement.camera.camera_from_world[:, :3, :3], placement.camera.camera_from_world[:, :3, 3]
    camera = -(rotation * offset[..., None]).sum(1)
    inside = torch.cat([reach, camera.abs()[:, None] + margin], dim=1).amax(dim=1)
    width, depth, height = (things.draws[f"room.{side}"] * things.unit for side in ("width", "depth", "height"))
    x, y = torch.maximum(width / 2, inside[:, 0]), torch.maximum(depth / 2, inside[:, 1])
    top = torch.maximum(bottom + height, inside[:, 2])
    high, middle, zero = top - bottom, (top + bottom) / 2, torch.zeros_like(x)
    return _stack(
        things,
        [(zero, y, middle), (zero, -y, middle), (x, zero, middle), (-x, zero, middle), (zero, zero, top)],
        [(2 * x, high, x), (2 * x, high, x), (2 * y, high, x), (2 * y, high, x), (2 * x, 2 * y, x)],
        [UPRIGHT_ALONG_X, UPRIGHT_ALONG_X, UPRIGHT_ALONG_Y, UPRIGHT_ALONG_Y, LEVEL],
    )


def _stack(
    things: Things,
    positions: list[tuple[Tensor, ...]],
    sides: list[tuple[Tensor, ...]],
    rotations: list[tuple[tuple[float, ...], ...]],
) -> Surfaces:
    rotation = torch.stack([_matrix(r, things.size) for r in rotations])
    return (
        torch.stack([torch.stack(p, dim=-1) for p in positions], dim=1),
        torch.stack([torch.stack(s, dim=-1) for s in sides], dim=1),
        rotation.expand(len(things.size), -1, 3, 3),
    )


def _matrix(rows: tuple[tuple[float, ...], ...], like: Tensor) -> Tensor:
    """Returns a constant matrix, filled in on the device: copying it there would make the host wait."""
    return torch.stack([torch.stack([like.new_full((), x) for x in row]) for row in rows])
