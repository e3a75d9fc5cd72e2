"""A small scene grammar: global parameters, then lanes, rows or shelves, then things along them and context beside."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ondr.geometry import product, rotation_about
from ondr.sampling.layouts.arcs import bent
from ondr.sampling.layouts.ground import STANDING, Ground, camera_around, footprints, height_of_centers, standing
from ondr.sampling.layouts.things import Boards, Placement, Things
from ondr.settings.structured import KINDS

LANES, ROWS, SHELVES = range(len(KINDS))
FORWARD_DEGREES = 90.0
"""Turns a file's +x, the usual forward axis of cars, to the direction of the lanes, the world's +y."""
TIGHTEST = 0.4
"""Largest distance of things from the middle lane as a share of its radius, so that inner lanes stay long enough."""
LONGEST_RADIANS = 1.0
"""Largest half of the angle through which lanes bend: they never close to a circle."""


@dataclass(frozen=True)
class Band:
    """Spacing of the things in lanes, or of context, `[batch, 1]` in metres."""

    room: Float[Tensor, "batch 1"]
    """Side of the square around the largest footprint."""
    pitch: Float[Tensor, "batch 1"]
    """Distance from one thing to the next in a lane."""


@dataclass(frozen=True)
class Grammar:
    """Global parameters of an image, `[batch, 1]` in metres."""

    kind: Tensor
    number: Float[Tensor, "batch 1"]
    """Number of lanes, rows or shelves."""
    inner: Band
    """Spacing of objects and distractors."""
    outer: Band
    """Spacing of context."""
    width: Float[Tensor, "batch 1"]
    """Distance between the middles of two lanes."""
    tall: Float[Tensor, "batch 1"]
    """Height of the tallest thing in a lane."""
    shelf: Float[Tensor, "batch 1"]
    """Height from one shelf to the next; 0 for lanes and rows."""
    edge: Float[Tensor, "batch 1"]
    """Distance from the middle to the row of context on either side."""
    reach: Float[Tensor, "batch 1"]
    """Largest distance from the middle to the centre of a thing."""
    length: Float[Tensor, "batch 1"]
    """Half the length of the longest lane, as far as things stand in it."""
    curvature: Float[Tensor, "batch 1"]
    """1 / radius, per metre; 0 for shelves."""


@dataclass(frozen=True)
class Places:
    """Places relative to straight lanes, `[batch, some]`, metres and degrees."""

    along: Tensor
    across: Tensor
    up: Tensor
    heading: Tensor


def structured(things: Things) -> Placement:
    """Places objects and distractors along lanes, context beside; what is right in front of the camera is left out.

    The unit of the camera's lengths is the room of one thing, `Band.room`.

    Source: Prakash et al. 2019, "Structured domain randomization", section III.
    """
    grammar = grammar_of(things)
    places = placed_along(things, grammar)
    x, y, turn = bent(places.along, places.across, grammar.curvature)
    turned = rotation_about("z", FORWARD_DEGREES + places.heading - turn)
    number = standing(things)
    rotation = torch.cat([product(turned, things.rotation[:, :number]), things.rotation[:, number:]], dim=1)
    things = things.turned(rotation)
    span = grammar.inner.room[:, 0]
    camera = camera_around(things, span, (grammar.shelf * (grammar.number - 1) / 2)[:, 0])
    ground = Ground(things, camera, height_of_centers(things) + places.up, things.cfg.objects.max_occlusion)
    found = ground.fitting(torch.stack([x, y], dim=-1)[:, :, None])
    return replace(ground.placement(*found, span), boards=boards(things, grammar))


def grammar_of(things: Things) -> Grammar:
    """Returns the global parameters, the first step of the grammar."""
    drawn = {name: things.draws[f"structured.{name}"][:, None] for name in type(things.cfg.structured).model_fields}
    inside, slots = things.groups["context"].start, standing(things)
    inner, outer = (band(things, part, drawn["spacing"]) for part in (slice(0, inside), slice(inside, slots)))
    shelves = drawn["kind"] == SHELVES
    number = drawn["lanes"].to(things.size.dtype)
    width = drawn["lane_width"] * inner.room
    middle = torch.where(shelves, 0.0, (number - 1) / 2 * width)
    # Largest sideways shift, of things towards the context and of context towards the things.
    shift = (width - inner.room) / 2
    edge = middle + 2 * shift + (inner.room + outer.room) / 2 + drawn["context_offset"] * inner.room
    ahead, beside = (ranks(things.present[:, part])[1] for part in (slice(0, inside), slice(inside, slots)))
    length = torch.maximum(torch.ceil(ahead / number) * inner.pitch, torch.ceil(beside / 2) * outer.pitch) / 2
    largest = torch.minimum(TIGHTEST / (edge + shift), LONGEST_RADIANS * (1 - TIGHTEST) / length.clamp_min(1e-6))
    bend = torch.minimum(drawn["curvature"].abs() / inner.room, largest) * drawn["curvature"].sign()
    tall = tallest(things, slice(0, inside))
    return Grammar(
        kind=drawn["kind"],
        number=number,
        inner=inner,
        outer=outer,
        width=width,
        tall=tall,
        shelf=torch.where(shelves, drawn["shelf_height"] * torch.maximum(inner.room, tall), 0.0),
        edge=edge,
        reach=edge + shift,
        length=length,
        curvature=torch.where(shelves, 0.0, bend),
    )


def boards(things: Things, grammar: Grammar) -> Boards:
    """Returns a board under each shelf; for lanes and rows one board under everything, context included."""
    shelves = grammar.kind == SHELVES
    bend = grammar.curvature.abs() * (grammar.length / (1 - TIGHTEST)).square() / 2
    return Boards(
        across=torch.where(shelves, grammar.width / 2, grammar.reach + grammar.outer.room + bend),
        along=grammar.length + torch.where(shelves, 0.0, grammar.outer.room),
        rise=grammar.shelf,
        free=torch.where(shelves, grammar.shelf - grammar.tall, things.unit),
        number=torch.where(shelves, grammar.number, 1.0),
    )


def band(things: Things, part: slice, spacing: Tensor) -> Band:
    """Returns the spacing of the things in some slots; that of a thing of median size if there are none."""
    radius = footprints(things)[:, part]
    largest = torch.where(things.present[:, part], radius, 0.0)
    largest = torch.nn.functional.pad(largest, (0, 1)).amax(dim=1, keepdim=True)
    room = 2 * torch.where(largest > 0, largest, things.unit / 2)
    return Band(room, spacing * room)


def tallest(things: Things, part: slice) -> Float[Tensor, "batch 1"]:
    """Returns the height of the tallest thing in some slots, metres; 0 if there are none."""
    z = things.support[:, part, :, 2]
    height = torch.where(things.present[:, part], z.amax(dim=2) - z.amin(dim=2), 0.0)
    return torch.nn.functional.pad(height, (0, 1)).amax(dim=1, keepdim=True)


def placed_along(things: Things, grammar: Grammar) -> Places:
    """Returns the places of things in straight lanes, with their drawn shifts and turns."""
    inside, slots = things.groups["context"].start, standing(things)
    first, second = in_lanes(things.present[:, :inside], grammar), beside(things.present[:, inside:slots], grammar)
    names = ("along", "across", "up", "heading")
    joined = (torch.cat([getattr(first, n), getattr(second, n)], dim=1) for n in names)
    along, across, up, heading = joined
    forward, sideways, turn = (things.every(f"along.{n}", STANDING) for n in ("forward", "sideways", "heading_degrees"))
    free = [(b.pitch - b.room).expand(-1, n) for b, n in ((grammar.inner, inside), (grammar.outer, slots - inside))]
    along = along + forward * torch.cat(free, dim=1) / 2
    # Lanes on the inside of a bend are shorter than the middle one; things there must keep apart as well.
    along = along / (1 - grammar.curvature.abs() * grammar.reach)
    return Places(along, across + sideways * (grammar.width - grammar.inner.room) / 2, up, heading + turn)


def in_lanes(present: Bool[Tensor, "batch some"], grammar: Grammar) -> Places:
    """Returns the places of objects and distractors: dealt out to the lanes in turn, one behind the other in each."""
    number, count = ranks(present)
    lane = torch.remainder(number, grammar.number)
    place = torch.floor(number / grammar.number) - (torch.ceil(count / grammar.number) - 1) / 2
    shelves = grammar.kind == SHELVES
    across = torch.where(shelves, 0.0, (lane - (grammar.number - 1) / 2) * grammar.width)
    # Traffic keeps to the right: lanes left of the middle run along -y.
    oncoming = (grammar.kind == LANES) & (lane < torch.floor(grammar.number / 2))
    # On shelves things point across the shelf.
    heading = torch.where(shelves, 90.0, torch.where(oncoming, 180.0, 0.0))
    return Places(place * grammar.inner.pitch, across, lane * grammar.shelf, heading)


def beside(present: Bool[Tensor, "batch some"], grammar: Grammar) -> Places:
    """Returns the places of context: left and right of the lanes in turn."""
    number, count = ranks(present)
    left, index = torch.remainder(number, 2) == 0, torch.floor(number / 2)
    along = (index - (torch.ceil(count / 2) - 1) / 2) * grammar.outer.pitch
    across = torch.where(left, -grammar.edge, grammar.edge)
    return Places(along, across, along * 0, along * 0)


def ranks(present: Bool[Tensor, "batch some"]) -> tuple[Float[Tensor, "batch some"], Float[Tensor, "batch 1"]]:
    """Returns the number of present things before each slot, and in all slots."""
    so_far = torch.nn.functional.pad(present.to(torch.float32).cumsum(dim=1), (1, 0))
    return so_far[:, :-1], so_far[:, -1:]
