"""Free in front of the camera: each thing where the draws say in the image, as far away as its screen size asks for."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ondr.sampling.camera import level_camera
from ondr.sampling.layouts.image import unprojected
from ondr.sampling.layouts.occlusion import Objects, Squares
from ondr.sampling.layouts.room import first_that_fits, tries
from ondr.sampling.layouts.things import Placement, Things
from ondr.scene import Camera

FREE = ("objects", "distractors", "context")
"""The groups that are placed so, in the order of their slots."""


def flying(things: Things) -> Placement:
    """Places objects, distractors and context freely in front of the camera."""
    camera = level_camera(things.draws, things.active, things.image_size)
    place, depth = places_in_image(things), depths(things, camera)
    rest = things.present.shape[1] - depth.shape[1]
    placed = None
    if things.cfg.objects.max_occlusion < 1:
        place, found = out_of_the_way(things, place, depth)
        placed = torch.nn.functional.pad(found, (0, rest), value=True)
    free = unprojected(camera, things.image_size, place[..., 0], place[..., 1], depth)
    return Placement(camera, torch.cat([free, things.zeros(rest)], dim=1), placed)


def out_of_the_way(
    things: Things, place: Float[Tensor, "batch free 2"], depth: Float[Tensor, "batch free"]
) -> tuple[Float[Tensor, "batch free 2"], Bool[Tensor, "batch free"]]:
    """Moves what would hide too much of an object to the first of some other places where it does not.

    Returns:
        Places in the image, and which things found one.
    """
    number, objects = depth.shape[1], things.groups["objects"].stop
    height, width = things.image_size
    image = torch.stack([place.new_full((), width), place.new_full((), height)])
    side = things.every("screen_size", FREE) * min(height, width)
    first = Squares(place[:, :objects] * image, side[:, :objects], depth[:, :objects])
    of_interest = Objects(first, things.present[:, :objects], things.cfg.objects.max_occlusion)

    def conflict(slot: int, tried: Tensor, chosen: Tensor, kept: Tensor) -> Tensor:
        if slot < objects:
            return torch.zeros_like(tried[..., 0], dtype=torch.bool)
        mine = Squares(tried * image, *(v[:, slot, None].expand_as(tried[..., 0]) for v in (side, depth)))
        others = Squares(chosen[:, objects:] * image, side[:, objects:slot], depth[:, objects:slot])
        return of_interest.too_much(mine, others, kept[:, objects:])

    return first_that_fits(tries(place), things.present[:, :number], conflict)


def depths(things: Things, camera: Camera) -> Float[Tensor, "batch free"]:
    """Returns the distances of what flies along the optical axis, metres."""
    focal = camera.intrinsics[:, None, 0, 0].abs()
    share = things.every("screen_size", FREE)
    return things.size[:, : share.shape[1]] * focal / (share * min(things.image_size))


def places_in_image(things: Things) -> Float[Tensor, "batch free 2"]:
    """Returns where the centres appear, shares of the image's width and height.

    An object that is to be cut moves to the nearest border, by less than half its size in or out.
    """
    x, y = things.every("position.x", FREE), things.every("position.y", FREE)
    if "objects.cut" not in things.active:
        return torch.stack([x, y], dim=-1)
    cut = torch.nn.functional.pad(things.draws["objects.cut"] > 0, (0, x.shape[1] - things.groups["objects"].stop))
    height, width = things.image_size
    side = things.every("screen_size", FREE) * min(height, width)
    to_side = (torch.minimum(x, 1 - x) * width) < (torch.minimum(y, 1 - y) * height)
    x = torch.where(cut & to_side, at_border(x, side / width), x)
    return torch.stack([x, torch.where(cut & ~to_side, at_border(y, side / height), y)], dim=-1)


def at_border(share: Tensor, size: Tensor) -> Tensor:
    """Returns places whose distance from the nearer border is below a third of the size, in the order of the places."""
    border = (share > 0.5).to(share.dtype)
    return border + (share.clamp(0, 1) - 0.5) * (2 / 3) * size
