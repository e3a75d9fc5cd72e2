"""From a scene to what a rasterizer draws: triangle ranges and their poses in the camera frame."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.assets.bank import Bank
from ondr.geometry import product
from ondr.scene import Instances, Scene

UNBOUNDED = 1e30
"""Stands for infinity, yet finite: times the error 0 of the full detail it gives 0, not NaN."""


def camera_from_bank(scene: Scene) -> Float[Tensor, "batch slot 3 4"]:
    """Returns the maps from each slot's bank coordinates (file units, centred) to the camera frame in metres."""
    rotation, translation = (
        scene.camera.camera_from_world[:, None, :3, :3],
        scene.camera.camera_from_world[:, None, :3, 3],
    )
    linear = product(rotation, scene.poses.rotation) * scene.poses.scale[..., None, :]
    offset = product(rotation, scene.poses.translation[..., None])[..., 0] + translation
    return torch.cat([linear, offset[..., None]], dim=-1)


def place(scene: Scene, bank: Bank, detail_pixels: float = 0.0) -> Instances:
    """Returns the scene's instances; an empty slot has no triangles.

    Args:
        scene: Its poses and its camera are read.
        bank: The meshes.
        detail_pixels: Largest error of the level of detail; the coarsest within it is taken. 0: the full detail.
    """
    mesh = scene.poses.mesh
    present, row = mesh >= 0, mesh.clamp_min(0)
    placed = camera_from_bank(scene)
    first, count = bank.first_triangle[row], bank.triangle_count[row]
    # Vertices that need gradients are drawn in full detail: a coarser level leaves some of them out.
    if bank.levels is not None and detail_pixels > 0 and not bank.vertices.requires_grad:
        levels = bank.levels
        # By index_select, since indexing would start a second thread for it.
        error = levels.error.index_select(0, row.flatten()).unflatten(0, row.shape)
        fine = error * pixels_per_unit(scene, bank, placed)[..., None] <= detail_pixels
        chosen = row * fine.shape[-1] + fine.sum(-1) - 1
        first, count = levels.first_triangle.flatten()[chosen], levels.triangle_count.flatten()[chosen]
    return Instances(
        vertex_offset=bank.vertex_offset[row],
        first_triangle=first,
        triangle_count=count * present,
        closed=bank.closed[row],
        camera_from_bank=placed,
    )


def pixels_per_unit(scene: Scene, bank: Bank, placed: Float[Tensor, "batch slot 3 4"]) -> Float[Tensor, "batch slot"]:
    """Returns the most pixels that a file unit of each slot can span, where it is nearest to the camera; `UNBOUNDED` if
    it reaches the camera's plane."""
    k, row = scene.camera.intrinsics[:, None], scene.poses.mesh.clamp_min(0)
    # Lengths of columns, which a rotation of the image does not change.
    focal_px = k[..., :2, :2].square().sum(-2).amax(-1).sqrt()
    scale = scene.poses.scale.amax(-1)
    nearest = placed[..., 2, 3] - scale * bank.extent[row].norm(dim=-1) / 2
    return torch.where(nearest > 0, focal_px * scale / nearest, UNBOUNDED).detach()
