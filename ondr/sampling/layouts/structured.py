"""A small grammar of scenes: a kind of structure, its lanes, things along them, and context beside them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ondr.geometry import product, rotation_about
from ondr.sampling.layouts.ground import STANDING, footprints, standing
from ondr.sampling.layouts.tabletop import camera_around, on_ground
from ondr.sampling.layouts.things import Placement, Things
from ondr.settings.structured import KINDS

LANES, ROWS, SHELVES = range(len(KINDS))


@dataclass(frozen=True)
class Lanes:
    """The global parameters of each image, metres."""

    kind: Tensor
    number: Float[Tensor, "batch 1"]
    room: Float[Tensor, "batch 1"]
    """Side of the square that holds the largest footprint."""
    width: Float[Tensor, "batch 1"]
    pitch: Float[Tensor, "batch 1"]
    """From one thing to the next in a lane."""
    curvature: Float[Tensor, "batch 1"]
    shelf: Float[Tensor, "batch 1"]
    beside: Float[Tensor, "batch 1"]
    """From the outermost lane's middle to that of the context."""


def structured(things: Things) -> Placement:
    """Stands objects and distractors along lanes, and context beside them.

    Source: Prakash et al. 2019, "Structured domain randomization", section III.
    """
    lanes = global_parameters(things)
    along, across, up, heading = places(things, lanes)
    bend = 0.5 * lanes.curvature * along * along
    flat = torch.where(lanes.kind == SHELVES, across, across + bend)
    heading = heading + torch.rad2deg(torch.atan(-lanes.curvature * along)) * (lanes.kind != SHELVES)
    found = torch.ones_like(things.present[:, : standing(things)])
    placement = on_ground(things, camera_around(things), torch.stack([flat, along], dim=-1), found)
    lifted = torch.nn.functional.pad(up, (0, things.present.shape[1] - up.shape[1]))
    position = torch.cat([placement.position[..., :2], (placement.position[..., 2] + lifted)[..., None]], dim=-1)
    turn = product(rotation_about("z", heading), things.rotation[:, : heading.shape[1]])
    rotation = torch.cat([turn, things.rotation[:, heading.shape[1] :]], dim=1)
    return Placement(placement.camera, position, placed=None, rotation=rotation)


def global_parameters(things: Things) -> Lanes:
    """Returns what holds for a whole image."""
    radius = footprints(things) * things.present[:, : standing(things)]
    room = 2 * torch.nn.functional.pad(radius, (0, 1), value=1e-3 * things.unit).amax(dim=1, keepdim=True)
    drawn = {n: things.draws[f"structured.{n}"][:, None] for n in type(things.cfg.structured).model_fields}
    return Lanes(
        kind=drawn["kind"],
        number=drawn["lanes"].to(room.dtype).round(),
        room=room,
        width=drawn["lane_width"] * room,
        pitch=drawn["spacing"] * room,
        curvature=drawn["curvature"] / room,
        shelf=drawn["shelf_height"] * room,
        beside=(drawn["context_offset"] + 1) * room,
    )


def places(things: Things, lanes: Lanes) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Returns, for each thing that stands, its place along and across the lanes and its height, metres, and the
    heading of its lane, degrees.
    """
    inside, slots = things.groups["context"].start, standing(things)
    number, count = ranks(things.present[:, :inside], things.size)
    lane = torch.remainder(number, lanes.number)
    in_lane = torch.floor(number / lanes.number)
    longest = torch.ceil(count / lanes.number)
    along = (in_lane - (longest - 1) / 2) * lanes.pitch
    across = torch.where(lanes.kind == SHELVES, 0.0, (lane - (lanes.number - 1) / 2) * lanes.width)
    up = torch.where(lanes.kind == SHELVES, lane * lanes.shelf, 0.0)
    # Traffic keeps to the right: the lanes left of the middle come towards one who looks along +y.
    oncoming = (lanes.kind == LANES) & (lane < torch.floor(lanes.number / 2))
    heading = torch.where(oncoming, 180.0, 0.0)
    sides = beside(*ranks(things.present[:, inside:slots], things.size), lanes)
    along, across, up, heading = (
        torch.cat([a, b], dim=1) for a, b in zip((along, across, up, heading), sides, strict=True)
    )
    shift = [things.every(f"along.{n}", STANDING) for n in ("forward", "sideways", "heading_degrees")]
    along = along + shift[0] * (lanes.pitch - lanes.room) / 2
    across = across + shift[1] * (lanes.width - lanes.room) / 2
    return along, across, up, heading + shift[2]


def ranks(present: Bool[Tensor, "batch some"], like: Tensor) -> tuple[Float[Tensor, "batch some"], Tensor]:
    """Returns how many things that are there come before each one, and how many there are, `[batch, 1]`."""
    so_far = present.to(like.dtype).cumsum(dim=1)
    return (so_far - 1).clamp_min(0), torch.nn.functional.pad(so_far, (1, 0))[:, -1:]


def beside(number: Tensor, count: Tensor, lanes: Lanes) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Returns the same for what stands beside the lanes, to the left and to the right in turn."""
    left, index = torch.remainder(number, 2) == 0, torch.floor(number / 2)
    edge = (lanes.number - 1) / 2 * lanes.width + lanes.beside
    along = (index - (torch.ceil(count / 2) - 1) / 2) * lanes.pitch
    return along, torch.where(left, -edge, edge), along * 0, along * 0
