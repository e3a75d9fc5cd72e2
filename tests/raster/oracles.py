"""What a rasterizer is compared with: ray casting, and the distance of pixel centres from projected edges."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import torch
import trimesh
from torch import Tensor

from ondr import raster
from ondr.assets.bank import Bank
from ondr.raster import NEAR_METRES, Visibility
from ondr.scene import Instances

# How far a backend's rounding of vertices can move an edge, in pixels: numba rounds to 1/256, nvdiffrast to 1/16.
ROUNDING_PX = {"cpu": 0.01, "cuda": 0.05}


def render(
    device: torch.device,
    bank: Bank,
    instances: Instances,
    k: Tensor,
    size: tuple[int, int],
    weights: Tensor | None = None,
) -> Visibility:
    """Renders on a device and brings the answer back to the CPU."""
    there = replace(instances, **{f.name: getattr(instances, f.name).to(device) for f in fields(instances)})
    seen = raster.visible(bank.to(device), there, k.to(device), size, None if weights is None else weights.to(device))
    return Visibility(seen.triangle.cpu(), seen.slot.cpu(), seen.covered.cpu())


def in_camera(mesh: trimesh.Trimesh, camera_from_bank: Tensor) -> trimesh.Trimesh:
    """Returns a mesh, its bounding box centred as in a bank, in the camera's frame; faces keep their order."""
    pose = camera_from_bank.double().numpy()
    points = (mesh.vertices - mesh.bounds.mean(axis=0)) @ pose[:, :3].T + pose[:, 3]
    return trimesh.Trimesh(points, mesh.faces, process=False)


def centers(size: tuple[int, int]) -> np.ndarray:
    """Returns the pixels' centres, [H * W, 2]."""
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    return np.stack([x.ravel(), y.ravel()], axis=1)


def rays(k: Tensor, pixels: np.ndarray) -> np.ndarray:
    """Returns the directions with z = 1 that project to pixels."""
    return np.concatenate([pixels, np.ones((len(pixels), 1))], axis=1) @ np.linalg.inv(k.double().numpy()).T


def first_hits(mesh: trimesh.Trimesh, directions: np.ndarray) -> np.ndarray:
    """Returns the first face that each ray from the camera hits, -1 for none, by embree."""
    origins = np.zeros_like(directions)
    return trimesh.ray.ray_pyembree.RayMeshIntersector(mesh).intersects_first(origins, directions)


def plane_depths(mesh: trimesh.Trimesh, faces: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Returns z where each ray meets the plane of its face; NaN for face -1."""
    corners = mesh.triangles[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (normals * corners[:, 0]).sum(axis=1) / (normals * directions).sum(axis=1)
    return np.where(faces < 0, np.nan, z)


def near_edges(mesh: trimesh.Trimesh, k: Tensor, size: tuple[int, int], reach_px: float) -> np.ndarray:
    """Returns [H, W]: whether a pixel's centre lies within a distance of any projected edge."""
    near = np.zeros(size, bool)
    edges = _projected_edges(mesh, k, size)
    # Points along every edge, a quarter of a pixel apart: each centre near an edge is next to one of them.
    steps = np.ceil(4 * np.linalg.norm(edges[:, 1] - edges[:, 0], axis=1)).astype(int) + 1
    which = np.repeat(np.arange(len(edges)), steps + 1)
    share = (np.arange(len(which)) - np.repeat(np.cumsum(steps + 1) - steps - 1, steps + 1)) / steps[which]
    start, end = edges[which, 0], edges[which, 1]
    points = start + share[:, None] * (end - start)
    for corner in ((-0.5, -0.5), (-0.5, 0.5), (0.5, -0.5), (0.5, 0.5)):
        pixel = np.floor(points + corner)
        close = _segment_distance(pixel + 0.5, start, end) <= reach_px
        columns, rows = pixel[close].astype(int).T
        fits = (columns >= 0) & (rows >= 0) & (columns < size[1]) & (rows < size[0])
        near[rows[fits], columns[fits]] = True
    return near


def _projected_edges(mesh: trimesh.Trimesh, k: Tensor, size: tuple[int, int]) -> np.ndarray:
    """Returns the parts of all edges that lie before the near plane and in the image, [E, 2, 2] in pixels."""
    ends = mesh.vertices[mesh.edges_unique]
    z = ends[..., 2] - NEAR_METRES
    ends, z = ends[(z > 0).any(axis=1)], z[(z > 0).any(axis=1)]
    share = np.clip(z[:, :1] / np.where(z[:, :1] == z[:, 1:], 1, z[:, :1] - z[:, 1:]), 0, 1)
    cut = ends[:, 0] + share * (ends[:, 1] - ends[:, 0])
    ends = np.where((z < 0)[..., None], cut[:, None], ends) @ k.double().numpy().T
    pixels = ends[..., :2] / ends[..., 2:]
    inside = ((pixels > -1) & (pixels < (size[1] + 1, size[0] + 1))).all(axis=(1, 2))
    cut = [p for edge in pixels[~inside] if (p := _inside_image(edge, size)) is not None]
    return np.concatenate([pixels[inside], np.array(cut).reshape(-1, 2, 2)])


def _inside_image(edge: np.ndarray, size: tuple[int, int]) -> np.ndarray | None:
    """Returns the part of a segment within a pixel of the image (Liang-Barsky 1984)."""
    start, along, low, high = edge[0], edge[1] - edge[0], 0.0, 1.0
    for axis, limit in ((0, size[1]), (1, size[0])):
        for step, room in ((-along[axis], start[axis] + 1), (along[axis], limit + 1 - start[axis])):
            if step == 0 and room < 0:
                return None
            if step < 0:
                low = max(low, room / step)
            elif step > 0:
                high = min(high, room / step)
    return np.array([start + low * along, start + high * along]) if low < high else None


def _segment_distance(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Returns each point's distance from its segment."""
    along = end - start
    share = ((points - start) * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), 1e-30)
    return np.linalg.norm(points - start - np.clip(share, 0, 1)[:, None] * along, axis=1)
