"""Occluders: things between the camera and an object that cover a drawn share of the object's box."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ondr.sampling.camera import to_camera, to_world
from ondr.sampling.layouts.image import Boxes, behind, boxes_at, in_camera_axes, overlap
from ondr.sampling.layouts.things import Placement, Things
from ondr.scene import Camera

HALVINGS = 16
"""Bisection steps for shift and size: to 1/65,000 of the first interval."""
LARGEST = 8.0
"""Largest factor by which an occluder grows to cover enough: a thin one would become a wall."""
LEAST_DEPTH = 1e-3
"""Least depth of an object that can have an occluder, in median sizes of the objects."""


@dataclass(frozen=True)
class Occluders:
    """Candidate occluders, whose sizes and places are still to be found."""

    camera: Camera
    offsets: Float[Tensor, "batch occluder support 3"]
    """Support points relative to their centres, along the camera's axes, for a longest side of 1 m."""
    depth: Float[Tensor, "batch occluder"]
    """Depths of their centres, metres."""

    def boxes(self, size: Float[Tensor, "batch occluder"], pixels: Float[Tensor, "batch occluder 2"]) -> Boxes:
        """Returns their boxes in the image.

        Args:
            size: Longest sides, metres.
            pixels: Places of their centres in the image.
        """
        center = behind(self.camera, pixels, self.depth)
        return boxes_at(self.camera, self.offsets * size[..., None, None], center)


def occluders(
    things: Things, placement: Placement
) -> tuple[Float[Tensor, "batch occluder 3"], Float[Tensor, "batch occluder"], Bool[Tensor, "batch occluder"]]:
    """Returns positions of occluders, their longest sides in metres, and whether they have an object to cover.

    Occluder k covers object k modulo the number of objects; cover is measured by boxes in the image.

    Args:
        things: Things with at least one slot for objects.
        placement: The placement of everything else.
    """
    there, target, longest = targets(things, placement)
    camera, draws = placement.camera, things.draws
    depth = target.depth * draws["occluders.depth"]
    offsets = in_camera_axes(camera, things.support[:, things.groups["occluders"]])
    mine = Occluders(camera, offsets, depth)
    needed = draws["occluders.cover"] * target.sides.prod(dim=-1)
    size = large_enough(mine, draws["occluders.size"] * longest * depth / target.depth, target, needed)
    angle = torch.deg2rad(draws["occluders.side_degrees"])
    direction = torch.stack([torch.cos(angle), torch.sin(angle)], dim=-1)
    # Centre box on box: the middle of a box is not where the thing's centre appears.
    start = 2 * target.middle - mine.boxes(size, target.middle).middle
    first = mine.boxes(size, start)

    def covers_too_much(shift: Tensor) -> Tensor:
        return overlap(mine.boxes(size, start + direction * shift[..., None]), target) > needed

    far = (first.sides + target.sides).norm(dim=-1)
    shift = last_at_which(covers_too_much, torch.zeros_like(far), far)
    return to_world(camera, behind(camera, start + direction * shift[..., None], depth)), size, there


def targets(things: Things, placement: Placement) -> tuple[Bool[Tensor, "batch occluder"], Boxes, Tensor]:
    """Returns, for each occluder, whether it has an object, that object's box, and its longest side in metres."""
    objects, slots = things.groups["objects"], things.draws["occluders.cover"].shape[1]
    count = things.draws["objects.count"][:, None]
    index = torch.arange(slots, device=count.device) % count.clamp_min(1)
    things = things.turned(placement.rotation)
    camera, nearest = placement.camera, LEAST_DEPTH * things.unit
    center = to_camera(camera, placement.position[:, objects])
    there = (things.present & placement.placed)[:, objects] & (center[..., 2] > nearest)
    center = torch.cat([center[..., :2], center[..., 2:].clamp_min(nearest)], dim=-1)
    boxes = boxes_at(camera, in_camera_axes(camera, things.support[:, objects]), center)
    low, high = (torch.gather(v, 1, index[..., None].expand(*index.shape, 2)) for v in (boxes.low, boxes.high))
    there, depth, longest = (torch.gather(v, 1, index) for v in (there, boxes.depth, things.size[:, objects]))
    return there, Boxes(low, high, depth), longest


def large_enough(
    occluders: Occluders, size: Float[Tensor, "batch occluder"], target: Boxes, needed: Float[Tensor, "batch occluder"]
) -> Float[Tensor, "batch occluder"]:
    """Returns the sizes, enlarged up to `LARGEST` times where the box could not cover the needed area.

    Args:
        occluders: The occluders.
        size: Longest sides as drawn.
        target: The boxes to cover.
        needed: Area to cover, pixels.
    """

    def too_small(size: Tensor) -> Tensor:
        sides = occluders.boxes(size, target.middle).sides
        return torch.minimum(sides, target.sides).prod(dim=-1) < needed

    return torch.where(too_small(size), last_at_which(too_small, size, size * LARGEST), size)


def last_at_which(
    holds: Callable[[Tensor], Tensor], low: Float[Tensor, "batch some"], high: Float[Tensor, "batch some"]
) -> Float[Tensor, "batch some"]:
    """Returns by bisection the value between `low` and `high` up to which something holds; `low` if it never does."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        held = holds(middle)
        low, high = torch.where(held, middle, low), torch.where(held, high, middle)
    return (low + high) / 2
