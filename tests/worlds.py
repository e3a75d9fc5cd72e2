"""Small worlds made by hand: banks from trimesh meshes, and instances of them before a camera."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import trimesh
from torch import Tensor

from ondr.assets.bank import Bank
from ondr.assets.hulls import support_points
from ondr.scene import Instances


def bank_from_meshes(meshes: Sequence[trimesh.Trimesh], closed: Sequence[bool] | None = None) -> Bank:
    """Packs meshes into a bank with one white material and one smooth patch per mesh.

    Args:
        meshes: Each keeps its order of vertices and faces; vertices are moved to the centre of the bounding box.
        closed: Whether back faces may be culled; None asks trimesh (watertight, faces outward).
    """
    centers = [np.asarray(mesh.bounds.mean(axis=0)) for mesh in meshes]
    vertices = [_vertices(mesh, center) for mesh, center in zip(meshes, centers, strict=True)]
    faces = [np.asarray(mesh.faces) for mesh in meshes]
    triangles = np.pad(np.concatenate(faces), ((0, 0), (0, 1)))
    hulls = [_hull(mesh, center) for mesh, center in zip(meshes, centers, strict=True)]
    if closed is None:
        closed = [bool(mesh.is_volume) for mesh in meshes]
    return Bank(
        vertices=torch.tensor(np.concatenate(vertices), dtype=torch.float32),
        colors=torch.full((sum(map(len, vertices)),), -1, dtype=torch.int32),
        triangles=torch.tensor(triangles, dtype=torch.int32),
        patches=torch.zeros(len(triangles), dtype=torch.int32),
        material_color=torch.ones(1, 3),
        material_texture=torch.zeros(1, dtype=torch.int32),
        texels=torch.full((1,), -1, dtype=torch.int32),
        textures=torch.zeros(1, 2, dtype=torch.int32),
        vertex_offset=_starts(vertices),
        first_triangle=_starts(faces),
        triangle_count=torch.tensor([len(f) for f in faces], dtype=torch.int32),
        closed=torch.tensor(closed, dtype=torch.bool),
        extent=torch.tensor(np.array([mesh.extents for mesh in meshes]), dtype=torch.float32),
        center=torch.tensor(np.array(centers), dtype=torch.float32),
        hull=_stack([torch.tensor(points, dtype=torch.float32) for points, _ in hulls]),
        support=torch.tensor(np.stack([support_points(points) for points, _ in hulls]), dtype=torch.float32),
        hull_edges=_stack([torch.tensor(edges, dtype=torch.int32) for _, edges in hulls]),
    )


def place(bank: Bank, mesh: Tensor | Sequence[Sequence[int]], camera_from_bank: Tensor) -> Instances:
    """Makes instances `[B, S]` of the bank's meshes.

    Args:
        mesh: `[B, S]` rows of the bank's meshes, -1 for an empty slot.
        camera_from_bank: `[B, S, 3, 4]`, from bank coordinates to the camera frame, scale included.
    """
    rows = torch.as_tensor(mesh).long()
    used = rows >= 0
    return Instances(
        vertex_offset=bank.vertex_offset[rows] * used,
        first_triangle=bank.first_triangle[rows] * used,
        triangle_count=bank.triangle_count[rows] * used,
        closed=bank.closed[rows] & used,
        camera_from_bank=camera_from_bank.float(),
    )


def pinhole(focal_px: float, height: int, width: int, batch: int = 1) -> Tensor:
    """Returns intrinsics `[B, 3, 3]` with square pixels and the principal point in the middle of the image."""
    k = torch.tensor([[focal_px, 0, width / 2], [0, focal_px, height / 2], [0, 0, 1]])
    return k.repeat(batch, 1, 1)


def random_poses(
    generator: np.random.Generator, shape: tuple[int, ...], depth: tuple[float, float], size: float, spread: float
) -> Tensor:
    """Returns `camera_from_bank` `[*shape, 3, 4]`: uniform rotations, scale `size`, within `spread` of the axis.

    Args:
        generator: Where the numbers come from.
        shape: Leading dimensions.
        depth: Least and greatest z, metres.
        size: Metres per bank unit.
        spread: x and y lie within +-spread times z.
    """
    quaternions = generator.normal(size=(*shape, 4))
    z = generator.uniform(*depth, size=(*shape, 1))
    xy = generator.uniform(-spread, spread, size=(*shape, 2)) * z
    poses = np.empty((*shape, 3, 4))
    for index in np.ndindex(*shape):
        poses[index][:, :3] = trimesh.transformations.quaternion_matrix(quaternions[index])[:3, :3] * size
    poses[..., 3] = np.concatenate([xy, z], axis=-1)
    return torch.tensor(poses, dtype=torch.float32)


def _vertices(mesh: trimesh.Trimesh, center: np.ndarray) -> np.ndarray:
    """Returns rows of position, normal and uv."""
    uv = getattr(mesh.visual, "uv", None)
    uv = np.zeros((len(mesh.vertices), 2)) if uv is None else np.asarray(uv) * (1, -1) + (0, 1)
    return np.concatenate([mesh.vertices - center, mesh.vertex_normals, uv], axis=1)


def _hull(mesh: trimesh.Trimesh, center: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the hull's points and edges; a flat mesh stands for itself."""
    flat = mesh.extents.min() < 1e-9 * mesh.extents.max()
    hull = mesh if flat else mesh.convex_hull
    return np.asarray(hull.vertices) - center, np.asarray(hull.edges_unique)


def _starts(parts: Sequence[np.ndarray]) -> Tensor:
    """Returns where each part begins in their concatenation."""
    return torch.tensor(np.cumsum([0, *map(len, parts[:-1])]), dtype=torch.int32)


def _stack(rows: Sequence[Tensor]) -> Tensor:
    """Stacks tensors of different length, padded by repeating the first row."""
    longest = max(map(len, rows))
    return torch.stack([torch.cat([r, r[:1].expand(longest - len(r), *r.shape[1:])]) for r in rows])
