"""Fields of objects in space: poses, 3D boxes, symmetries."""

from __future__ import annotations

import itertools

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.geometry import product, transform
from ondr.labels.facts import Facts
from ondr.labels.masks import not_loaded
from ondr.projection import project
from ondr.raster.limits import NEAR_METRES
from ondr.scene import Scene

CORNERS = tuple(itertools.product((-0.5, 0.5), repeat=3))
"""Corners of the unit cube, z changing fastest: Objectron's order (Ahmadyan et al. 2021, `dataset/box.py`), which has
the centre before them."""


def file_poses(
    scene: Scene, center: Float[Tensor, "mesh 3"]
) -> tuple[Float[Tensor, "batch object 4 4"], Float[Tensor, "batch object 3"]]:
    """Returns camera_from_object and scale, such that x_camera = R @ (scale * x_file) + t.

    Args:
        scene: Its poses place the centre of each mesh's bounding box.
        center: `Bank.center`: where that centre lies in the file's own coordinates.
    """
    poses, count, camera = scene.poses, scene.num_objects, scene.camera.camera_from_world[:, None]
    scale, row = poses.scale[:, :count], poses.mesh[:, :count].clamp_min(0)
    rotation = product(camera[..., :3, :3], poses.rotation[:, :count])
    world = poses.translation[:, :count, :, None]
    bank = product(camera[..., :3, :3], world) + camera[..., :3, 3:]
    return transform(rotation, (bank - product(rotation, (scale * center[row])[..., None]))[..., 0]), scale


def camera_from_object(facts: Facts) -> Float[Tensor, "batch object 4 4"]:
    """Returns `Targets.camera_from_object`."""
    return facts.punch(file_poses(facts.scene, facts.assets.bank.center)[0])


def scale(facts: Facts) -> Float[Tensor, "batch object 3"]:
    """Returns `Targets.scale`."""
    return facts.punch(facts.scene.poses.scale[:, : facts.count])


def positions(facts: Facts) -> Float[Tensor, "batch object 3"]:
    """Returns `Targets.positions`."""
    return facts.punch(facts.scene.poses.translation[:, : facts.count])


def symmetries(facts: Facts) -> Float[Tensor, "batch object symmetry 4 4"]:
    """Returns `Targets.symmetries`.

    Raises:
        ConfigError: The assets were loaded without symmetries.
    """
    of_file = facts.assets.annotations.symmetries
    if of_file is None:
        raise not_loaded("symmetries")
    return facts.punch(of_file[facts.file.clamp_min(0)])


def corners_of_boxes(facts: Facts) -> Float[Tensor, "batch object 8 3"]:
    """Returns the corners of the objects' bounding boxes in the camera frame, metres, holes included."""
    extent = facts.assets.bank.extent[facts.mesh.clamp_min(0)]
    # From Python numbers: uploading a tensor would make the host wait.
    corners = torch.stack([torch.stack([extent[..., i] * c[i] for i in range(3)], dim=-1) for c in CORNERS], dim=-2)
    return in_camera(facts.camera_from_bank, corners)


def in_camera(
    camera_from_bank: Float[Tensor, "batch object 3 4"], points: Float[Tensor, "batch object point 3"]
) -> Float[Tensor, "batch object point 3"]:
    """Transforms points of objects from bank coordinates to the camera frame, metres."""
    return product(points, camera_from_bank[..., :3].mT) + camera_from_bank[..., None, :, 3]


def boxes_3d(facts: Facts) -> Float[Tensor, "batch object 8 3"]:
    """Returns `Targets.boxes_3d`."""
    return facts.punch(corners_of_boxes(facts))


def boxes_3d_image(facts: Facts) -> Float[Tensor, "batch object 8 2"]:
    """Returns `Targets.boxes_3d_image`."""
    corners, camera = corners_of_boxes(facts), facts.scene.camera
    projected = project(corners, camera.intrinsics, camera.distortion)
    return facts.punch(torch.where(corners[..., 2:] >= NEAR_METRES, projected, 0))


FIELDS = (camera_from_object, scale, positions, symmetries, boxes_3d, boxes_3d_image)
