"""Where things are: a layout is one function from draws to poses."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.draws import Draws
from ondr.geometry import product, rotation_from_quaternion
from ondr.scene import Camera


def _both(draws: Draws, name: str) -> Tensor:
    """Returns a quantity of all slots: objects of interest first, then distractors."""
    return torch.cat([draws[f"objects.{name}"], draws[f"distractors.{name}"]], dim=1)


def flying(
    draws: Draws, size_metres: Float[Tensor, "batch slot"], camera: Camera, image_size: tuple[int, int]
) -> tuple[Float[Tensor, "batch slot 3 3"], Float[Tensor, "batch slot 3"], Float[Tensor, "batch slot"]]:
    """Places everything freely in front of the camera.

    Args:
        draws: Position in the image, screen size and rotation are read.
        size_metres: Longest side of each thing.
        camera: Where it is seen from.
        image_size: Height and width in pixels.

    Returns:
        Rotations world_from_object, positions in the world in metres, and depths along the optical axis in metres, at
        which each longest side covers its share of the image's shorter side.
    """
    k = camera.intrinsics[:, None]
    focal = k[..., 0, 0].abs()
    depth = size_metres * focal / (_both(draws, "screen_size") * min(image_size))
    x = (_both(draws, "position.x") * image_size[1] - k[..., 0, 2]) / k[..., 0, 0] * depth
    y = (_both(draws, "position.y") * image_size[0] - k[..., 1, 2]) / k[..., 1, 1] * depth
    seen = torch.stack([x, y, depth], dim=-1) - camera.camera_from_world[:, None, :3, 3]
    world_from_camera = camera.camera_from_world[:, :3, :3].transpose(1, 2)
    position = product(world_from_camera[:, None], seen[..., None])[..., 0]
    return rotation_from_quaternion(_both(draws, "rotation")), position, depth
