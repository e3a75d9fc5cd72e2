"""The rasterizers against ray casting by embree."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from torch import Tensor

from tests.raster.oracles import (
    ROUNDING_PX,
    centers,
    first_hits,
    in_camera,
    near_edges,
    plane_depths,
    rays,
    render,
)
from tests.worlds import bank_from_meshes, pinhole, place, random_poses


def torus() -> trimesh.Trimesh:
    return trimesh.creation.torus(0.36, 0.14, 48, 24)


def bowl() -> trimesh.Trimesh:
    sphere = trimesh.creation.icosphere(3, 0.5)
    return sphere.submesh([np.flatnonzero(sphere.triangles_center[:, 2] < 0.1)], append=True)


def needles() -> trimesh.Trimesh:
    return trimesh.creation.cone(0.3, 1.0, sections=300)


def tube() -> trimesh.Trimesh:
    return trimesh.creation.cylinder(0.1, 1.0, sections=200)


MESHES: dict[str, Callable[[], trimesh.Trimesh]] = {"torus": torus, "bowl": bowl, "needles": needles, "tube": tube}


def compare(
    device: torch.device, mesh: trimesh.Trimesh, pose: Tensor, k: Tensor, size: tuple[int, int], least: int
) -> None:
    """Holds one picture against ray casting.

    The ids of 99.9 % of the covered pixels agree, those aside whose centre lies nearer to an edge than the backend's
    rounding of vertices; where two faces lie within 1e-4 of the depth, more than float32 resolves, either counts.
    """
    bank = bank_from_meshes([mesh])
    seen = render(device, bank, place(bank, [[0]], pose[None, None]), k[None], size)
    shown = in_camera(mesh, pose)
    directions = rays(k, centers(size))
    expected, found = first_hits(shown, directions), seen.triangle[0].flatten().numpy()
    clear = ~near_edges(shown, k, size, ROUNDING_PX[device.type]).ravel()
    covered = (expected >= 0) & clear
    assert covered.sum() >= least
    with np.errstate(invalid="ignore"):
        a, b = plane_depths(shown, expected, directions), plane_depths(shown, found, directions)
        agree = (expected == found) | (np.abs(a - b) <= 1e-4 * a)
    assert agree[covered].mean() >= 0.999
    assert agree[clear & (found >= 0)].mean() >= 0.999


@pytest.mark.parametrize("across_px", [200, 40])
@pytest.mark.parametrize("name", MESHES)
def test_ids_are_those_of_ray_casting(device: torch.device, name: str, across_px: int) -> None:
    generator = np.random.default_rng(len(name) + across_px)
    size = (int(1.3 * across_px), int(1.3 * across_px))
    for pose in random_poses(generator, (2,), (1.8, 2.2), 1.0, 0.05):
        compare(device, MESHES[name](), pose, pinhole(2.0 * across_px, *size)[0], size, least=across_px**2 // 40)


@pytest.mark.parametrize("across_px", [200, 40])
@pytest.mark.parametrize("fruit", ["banana", "orange"])
def test_ids_of_a_scan_are_those_of_ray_casting(
    device: torch.device, test_data: Path, fruit: str, across_px: int
) -> None:
    path = next((test_data / "fruit/meshes" / fruit).rglob("*.obj"))
    mesh = trimesh.load(path, force="mesh", process=False)
    mesh.apply_scale(1 / mesh.extents.max())
    size = (int(1.3 * across_px), int(1.3 * across_px))
    pose = random_poses(np.random.default_rng(across_px), (), (1.9, 2.1), 1.0, 0.05)
    compare(device, mesh, pose, pinhole(2.0 * across_px, *size)[0], size, least=across_px**2 // 12)


@pytest.mark.parametrize("across_px", [200, 40])
def test_a_floor_that_passes_under_the_camera_is_that_of_ray_casting(device: torch.device, across_px: int) -> None:
    corners = [[-20, -20, 0], [20, -20, 0], [20, 20, 0], [-20, 20, 0]]
    floor = trimesh.Trimesh(corners, [[0, 1, 2], [0, 2, 3]], process=False).subdivide()
    # Camera 1 m above the middle, looking along the floor and 20 degrees down.
    tilt = trimesh.transformations.rotation_matrix(np.deg2rad(20), (1, 0, 0))[:3, :3]
    turn = trimesh.transformations.rotation_matrix(0.4, (0, 0, 1))[:3, :3]
    axes = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    pose = torch.tensor(np.column_stack([tilt @ axes @ turn, tilt @ (0, 1, 0)]), dtype=torch.float32)
    size = (across_px, across_px)
    compare(device, floor, pose, pinhole(0.7 * across_px, *size)[0], size, least=across_px**2 // 2)


def test_a_mirrored_skewed_camera_is_that_of_ray_casting(device: torch.device) -> None:
    size = (180, 260)
    k = torch.tensor([[-300.0, 25.0, 140.0], [0.0, 260.0, 80.0], [0.0, 0.0, 1.0]])
    pose = random_poses(np.random.default_rng(3), (), (1.8, 2.0), 1.0, 0.05)
    compare(device, torus(), pose, k, size, least=2000)
