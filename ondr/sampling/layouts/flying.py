"""Things that float in front of the camera: the draws give the place in the image, the screen size the distance."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ondr.sampling.camera import level_camera, to_world
from ondr.sampling.layouts.free_places import first_that_fits, tries
from ondr.sampling.layouts.image import Boxes, behind, boxes_at, in_camera_axes
from ondr.sampling.layouts.occlusion import Hiding
from ondr.sampling.layouts.things import Placement, Things
from ondr.scene import Camera

FREE = ("objects", "distractors", "context")
"""The groups that this layout places, in the order of their slots."""
INSIDE = (0.2, 0.8)
"""Least and largest share of a cut object's box inside the image, along the axis that is cut."""
ITERATIONS = 3
"""Fixed-point iterations for the place: the box changes a little as the thing moves, because it has depth."""


def flying(things: Things) -> Placement:
    """Places objects, distractors and context freely in front of the camera."""
    camera = level_camera(things.draws, things.active, things.cfg)
    depth = depths(things, camera)
    place, found = places_in_image(things, camera, depth), torch.ones_like(depth, dtype=torch.bool)
    if things.cfg.objects.max_occlusion < 1:
        place, found = out_of_the_way(things, camera, place, depth)
    rest = things.present.shape[1] - depth.shape[1]
    free = to_world(camera, behind(camera, place * image_of(things), depth))
    placement = Placement.of(things, camera, torch.cat([free, things.zeros(rest)], dim=1))
    return replace(placement, placed=torch.nn.functional.pad(found, (0, rest), value=True))


def out_of_the_way(
    things: Things, camera: Camera, place: Float[Tensor, "batch free 2"], depth: Float[Tensor, "batch free"]
) -> tuple[Float[Tensor, "batch free 2"], Bool[Tensor, "batch free"]]:
    """Moves each thing that would hide too much of an object to the first tried place where it does not.

    Returns:
        Places in the image, and which things found one.
    """
    number, image = depth.shape[1], image_of(things)
    offsets = in_camera_axes(camera, things.support[:, :number])

    def seen(slots: slice, tried: Tensor) -> Boxes:
        mine = behind(camera, tried * image, depth[:, slots].expand(tried.shape[:2]))
        return boxes_at(camera, offsets[:, slots], mine)

    conflict = Hiding(seen, things.groups["objects"].stop, things.cfg.objects.max_occlusion)
    return first_that_fits(tries(place), things.present[:, :number], conflict)


def depths(things: Things, camera: Camera) -> Float[Tensor, "batch free"]:
    """Returns the depths of objects, distractors and context, metres along the optical axis."""
    focal = camera.intrinsics[:, None, 0, 0].abs()
    share = things.every("screen_size", FREE)
    return things.size[:, : share.shape[1]] * focal / (share * min(things.image_size))


def places_in_image(
    things: Things, camera: Camera, depth: Float[Tensor, "batch free"]
) -> Float[Tensor, "batch free 2"]:
    """Returns the places of centres in the image, as shares of its width and height.

    An object that is to be cut is moved to the nearest border, so that the border runs through its box.
    """
    place = torch.stack([things.every(f"position.{axis}", FREE) for axis in "xy"], dim=-1)
    if "objects.cut" not in things.active:
        return place
    objects, image = things.groups["objects"].stop, image_of(things)
    mine = place[:, :objects]
    to_border = torch.minimum(mine, 1 - mine) * image
    nearest = torch.stack([to_border[..., 0] < to_border[..., 1], to_border[..., 0] >= to_border[..., 1]], dim=-1)
    wanted = (things.draws["objects.cut"] > 0)[..., None] & nearest
    offsets = in_camera_axes(camera, things.support[:, :objects])
    moved = mine
    for _ in range(ITERATIONS):
        boxes = boxes_at(camera, offsets, behind(camera, moved * image, depth[:, :objects]))
        reach = torch.stack([boxes.low / image - moved, boxes.high / image - moved], dim=-2)
        moved = torch.where(wanted, at_border(mine, reach), mine)
    return torch.cat([moved, place[:, objects:]], dim=1)


def at_border(place: Float[Tensor, "*some 2"], reach: Float[Tensor, "*some 2 2"]) -> Float[Tensor, "*some 2"]:
    """Returns, for each axis, a place at which the nearer border cuts a box. The nearer to the middle it was drawn, the
    more of the box stays inside.

    Args:
        place: As drawn, as shares of the image's sides.
        reach: The box's least and largest coordinates relative to the place, in the same shares.
    """
    low, high = reach[..., 0, :], reach[..., 1, :]
    least, most = INSIDE
    # A place from the border (0) to the middle (1/2) maps to the least to the largest share inside.
    inside = least + (most - least) * 2 * torch.minimum(place, 1 - place).clamp(0, 0.5)
    return torch.where(place <= 0.5, inside * (high - low) - high, 1 - inside * (high - low) - low)


def image_of(things: Things) -> Float[Tensor, "2"]:
    """Returns the image's width and height."""
    height, width = things.image_size
    return torch.stack([things.size.new_full((), width), things.size.new_full((), height)])
