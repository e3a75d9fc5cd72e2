"""Cameras: level at the world's origin for the layouts before a camera, around the middle for those on the ground."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.draws import Draws
from ondr.geometry import direction_from_angles, intrinsics_from_fov, look_along, product, rotation_about, transform
from ondr.sampling.active import Active
from ondr.scene import Camera

LOWEST = 0.2
"""What lengths are measured by, above the ground: no camera looks from below it."""


def level_camera(draws: Draws, active: Active, size: tuple[int, int]) -> Camera:
    """Returns cameras at the world's origin that look along +y, turned up and about their axis.

    Args:
        draws: Everything drawn.
        active: What may differ from neutral.
        size: Height and width of the images.
    """
    turn = rotation_about("z", draws["camera.roll_degrees"])
    if "camera.tilt_degrees" in active:
        turn = product(turn, rotation_about("x", -draws["camera.tilt_degrees"]))
    # turn @ CAMERA_FROM_WORLD, whose columns are x, z and -y.
    x, y, z = turn.unbind(-1)
    rotation = torch.stack([x, z, -y], dim=-1)
    return Camera(intrinsics=intrinsics_of(draws, size), camera_from_world=transform(rotation, torch.zeros_like(x)))


def orbit_camera(
    draws: Draws,
    active: Active,
    placement: Literal["shell", "box"],
    unit: Float[Tensor, "batch"],
    size: tuple[int, int],
    height: Float[Tensor, "batch"] | float = 0.0,
) -> Camera:
    """Returns cameras around the world's vertical axis that look at a point near it.

    Args:
        draws: Everything drawn.
        active: What may differ from neutral.
        placement: `camera.placement`.
        unit: What lengths are drawn in, metres.
        size: Height and width of the images.
        height: Above the ground of the middle that they are around, metres.
    """
    middle = torch.stack([0 * unit, 0 * unit, 0 * unit + height], dim=-1)
    target = point(draws, "camera.target") * unit[:, None] + middle
    if placement == "box":
        position = point(draws, "camera.position") * unit[:, None] + middle
    else:
        direction = direction_from_angles(draws["camera.azimuth_degrees"], draws["camera.elevation_degrees"])
        position = target + direction * (draws["camera.distance"] * unit)[:, None]
    position = torch.cat([position[:, :2], torch.maximum(position[:, 2], LOWEST * unit)[:, None]], dim=1)
    turn = rotation_about("z", draws["camera.roll_degrees"])
    if active.any(("camera.pan_degrees", "camera.tilt_degrees")):
        up, right = (
            rotation_about("x", -draws["camera.tilt_degrees"]),
            rotation_about("y", -draws["camera.pan_degrees"]),
        )
        turn = product(turn, product(up, right))
    rotation = product(turn, look_along(target - position))
    return Camera(
        intrinsics=intrinsics_of(draws, size),
        camera_from_world=transform(rotation, -product(rotation, position[..., None])[..., 0]),
    )


def intrinsics_of(draws: Draws, size: tuple[int, int]) -> Float[Tensor, "batch 3 3"]:
    """Returns K of a batch of images of `size` (height, width)."""
    return intrinsics_from_fov(draws["camera.fov_degrees"], size)


def point(draws: Draws, name: str) -> Float[Tensor, "batch 3"]:
    """Returns a drawn point."""
    return torch.stack([draws[f"{name}.{axis}"] for axis in "xyz"], dim=-1)
