"""Between the world and the image: where points appear, and what lies behind a place of the image."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.geometry import product
from ondr.scene import Camera


def unprojected(
    camera: Camera, image_size: tuple[int, int], x: Tensor, y: Tensor, depth: Tensor
) -> Float[Tensor, "batch some 3"]:
    """Returns points of the world, metres.

    Args:
        camera: That sees them.
        image_size: Height and width.
        x: Where it sees them, shares of the image's width, `[batch, some]`.
        y: Likewise of its height.
        depth: Metres along the optical axis.
    """
    height, width = image_size
    k = camera.intrinsics[:, None]
    right = (x * width - k[..., 0, 2]) / k[..., 0, 0] * depth
    down = (y * height - k[..., 1, 2]) / k[..., 1, 1] * depth
    seen = torch.stack([right, down, depth], dim=-1) - camera.camera_from_world[:, None, :3, 3]
    world_from_camera = camera.camera_from_world[:, :3, :3].transpose(1, 2)
    return product(world_from_camera[:, None], seen[..., None])[..., 0]


def in_image(camera: Camera, position: Float[Tensor, "batch some 3"]) -> tuple[Tensor, Tensor]:
    """Returns where points appear, pixels `[batch, some, 2]`, and their depth, metres `[batch, some]`."""
    seen = product(camera.camera_from_world[:, None, :3, :3], position[..., None])[..., 0]
    seen = seen + camera.camera_from_world[:, None, :3, 3]
    projected = product(camera.intrinsics[:, None], seen[..., None])[..., 0]
    return projected[..., :2] / projected[..., 2:].clamp_min(1e-6), seen[..., 2]
