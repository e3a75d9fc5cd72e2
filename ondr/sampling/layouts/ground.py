"""What stands on the plane z = 0: how high its centre is, how far it reaches, and a place where nothing else stands."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ondr.sampling.layouts.image import in_image
from ondr.sampling.layouts.occlusion import Objects, Squares
from ondr.sampling.layouts.room import first_that_fits, tries
from ondr.sampling.layouts.things import Things
from ondr.scene import Camera

STANDING = ("objects", "distractors", "context")
"""The groups that stand on the ground, in the order of their slots."""


def height_of_centers(things: Things) -> Float[Tensor, "batch standing"]:
    """Returns how high above the ground each thing's centre is when its lowest point touches it, metres."""
    return -things.support[:, : standing(things), :, 2].amin(dim=2)


def footprints(things: Things) -> Float[Tensor, "batch standing"]:
    """Returns the radius of a circle around each thing's centre that holds all of it, seen from above, metres."""
    return things.support[:, : standing(things), :, :2].norm(dim=-1).amax(dim=2)


def standing(things: Things) -> int:
    """Returns how many slots stand on the ground."""
    return things.groups[STANDING[-1]].stop


def spread_out(
    things: Things, camera: Camera, half_extent: Float[Tensor, "batch 2"], first: Tensor | None = None
) -> tuple[Float[Tensor, "batch standing 2"], Bool[Tensor, "batch standing"]]:
    """Spreads things over a rectangle around the origin, none in another's footprint or before too much of an object.

    Args:
        things: Their drawn places, shares of the rectangle, are tried first.
        camera: From where objects are to be seen.
        half_extent: Half of the rectangle's sides along x and y, metres. No footprint leaves it, as long as it fits.
        first: Where the first slot is held, `[batch, 2]` in metres; None: it is spread out like the others.

    Returns:
        Places in metres, and which things found one.
    """
    radius, number = footprints(things), standing(things)
    free = (half_extent[:, None] - radius[..., None]).clamp_min(0)
    drawn = torch.stack([things.every(f"place.{axis}", STANDING) for axis in "xy"], dim=-1)
    places = (2 * tries(drawn) - 1) * free[:, :, None]
    if first is not None:
        places = torch.cat([first[:, None, None].expand_as(places[:, :1]), places[:, 1:]], dim=1)
    hides = hiding(things, camera) if things.cfg.objects.max_occlusion < 1 else None

    def conflict(slot: int, tried: Tensor, chosen: Tensor, kept: Tensor) -> Tensor:
        apart = (tried[:, :, None] - chosen[:, None]).norm(dim=-1)
        touching = apart < (radius[:, slot : slot + 1] + radius[:, :slot])[:, None]
        taken = (touching & kept[:, None]).any(dim=2)
        return taken if hides is None else taken | hides(slot, tried, chosen, kept)

    return first_that_fits(places, things.present[:, :number], conflict)


def hiding(things: Things, camera: Camera) -> Callable[[int, Tensor, Tensor, Tensor], Tensor]:
    """Returns a function like `conflict` of `first_that_fits`: whether a thing would hide too much of an object."""
    height, objects = height_of_centers(things), things.groups["objects"].stop
    focal = camera.intrinsics[:, None, 0, 0].abs()

    def squares(slots: slice, place: Tensor) -> Squares:
        z = height[:, slots].expand(place.shape[:2])
        center, depth = in_image(camera, torch.cat([place, z[..., None]], dim=-1))
        return Squares(center, things.size[:, slots] * focal / depth.clamp_min(1e-3 * things.unit), depth)

    def conflict(slot: int, tried: Tensor, chosen: Tensor, kept: Tensor) -> Tensor:
        if slot < objects:
            return torch.zeros_like(tried[..., 0], dtype=torch.bool)
        of_interest = Objects(
            squares(slice(0, objects), chosen[:, :objects]), kept[:, :objects], things.cfg.objects.max_occlusion
        )
        mine, others = squares(slice(slot, slot + 1), tried), squares(slice(objects, slot), chosen[:, objects:])
        return of_interest.too_much(mine, others, kept[:, objects:])

    return conflict
