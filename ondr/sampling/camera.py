"""Cameras. That of the layouts before a camera is at the world's origin, level, looking along +y, and turned about its
axis.
"""

from __future__ import annotations

import torch

from ondr.draws import Draws
from ondr.geometry import intrinsics_from_fov, rotation_about_z, transform
from ondr.scene import Camera


def level_camera(draws: Draws, size: tuple[int, int]) -> Camera:
    """Returns the cameras of a batch of images of `size` (height, width)."""
    roll = rotation_about_z(draws["camera.roll_degrees"])
    # roll @ CAMERA_FROM_WORLD, whose columns are x, z and -y.
    x, y, z = roll.unbind(-1)
    return Camera(
        intrinsics=intrinsics_from_fov(draws["camera.fov_degrees"], size),
        camera_from_world=transform(torch.stack([x, z, -y], dim=-1), torch.zeros_like(x)),
    )
