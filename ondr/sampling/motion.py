"""How camera and objects move, for optical flow."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.draws import Draws
from ondr.geometry import product, rotation_from_vector, transform
from ondr.scene import Camera, Motion, Poses

FALLBACK_METRES = 1.0
"""What a camera's shift is measured by in an image without objects."""


def sample_motion(draws: Draws, poses: Poses, camera: Camera, extent: Float[Tensor, "mesh 3"], count: int) -> Motion:
    """Returns how the camera and the objects move.

    Args:
        draws: Everything drawn.
        poses: Of all things.
        camera: Of the images.
        extent: `Bank.extent`.
        count: Number of objects of interest, the first of the things.
    """
    mesh, there = poses.mesh[:, :count].clamp_min(0), poses.mesh[:, :count] >= 0
    size = (extent[mesh] * poses.scale[:, :count]).amax(-1, keepdim=True)
    turn = rotation_from_vector(torch.deg2rad(_vector(draws, "motion.camera.rotation_degrees"))).mT
    shift = _vector(draws, "motion.camera.translation") * _distance(poses, camera, there)[:, None]
    return Motion(
        # What the camera does, all that it sees does the other way round.
        camera_from_camera=transform(turn, -product(turn, shift[..., None])[..., 0]),
        rotation=rotation_from_vector(torch.deg2rad(_vector(draws, "motion.objects.rotation_degrees"))),
        translation=_vector(draws, "motion.objects.translation") * size,
    )


def _distance(poses: Poses, camera: Camera, there: Tensor) -> Float[Tensor, "batch"]:
    """Returns the mean distance of the centres of objects from the camera, metres."""
    world = poses.translation[:, : there.shape[1], :, None]
    eye = camera.camera_from_world[:, None]
    distance = (product(eye[..., :3, :3], world)[..., 0] + eye[..., :3, 3]).norm(dim=-1)
    number = there.sum(dim=1)
    return torch.where(number > 0, (distance * there).sum(dim=1) / number.clamp_min(1), FALLBACK_METRES)


def _vector(draws: Draws, name: str) -> Tensor:
    return torch.stack([draws[f"{name}.{axis}"] for axis in "xyz"], dim=-1)
