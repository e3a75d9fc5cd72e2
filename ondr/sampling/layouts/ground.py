"""Things that stand on the plane z = 0: heights of centres, footprints, and free places."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ondr.sampling.camera import eye, orbit_camera, to_camera
from ondr.sampling.layouts.free_places import Conflict, first_that_fits, tries
from ondr.sampling.layouts.image import Boxes, boxes_at, in_camera_axes
from ondr.sampling.layouts.occlusion import Hiding, Seen, either
from ondr.sampling.layouts.things import Placement, Things
from ondr.scene import Camera

STANDING = ("objects", "distractors", "context")
"""The groups that stand on the ground, in the order of their slots."""
CLEAR = 0.25
"""Least distance of things from the camera, as a share of the camera's distance from the middle: nearer ones would
fill the image."""


def standing(things: Things) -> int:
    """Returns the number of slots whose things stand on the ground."""
    return things.groups[STANDING[-1]].stop


def height_of_centers(things: Things) -> Float[Tensor, "batch standing"]:
    """Returns the height of each thing's centre when its lowest point touches the ground, metres."""
    return -things.support[:, : standing(things), :, 2].amin(dim=2)


def footprints(things: Things) -> Float[Tensor, "batch standing"]:
    """Returns the radius of the circle around each thing's centre that contains it seen from above, metres."""
    return things.support[:, : standing(things), :, :2].norm(dim=-1).amax(dim=2)


def camera_around(things: Things, unit: Float[Tensor, "batch"], height: Float[Tensor, "batch"] | float = 0.0) -> Camera:
    """Returns the cameras of the layouts on the ground; `unit` and `height` as for `orbit_camera`."""
    cfg = things.cfg
    return orbit_camera(things.draws, things.active, cfg, unit, height)


@dataclass(frozen=True)
class Ground:
    """Things to be placed on the ground, and the camera that sees them."""

    things: Things
    camera: Camera
    height: Float[Tensor, "batch standing"]
    """Heights of their centres, metres."""
    limit: float
    """Largest share of an object's box that distractors and context may cover."""

    def fitting(
        self, places: Float[Tensor, "batch standing try 2"], *more: Conflict, held: int = 0
    ) -> tuple[Float[Tensor, "batch standing 2"], Bool[Tensor, "batch standing"]]:
        """Returns for each thing the first of its places without a conflict, and whether there is one.

        Args:
            places: The places to try, metres.
            held: Number of first slots that may be near the camera, since they stay where they are.
            more: Conflicts to avoid besides being too near the camera or hiding objects.
        """
        conflicts = [*more, self.too_near(held)]
        if self.limit < 1:
            conflicts.append(Hiding(self.seen(), self.things.groups["objects"].stop, self.limit))
        return first_that_fits(places, self.things.present[:, : standing(self.things)], either(*conflicts))

    def too_near(self, held: int) -> Conflict:
        """Returns the conflict with the camera: nothing may be around it or right in front of it."""
        reach = self.things.support[:, : standing(self.things)].norm(dim=-1).amax(dim=2)
        position = eye(self.camera)
        free = CLEAR * position.norm(dim=-1, keepdim=True)

        def conflict(slot: int, tried: Tensor, chosen: Tensor, kept: Tensor) -> Bool[Tensor, "batch try"]:
            if slot < held:
                return torch.zeros_like(tried[..., 0], dtype=torch.bool)
            away = self._world(slice(slot, slot + 1), tried) - position[:, None]
            return away.norm(dim=-1) < reach[:, slot, None] + free

        return conflict

    def seen(self) -> Seen:
        """Returns the function from places on the ground to boxes in the image."""
        offsets = in_camera_axes(self.camera, self.things.support[:, : standing(self.things)])

        def boxes(slots: slice, place: Tensor) -> Boxes:
            return boxes_at(self.camera, offsets[:, slots], to_camera(self.camera, self._world(slots, place)))

        return boxes

    def _world(self, slots: slice, place: Float[Tensor, "batch some 2"]) -> Float[Tensor, "batch some 3"]:
        z = self.height[:, slots].expand(place.shape[:2])
        return torch.cat([place, z[..., None]], dim=-1)

    def placement(
        self, place: Float[Tensor, "batch standing 2"], found: Bool[Tensor, "batch standing"], span: Tensor
    ) -> Placement:
        """Returns the placement of things at their places.

        Args:
            place: Places on the ground, metres.
            found: Which things have one.
            span: `Placement.span`.
        """
        rest = self.things.present.shape[1] - standing(self.things)
        position = torch.cat([self._world(slice(None), place), self.things.zeros(rest)], dim=1)
        placed = torch.nn.functional.pad(found, (0, rest), value=True)
        return replace(Placement.of(self.things, self.camera, position), placed=placed, span=span)


def spread_out(
    ground: Ground, half_extent: Float[Tensor, "batch 2"], held: int = 0
) -> tuple[Float[Tensor, "batch standing 2"], Bool[Tensor, "batch standing"]]:
    """Spreads things over a rectangle around the origin without overlapping footprints.

    Args:
        ground: The things; their drawn places, shares of the rectangle, are tried first.
        half_extent: Half of the rectangle's sides along x and y, metres. Footprints that fit stay inside.
        held: Number of first slots that stand at the origin.

    Returns:
        Places in metres, and which things found one.
    """
    things = ground.things
    radius = footprints(things)
    free = (half_extent[:, None] - radius[..., None]).clamp_min(0)
    drawn = torch.stack([things.every(f"place.{axis}", STANDING) for axis in "xy"], dim=-1)
    places = (2 * tries(drawn) - 1) * free[:, :, None]
    places = torch.cat([places[:, :held] * 0, places[:, held:]], dim=1)

    def touching(slot: int, tried: Tensor, chosen: Tensor, kept: Tensor) -> Bool[Tensor, "batch try"]:
        apart = (tried[:, :, None] - chosen[:, None]).norm(dim=-1)
        within = apart < (radius[:, slot : slot + 1] + radius[:, :slot])[:, None]
        return (within & kept[:, None]).any(dim=2)

    return ground.fitting(places, touching, held=held)
