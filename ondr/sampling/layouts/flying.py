"""Free in front of the camera: each thing where the draws say in the image, as far away as its screen size asks for."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.geometry import product
from ondr.sampling.camera import level_camera
from ondr.sampling.layouts.things import Placement, Things
from ondr.scene import Camera

FREE = ("objects", "distractors", "context")
"""The groups that are placed so."""


def flying(things: Things) -> Placement:
    """Places objects, distractors and context freely in front of the camera; all else at the world's origin."""
    camera = level_camera(things.draws, things.image_size)
    free = things.groups["context"].stop
    flown = before_camera(things, camera, free)
    rest = flown.new_zeros(len(flown), things.size.shape[1] - free, 3)
    position = torch.cat([flown, rest], dim=1)
    return Placement(camera, position, things.size)


def before_camera(things: Things, camera: Camera, number: int) -> Float[Tensor, "batch free 3"]:
    """Returns where the first slots lie, metres, such that each longest side covers its share of the image's shorter
    side.

    Args:
        things: Position in the image and screen size are read.
        camera: Where it is seen from.
        number: How many slots: those of the groups that fly.
    """
    height, width = things.image_size
    k = camera.intrinsics[:, None]
    depth = things.size[:, :number] * k[..., 0, 0].abs() / (_all(things, "screen_size") * min(things.image_size))
    x = (_all(things, "position.x") * width - k[..., 0, 2]) / k[..., 0, 0] * depth
    y = (_all(things, "position.y") * height - k[..., 1, 2]) / k[..., 1, 1] * depth
    seen = torch.stack([x, y, depth], dim=-1) - camera.camera_from_world[:, None, :3, 3]
    world_from_camera = camera.camera_from_world[:, :3, :3].transpose(1, 2)
    return product(world_from_camera[:, None], seen[..., None])[..., 0]


def _all(things: Things, name: str) -> Tensor:
    return torch.cat([things.draws[f"{group}.{name}"] for group in FREE], dim=1)
