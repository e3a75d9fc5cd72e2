"""How camera and objects move, for optical flow."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.draws import Draws, vector
from ondr.geometry import product, rotation_from_vector, transform
from ondr.sampling.camera import to_camera
from ondr.scene import Camera, Motion, Poses

FALLBACK_METRES = 1.0
"""Stands for the objects' distance, the unit of the camera's shift, in an image without objects."""


def sample_motion(draws: Draws, poses: Poses, camera: Camera, extent: Float[Tensor, "mesh 3"], count: int) -> Motion:
    """Returns how the camera and the objects move.

    Args:
        draws: Everything drawn.
        poses: Poses of all things.
        camera: The cameras.
        extent: `Bank.extent`.
        count: Number of objects of interest, the first of the things.
    """
    mesh, there = poses.mesh[:, :count].clamp_min(0), poses.mesh[:, :count] >= 0
    size = (extent[mesh] * poses.scale[:, :count]).amax(-1, keepdim=True)
    turn = rotation_from_vector(torch.deg2rad(vector(draws, "motion.camera.rotation_degrees", "xyz"))).mT
    shift = vector(draws, "motion.camera.translation", "xyz") * _distance(poses, camera, there)[:, None]
    return Motion(
        # The inverse of the camera's own motion.
        camera_from_camera=transform(turn, -product(turn, shift[..., None])[..., 0]),
        rotation=rotation_from_vector(torch.deg2rad(vector(draws, "motion.objects.rotation_degrees", "xyz"))),
        translation=vector(draws, "motion.objects.translation", "xyz") * size,
    )


def _distance(poses: Poses, camera: Camera, there: Tensor) -> Float[Tensor, "batch"]:
    """Returns the mean distance of the centres of objects from the camera, metres."""
    distance = to_camera(camera, poses.translation[:, : there.shape[1]]).norm(dim=-1)
    number = there.sum(dim=1)
    return torch.where(number > 0, (distance * there).sum(dim=1) / number.clamp_min(1), FALLBACK_METRES)
