"""What stands on the plane z = 0: how high its centre is, how far it reaches, and where it is in nobody's way."""

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
"""Of the camera's distance from the middle: what is nearer to the camera than that would fill the image."""


def standing(things: Things) -> int:
    """Returns how many slots stand on the ground."""
    return things.groups[STANDING[-1]].stop


def height_of_centers(things: Things) -> Float[Tensor, "batch standing"]:
    """Returns how high above the ground each thing's centre is when its lowest point touches it, metres."""
    return -things.support[:, : standing(things), :, 2].amin(dim=2)


def footprints(things: Things) -> Float[Tensor, "batch standing"]:
    """Returns the radius of a circle around each thing's centre that holds all of it, seen from above, metres."""
    return things.support[:, : standing(things), :, :2].norm(dim=-1).amax(dim=2)


def camera_around(things: Things, unit: Float[Tensor, "batch"], height: Float[Tensor, "batch"] | float = 0.0) -> Camera:
    """Returns the cameras of the layouts on the ground; `unit` and `height` as for `orbit_camera`."""
    cfg = things.cfg
    return orbit_camera(things.draws, things.active, cfg, unit, height)


@dataclass(frozen=True)
class Ground:
    """Things that are to stand somewhere, before a camera."""

    things: Things
    camera: Camera
    height: Float[Tensor, "batch standing"]
    """Of their centres, metres."""
    limit: float
    """The largest share of an object's box that what is no object may cover."""

    def fitting(
        self, places: Float[Tensor, "batch standing try 2"], *more: Conflict, held: int = 0
    ) -> tuple[Float[Tensor, "batch standing 2"], Bool[Tensor, "batch standing"]]:
        """Returns, for each thing, the first of its places where it is in nobody's way, and whether it found one.

        Args:
            places: Metres.
            held: How many of the first slots stay where they are, however near to the camera.
            more: Conflicts besides those with the view.
        """
        conflicts = [*more, self.too_near(held)]
        if self.limit < 1:
            conflicts.append(Hiding(self.seen(), self.things.groups["objects"].stop, self.limit))
        return first_that_fits(places, self.things.present[:, : standing(self.things)], either(*conflicts))

    def too_near(self, held: int) -> Conflict:
        """Returns the conflict with the camera: nothing is around it, or right before it."""
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
        """Returns how things at places on the ground appear."""
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
        """Returns the placement of things at some places.

        Args:
            place: Metres.
            found: Which of them have one.
            span: `Placement.span`.
        """
        rest = self.things.present.shape[1] - standing(self.things)
        position = torch.cat([self._world(slice(None), place), self.things.zeros(rest)], dim=1)
        placed = torch.nn.functional.pad(found, (0, rest), value=True)
        return replace(Placement.of(self.things, self.camera, position), placed=placed, span=span)


def spread_out(
    ground: Ground, half_extent: Float[Tensor, "batch 2"], held: int = 0
) -> tuple[Float[Tensor, "batch standing 2"], Bool[Tensor, "batch standing"]]:
    """Spreads things over a rectangle around the origin, none in another's footprint.

    Args:
        ground: What is to stand; the drawn places, shares of the rectangle, are tried first.
        half_extent: Half of the rectangle's sides along x and y, metres. No footprint leaves it, as long as it fits.
        held: How many of the first slots stand at the origin.

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
