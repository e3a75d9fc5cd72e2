"""On a table, or the ground: things stand beside each other, and the camera is around them."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ondr.sampling.camera import orbit_camera
from ondr.sampling.layouts.ground import height_of_centers, spread_out, standing
from ondr.sampling.layouts.things import Placement, Things
from ondr.scene import Camera


def tabletop(things: Things) -> Placement:
    """Stands objects, distractors and context on a table around the world's origin."""
    camera = camera_around(things)
    return on_ground(things, camera, *spread_out(things, camera, half_extent(things)))


def camera_around(things: Things) -> Camera:
    """Returns the cameras of the layouts on the ground."""
    cfg = things.cfg
    return orbit_camera(things.draws, things.active, cfg.camera.placement, things.unit, cfg.image_size)


def half_extent(things: Things) -> Float[Tensor, "batch 2"]:
    """Returns half of the table's sides along x and y, metres; things keep to them where there is no table as well."""
    return torch.stack([things.draws[f"table.{side}"] for side in ("width", "depth")], dim=-1) * (things.unit / 2)


def on_ground(
    things: Things,
    camera: Camera,
    place: Float[Tensor, "batch standing 2"],
    found: Bool[Tensor, "batch standing"],
) -> Placement:
    """Returns the placement of things that stand at some places of the ground."""
    rest = things.present.shape[1] - standing(things)
    position = torch.cat([torch.cat([place, height_of_centers(things)[..., None]], dim=-1), things.zeros(rest)], dim=1)
    return Placement(camera, position, placed=torch.nn.functional.pad(found, (0, rest), value=True))
