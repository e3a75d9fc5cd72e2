"""Occluders: things between the camera and an object, each of which covers a wanted share of that object's box."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ondr.sampling.layouts.image import in_image, unprojected
from ondr.sampling.layouts.occlusion import overlap
from ondr.sampling.layouts.things import Placement, Things

HALVINGS = 14
"""Of the shift that is looked for: to 1/16,000 of the distance at which nothing is covered."""
NEAREST = 1e-3
"""Of the objects' median size: the least depth of an object that something may stand in front of."""


def occluders(
    things: Things, placement: Placement
) -> tuple[Float[Tensor, "batch occluder 3"], Float[Tensor, "batch occluder"], Bool[Tensor, "batch occluder"]]:
    """Returns where the occluders are, their longest sides in metres, and whether they have an object to cover.

    Occluder k covers object k modulo the number of objects. Both are measured by their bounding squares in the image.

    Args:
        things: Share, size, depth and side are drawn; there is a slot for an object.
        placement: Of all else.
    """
    there, depth, middle, side = targets(things, placement)
    mine = things.draws["occluders.size"] * side
    angle = torch.deg2rad(things.draws["occluders.side_degrees"])
    direction = torch.stack([torch.cos(angle), torch.sin(angle)], dim=-1)
    shift = shift_for(things.draws["occluders.cover"], mine, side, direction)
    x, y = (middle + direction * shift[..., None]).unbind(-1)
    height, width = things.image_size
    own_depth = depth * things.draws["occluders.depth"]
    position = unprojected(placement.camera, things.image_size, x / width, y / height, own_depth)
    focal = placement.camera.intrinsics[:, None, 0, 0].abs()
    return position, mine * own_depth / focal, there


def targets(things: Things, placement: Placement) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Returns, for each occluder, whether it has an object, and that object's depth in metres, its centre and its
    longest side in pixels.
    """
    objects, slots = things.groups["objects"], things.draws["occluders.cover"].shape[1]
    count = things.draws["objects.count"][:, None]
    index = torch.arange(slots, device=count.device) % count.clamp_min(1)
    seen, depth = in_image(placement.camera, placement.position[:, objects])
    safe = depth.clamp_min(NEAREST * things.unit)
    side = things.size[:, objects] * placement.camera.intrinsics[:, None, 0, 0].abs() / safe
    there = things.present[:, objects] & (depth > NEAREST * things.unit)
    if placement.placed is not None:
        there = there & placement.placed[:, objects]
    there = torch.gather(there, 1, index)
    return there, torch.gather(safe, 1, index), _rows(seen, index), torch.gather(side, 1, index)


def _rows(values: Float[Tensor, "batch object 2"], index: Tensor) -> Float[Tensor, "batch occluder 2"]:
    return torch.gather(values, 1, index[..., None].expand(*index.shape, 2))


def shift_for(
    cover: Float[Tensor, "batch some"],
    side: Float[Tensor, "batch some"],
    other: Float[Tensor, "batch some"],
    direction: Float[Tensor, "batch some 2"],
) -> Float[Tensor, "batch some"]:
    """Returns how far apart two squares' centres are along a direction where the first covers a share of the second.

    Where the first is too small to cover that much, they are concentric.

    Args:
        cover: Share of the second square's area.
        side: Of the first square.
        other: Of the second square.
        direction: Unit, along which the first is moved.
    """
    low, high = torch.zeros_like(cover), (side + other) / 2 * math.sqrt(2)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        too_much = overlap(middle[..., None] * direction, side, other) > cover * other * other
        low, high = torch.where(too_much, middle, low), torch.where(too_much, high, middle)
    return (low + high) / 2
