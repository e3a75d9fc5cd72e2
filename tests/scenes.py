"""Scenes made by hand around banks of `worlds`: materials, lights, cameras and textures whose colours are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import trimesh
from torch import Tensor

from ondr.assets.bank import Bank
from ondr.draws import Draws
from ondr.imaging.background import BackgroundTables, background_tables
from ondr.scene import Background, Camera, Effects, Lights, Materials, Poses, Scene, Structure

NO_LIGHT = (0.0, 0.0, 0.0)
WHITE = (1.0, 1.0, 1.0)
TOWARDS_CAMERA = (0.0, 0.0, -1.0, 0.0)
"""A directional light from behind a camera at the world's origin whose axes are the world's."""


def pose(x: float, y: float, z: float, scale: float = 1.0) -> Tensor:
    """Returns `camera_from_bank` `[3, 4]` without rotation."""
    return torch.tensor([[scale, 0, 0, x], [0, scale, 0, y], [0, 0, scale, z]])


def quad(width: float = 2.0, height: float = 2.0) -> trimesh.Trimesh:
    """Returns an open rectangle in the plane z = 0 that faces -z, its texture upright in an image (y down)."""
    x, y = width / 2, height / 2
    corners = [[-x, -y, 0], [x, -y, 0], [x, y, 0], [-x, y, 0]]
    uv = np.array([[0, 1], [1, 1], [1, 0], [0, 0]])
    faces = [[0, 2, 1], [0, 3, 2]]
    return trimesh.Trimesh(corners, faces, visual=trimesh.visual.TextureVisuals(uv=uv), process=False)


def with_textures(bank: Bank, images: Sequence[np.ndarray]) -> Bank:
    """Adds square images of linear light, `[side, side, 3]` in 0..1, as rows 1, 2, ... of the bank's textures."""
    texels, rows = [bank.texels.numpy()], [[0, 0]]
    for image in images:
        rows.append([sum(map(len, texels)), int(np.log2(len(image)))])
        while True:
            texels.append(words(image))
            if len(image) == 1:
                break
            image = (image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2]) / 4
    flat = torch.tensor(np.concatenate(texels), dtype=torch.int32)
    return replace(bank, texels=flat, textures=torch.tensor(rows, dtype=torch.int32))


def words(linear: np.ndarray) -> np.ndarray:
    """Returns RGBA8 words of the square root of linear light, flat."""
    roots = np.rint(255 * np.sqrt(linear)).astype(np.uint32).reshape(-1, 3)
    return (roots[:, 0] | roots[:, 1] << 8 | roots[:, 2] << 16 | 255 << 24).astype(np.uint32).view(np.int32)


def lights(
    positions: Sequence[Sequence[float]] = (TOWARDS_CAMERA,),
    colors: Sequence[Sequence[float]] = (WHITE,),
    reference_distance: float = 1.0,
    ambient: Sequence[float] = NO_LIGHT,
    batch: int = 1,
) -> Lights:
    """Returns the same lights for every image of a batch."""
    return Lights(
        position=torch.tensor(positions, dtype=torch.float32).repeat(batch, 1, 1),
        color=torch.tensor(colors, dtype=torch.float32).repeat(batch, 1, 1),
        reference_distance=torch.full((batch, len(positions)), reference_distance),
        ambient=torch.tensor(ambient).repeat(batch, 1),
    )


def materials(batch: int = 1, slots: int = 1, **changes: Tensor) -> Materials:
    """Returns white, fully rough surfaces that reflect nothing specularly."""
    plain = Materials(
        own=torch.zeros(batch, slots, dtype=torch.bool),
        texture=torch.zeros(batch, slots, dtype=torch.int32),
        color=torch.ones(batch, slots, 3),
        texture_scale=torch.ones(batch, slots),
        roughness=torch.ones(batch, slots),
        specular=torch.zeros(batch, slots),
    )
    return replace(plain, **changes)


def effects(batch: int = 1, **changes: Any) -> Effects:
    """Returns neutral effects but for those given, as numbers or as one number per image."""
    neutral = {
        "blur_sigma": 0.0,
        "brightness": 1.0,
        "contrast": 1.0,
        "saturation": 1.0,
        "hue_degrees": 0.0,
        "noise_std": 0.0,
    }
    return Effects(**{name: torch.as_tensor(v).float().expand(batch) for name, v in (neutral | changes).items()})


def background(batch: int = 1, color: Sequence[float] = NO_LIGHT, texture: int = 0) -> Background:
    """Returns backgrounds of one colour or texture, one repeat over 64 pixels."""
    return Background(
        texture=torch.full((batch,), texture, dtype=torch.int32),
        uv_from_pixel=torch.tensor([[1 / 64, 0, 0], [0, 1 / 64, 0]]).repeat(batch, 1, 1),
        color=torch.tensor(color, dtype=torch.float32).repeat(batch, 1),
    )


def tables_behind(bank: Bank, where: Background) -> BackgroundTables:
    """Returns the tables of backgrounds that do not depend on the camera."""
    eye = torch.eye(3).repeat(len(where.color), 1, 1), torch.eye(4).repeat(len(where.color), 1, 1)
    return background_tables(bank, where, Camera(*eye))


def scene(intrinsics: Tensor, slots: int = 1, **changes: Any) -> Scene:
    """Returns a scene before cameras at the world's origin; poses come with the instances."""
    batch = len(intrinsics)
    mesh = torch.zeros(batch, slots, dtype=torch.int32)
    plain = Scene(
        sample_ids=torch.arange(batch),
        seed=0,
        num_objects=slots,
        poses=Poses(
            mesh=mesh,
            rotation=torch.eye(3).repeat(batch, slots, 1, 1),
            scale=torch.ones(batch, slots, 3),
            translation=torch.zeros(batch, slots, 3),
        ),
        materials=materials(batch, slots),
        lights=lights(batch=batch),
        camera=Camera(intrinsics=intrinsics, camera_from_world=torch.eye(4).repeat(batch, 1, 1)),
        background=background(batch),
        effects=effects(batch),
        structure=Structure(mesh=mesh, rows={}, largest={}),
        draws=Draws(torch.zeros(batch, 0), {}),
    )
    return replace(plain, **changes)


def cast(
    mesh: trimesh.Trimesh, camera_from_bank: Tensor, intrinsics: Tensor, size: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor]:
    """Finds what one image sees by ray casting: no rasterizer is involved.

    Args:
        mesh: With its vertices where the bank has them.
        camera_from_bank: `[3, 4]`.
        intrinsics: `[3, 3]`.
        size: Height and width.

    Returns:
        Triangles `[height, width]`, -1 for none, and the rays' x and y.
    """
    height, width = size
    y, x = np.mgrid[:height, :width] + 0.5
    rays = np.stack([x, y, np.ones_like(x)], -1).reshape(-1, 3) @ np.linalg.inv(intrinsics.double().numpy()).T
    matrix = np.vstack([camera_from_bank.double().numpy(), [0, 0, 0, 1]])
    placed = mesh.copy().apply_transform(matrix)
    triangle = placed.ray.intersects_first(np.zeros_like(rays), rays).reshape(size)
    planes = torch.tensor(rays.reshape(height, width, 3), dtype=torch.float32)
    return torch.tensor(triangle, dtype=torch.int32), planes[..., 0], planes[..., 1]
