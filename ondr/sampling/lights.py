"""Point and directional lights around the scene, and ambient light."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.draws import Draws
from ondr.geometry import direction_from_angles
from ondr.sampling.active import Active
from ondr.scene import Lights, Poses

EMPTY_RADIUS_METRES = 1.0  # An image without any object still has lights; nothing shows where.


def scene_bounds(
    poses: Poses, size_metres: Float[Tensor, "batch slot"], lit: slice
) -> tuple[Float[Tensor, "batch 3"], Float[Tensor, "batch"]]:
    """Returns a sphere in the world around everything that is there in some slots: centre and radius in metres."""
    present, position, size = (
        (poses.mesh >= 0)[:, lit].to(size_metres.dtype),
        poses.translation[:, lit],
        size_metres[:, lit],
    )
    number = present.sum(1).clamp_min(1)
    center = (position * present[..., None]).sum(1) / number[:, None]
    reach = (position - center[:, None]).norm(dim=-1) + size / 2
    radius = (reach * present).amax(1) if reach.shape[1] else center[:, 0] * 0
    return center, torch.where(radius > 0, radius, EMPTY_RADIUS_METRES)


def sample_lights(
    draws: Draws, poses: Poses, size_metres: Float[Tensor, "batch slot"], groups: Mapping[str, slice], active: Active
) -> Lights:
    """Returns the lights of a batch; those beyond `lights.count` are black.

    Args:
        draws: Everything drawn.
        poses: Where things are.
        size_metres: Their longest sides.
        groups: `cfg.groups`. Lights lie around objects, distractors and context; not around walls or the ground.
        active: What may differ from neutral.
    """
    lit = slice(0, groups["context"].stop)
    center, radius = scene_bounds(poses, size_metres, lit)
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
