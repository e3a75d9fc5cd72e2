"""The camera of the flying layout: at the world's origin, level, looking along +y, turned about its axis."""

from __future__ import annotations

import torch

from ondr.draws import Draws
from ondr.geometry import CAMERA_FROM_WORLD, intrinsics_from_fov, rotation_about_z, transform
from ondr.scene import Camera


def sample_camera(draws: Draws, size: tuple[int, int]) -> Camera:
    """Returns the cameras of a batch of images of `size` (height, width)."""
    roll = rotation_about_z(draws["camera.roll_degrees"])
    level = torch.tensor(CAMERA_FROM_WORLD, device=roll.device)
    return Camera(
        intrinsics=intrinsics_from_fov(draws["camera.fov_degrees"], size),
        camera_from_world=transform(roll @ level, torch.zeros_like(roll[..., 0])),
    )
