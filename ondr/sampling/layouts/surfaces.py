"""Floor, table and room: unit squares and cubes, scaled and placed."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.sampling.camera import eye
from ondr.sampling.layouts.ground import standing
from ondr.sampling.layouts.things import Boards, Placement, Things
from ondr.settings.section import ON_GROUND

FLOOR_SIDE = 200.0
"""Side of the ground in units of `Placement.span`: with the default cameras its edge is 7 degrees below the horizon at
most."""
MARGIN = 1.0
"""Distance between a camera and the wall behind it, in units of `Placement.span`."""
UPRIGHT_ALONG_X = ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0))
"""Turns the square in z = 0 into a wall whose sides lie along x and z."""
UPRIGHT_ALONG_Y = ((0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
LEVEL = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True)
class Surfaces:
    """Poses and sizes of unit squares and cubes."""

    position: Float[Tensor, "batch surface 3"]
    sides: Float[Tensor, "batch surface 3"]
    """Lengths along their own axes, metres."""
    rotation: Float[Tensor, "batch surface 3 3"]


def surfaces(things: Things, placement: Placement) -> Surfaces:
    """Returns floor, table and room, each if the scene has slots for it."""
    makers = {"floor": floor, "table": table, "room": room}
    parts = [make(things, placement, placement.span) for name, make in makers.items() if slots_of(things, name)]
    joined = {f.name: torch.cat([getattr(part, f.name) for part in parts], dim=1) for f in fields(Surfaces)}
    return Surfaces(**joined)


def slots_of(things: Things, group: str) -> int:
    """Returns the number of slots of a group."""
    slots = things.groups[group]
    return slots.stop - slots.start


def floor(things: Things, placement: Placement, unit: Float[Tensor, "batch"]) -> Surfaces:
    """Returns the ground."""
    height = floor_height(things, placement, unit)
    side = FLOOR_SIDE * unit
    return stacked(things, [(0 * side, 0 * side, height)], [(side, side, side)], [LEVEL])


def floor_height(things: Things, placement: Placement, unit: Float[Tensor, "batch"]) -> Float[Tensor, "batch"]:
    """Returns the height of the ground, z in the world, metres."""
    below = things.draws["floor.below"] * unit
    if things.cfg.layout in ON_GROUND:
        table = things.draws["table.present"] > 0
        return torch.where(table, -below - things.draws["table.thickness"] * unit, 0.0)
    number = standing(things)
    lowest = placement.position[:, :number, 2] + things.support[:, :number, :, 2].amin(dim=2)
    lowest = torch.where(things.present[:, :number], lowest, 0.0)
    # Not above the camera, which is at the origin: the padding is a thing at height 0.
    return torch.nn.functional.pad(lowest, (0, 1)).amin(dim=1) - below


def table(things: Things, placement: Placement, unit: Float[Tensor, "batch"]) -> Surfaces:
    """Returns the table, whose top is z = 0; in the layout structured, the boards that things stand on."""
    if placement.boards is not None:
        return boards(things, placement.boards, unit)
    sides = tuple(things.draws[f"table.{side}"] * unit for side in ("width", "depth", "thickness"))
    return stacked(things, [(0 * sides[0], 0 * sides[0], -sides[2] / 2)], [sides], [LEVEL])


def boards(things: Things, boards: Boards, unit: Float[Tensor, "batch"]) -> Surfaces:
    """Returns boards one above the other; the top of the first is z = 0."""
    number = torch.arange(slots_of(things, "table"), device=unit.device, dtype=unit.dtype)
    thick = (things.draws["table.thickness"] * unit)[:, None]
    # Thin enough to leave room for what stands on the shelf below.
    thick = torch.minimum(thick, boards.free)
    z = number * boards.rise - thick / 2
    across, along = (2 * side.expand_as(z) for side in (boards.across, boards.along))
    return Surfaces(
        position=torch.stack([0 * z, 0 * z, z], dim=-1),
        sides=torch.stack([across, along, thick.expand_as(z)], dim=-1),
        rotation=things.rotation[:, things.groups["table"]],
    )


def room(things: Things, placement: Placement, unit: Float[Tensor, "batch"]) -> Surfaces:
    """Returns four walls and a ceiling, moved outwards where the camera or things would be outside."""
    number, margin = standing(things), MARGIN * unit[:, None]
    bottom = floor_height(things, placement, unit)
    there = things.present[:, :number, None]
    reach = (placement.position[:, :number].abs() + things.size[:, :number, None]) * there
    inside = torch.cat([reach, eye(placement.camera).abs()[:, None] + margin[..., None]], dim=1).amax(dim=1)
    width, depth, height = (things.draws[f"room.{side}"] * unit for side in ("width", "depth", "height"))
    x, y = torch.maximum(width / 2, inside[:, 0]), torch.maximum(depth / 2, inside[:, 1])
    top = torch.maximum(bottom + height, inside[:, 2])
    high, middle, zero = top - bottom, (top + bottom) / 2, torch.zeros_like(x)
    return stacked(
        things,
        [(zero, y, middle), (zero, -y, middle), (x, zero, middle), (-x, zero, middle), (zero, zero, top)],
        [(2 * x, high, x), (2 * x, high, x), (2 * y, high, x), (2 * y, high, x), (2 * x, 2 * y, x)],
        [UPRIGHT_ALONG_X, UPRIGHT_ALONG_X, UPRIGHT_ALONG_Y, UPRIGHT_ALONG_Y, LEVEL],
    )


def stacked(
    things: Things,
    positions: list[tuple[Tensor, ...]],
    sides: list[tuple[Tensor, ...]],
    rotations: list[tuple[tuple[float, ...], ...]],
) -> Surfaces:
    """Returns surfaces, given one coordinate of positions and sides at a time, and rotations that are constant."""
    rotation = torch.stack([_matrix(r, things.size) for r in rotations])
    return Surfaces(
        position=torch.stack([torch.stack(p, dim=-1) for p in positions], dim=1),
        sides=torch.stack([torch.stack(s, dim=-1) for s in sides], dim=1),
        rotation=rotation.expand(len(things.size), -1, 3, 3),
    )


def _matrix(rows: tuple[tuple[float, ...], ...], like: Tensor) -> Tensor:
    """Returns a constant matrix, filled on the device: an upload would make the host wait."""
    return torch.stack([torch.stack([like.new_full((), x) for x in row]) for row in rows])
