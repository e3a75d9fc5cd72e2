"""Point and directional lights around the scene, ambient, sky and panorama light, and the first light's shadow."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.assets.bank import Assets
from ondr.draws import Draws, vector
from ondr.geometry import direction_from_angles
from ondr.harmonics import turned
from ondr.sampling.active import Active
from ondr.sampling.options import no_panoramas
from ondr.scene import Lights, Poses
from ondr.temperature import tint

EMPTY_RADIUS_METRES = 1.0
"""Radius of a scene without things. It still has lights, and nothing shows where they are."""


def scene_bounds(
    poses: Poses, size_metres: Float[Tensor, "batch slot"], lit: slice
) -> tuple[Float[Tensor, "batch 3"], Float[Tensor, "batch"]]:
    """Returns a sphere around all things in the slots `lit`: centre in the world and radius, metres."""
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
    draws: Draws,
    poses: Poses,
    size_metres: Float[Tensor, "batch slot"],
    assets: Assets,
    groups: Mapping[str, slice],
    active: Active,
) -> Lights:
    """Returns the lights of a batch; slots beyond `lights.count` are black.

    Args:
        draws: Everything drawn.
        poses: Where things are.
        size_metres: Their longest sides.
        assets: Their panoramas are read.
        groups: `cfg.groups`. Lights surround objects, distractors and context, but not walls and ground.
        active: Which quantities may differ from neutral.

    Raises:
        ConfigError: Panoramas are to give light, and there are none.
    """
    lit = slice(0, groups["context"].stop)
    center, radius = scene_bounds(poses, size_metres, lit)
    direction = direction_from_angles(draws["lights.azimuth_degrees"], draws["lights.elevation_degrees"])
    distance = draws["lights.distance"] * radius[:, None]
    point = 1 - draws["lights.directional"][..., None]
    position = torch.where(point > 0, center[:, None] + direction * distance[..., None], direction)
    ambient, upward = sample_sky(draws, active)
    shadows = "lights.shadow_strength" in active
    return Lights(
        position=torch.cat([position, point], dim=-1),
        color=sample_colors(draws, active),
        reference_distance=distance,
        ambient=ambient,
        upward=upward,
        **sample_environment(draws, assets, active),
        shadow_strength=draws["lights.shadow_strength"] if shadows else None,
        shadow_softness=draws["lights.shadow_softness"] if shadows else None,
    )


def sample_colors(draws: Draws, active: Active) -> Float[Tensor, "batch light 3"]:
    """Returns the lights' irradiance at the scene's centre."""
    intensity = draws["lights.intensity"]
    number = torch.arange(intensity.shape[1], device=intensity.device)
    present = (number < draws["lights.count"][:, None])[..., None]
    factors = vector(draws, "lights.color", "rgb")
    if "lights.temperature_kelvin" in active:
        factors = factors * tint(draws["lights.temperature_kelvin"])
    return factors * intensity[..., None] * present


def sample_sky(draws: Draws, active: Active) -> tuple[Float[Tensor, "batch 3"], Float[Tensor, "batch 3"] | None]:
    """Returns the light on a surface that faces sideways, and what it gains by facing up; None if it never gains.

    A share (1 + cos a) / 2 of what a surface sees is sky, where a is the angle between its normal and the vertical; the
    rest is ground.
    """
    ambient = draws["lights.ambient"][:, None].expand(-1, 3)
    if not active.any(["lights.sky.strength", "lights.ground.strength"]):
        return ambient, None
    sky, ground = (_glow(draws, f"lights.{half}") for half in ("sky", "ground"))
    return ambient + (sky + ground) / 2, (sky - ground) / 2


def _glow(draws: Draws, name: str) -> Float[Tensor, "batch 3"]:
    return vector(draws, f"{name}.color", "rgb") * draws[f"{name}.strength"][:, None]


def sample_environment(draws: Draws, assets: Assets, active: Active) -> dict[str, Tensor]:
    """Returns the light from panoramas and what surfaces mirror of it, as fields of `Lights`; no fields if no image of
    the stream has any.

    Raises:
        ConfigError: There are no panoramas.
    """
    if "lights.environment" not in active:
        return {}
    harmonics, scale = assets.panorama_harmonics, assets.panorama_scale
    if harmonics is None or scale is None:
        raise no_panoramas("a moved law or an override")
    chosen, strength = draws["background.panorama"].long(), draws["lights.environment"]
    yaw = draws["background.panorama_yaw_degrees"]
    return {
        "harmonics": turned(harmonics[chosen], yaw) * strength[:, None, None],
        "environment": (chosen + assets.panoramas.start).to(torch.int32),
        "environment_radiance": scale[chosen] * strength,
        "environment_yaw_degrees": yaw,
    }
