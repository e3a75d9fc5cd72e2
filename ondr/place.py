"""From a scene to what a rasterizer draws: triangle ranges and where they lie before the camera."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.assets.bank import Bank
from ondr.geometry import product
from ondr.scene import Instances, Scene


def camera_from_object(scene: Scene) -> Float[Tensor, "batch slot 3 4"]:
    """Returns the maps from each slot's bank coordinates (file units, centred) to the camera frame in metres."""
    rotation, translation = (
        scene.camera.camera_from_world[:, None, :3, :3],
        scene.camera.camera_from_world[:, None, :3, 3],
    )
    linear = product(rotation, scene.poses.rotation) * scene.poses.scale[..., None, :]
    offset = product(rotation, scene.poses.translation[..., None])[..., 0] + translation
    return torch.cat([linear, offset[..., None]], dim=-1)


def place(scene: Scene, bank: Bank) -> Instances:
    """Returns the scene's instances; an empty slot has no triangles."""
    mesh = scene.poses.mesh
    present, row = mesh >= 0, mesh.clamp_min(0)
    return Instances(
        vertex_offset=bank.vertex_offset[row],
        first_triangle=bank.first_triangle[row],
        triangle_count=bank.triangle_count[row] * present,
        closed=bank.closed[row],
        camera_from_object=camera_from_object(scene),
    )
