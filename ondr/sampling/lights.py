"""Point and directional lights around the scene, and ambient light."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.draws import Draws
from ondr.geometry import direction_from_angles
from ondr.scene import Lights, Poses

EMPTY_RADIUS_METRES = 1.0  # An image without any object still has lights; nothing shows where.


def scene_bounds(
    poses: Poses, size_metres: Float[Tensor, "batch slot"]
) -> tuple[Float[Tensor, "batch 3"], Float[Tensor, "batch"]]:
    """Returns a sphere in the world around everything that is there: centre and radius in metres."""
    present = (poses.mesh >= 0).to(size_metres.dtype)
    number = present.sum(1).clamp_min(1)
    center = (poses.translation * present[..., None]).sum(1) / number[:, None]
    reach = (poses.translation - center[:, None]).norm(dim=-1) + size_metres / 2
    radius = (reach * present).amax(1) if reach.shape[1] else center[:, 0] * 0
    return center, torch.where(radius > 0, radius, EMPTY_RADIUS_METRES)


def sample_lights(draws: Draws, poses: Poses, size_metres: Float[Tensor, "batch slot"]) -> Lights:
    """Returns the lights of a batch; those beyond `lights.count` are black."""
    center, radius = scene_bounds(poses, size_metres)
    direction = direction_from_angles(draws["lights.azimuth_degrees"], draws["lights.elevation_degrees"])
    distance = draws["lights.distance"] * radius[:, None]
    point = 1 - draws["lights.directional"][..., None]
    position = torch.where(point > 0, center[:, None] + direction * distance[..., None], direction)
    number = torch.arange(distance.shape[1], device=distance.device)
    present = (number < draws["lights.count"][:, None])[..., None]
    tint = torch.stack([draws[f"lights.color.{c}"] for c in "rgb"], dim=-1)
    return Lights(
        position=torch.cat([position, point], dim=-1),
        color=tint * draws["lights.intensity"][..., None] * present,
        reference_distance=distance,
        ambient=draws["lights.ambient"][:, None].expand(-1, 3),
    )
