"""The first light's pinhole: it stands where the light is, sees all that casts shadows, and wastes no texel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh

from ondr.geometry import look_along, transform
from ondr.imaging.light_view import FAR_RADII, light_view
from ondr.scene import Camera
from tests.scenes import lights, scene
from tests.worlds import bank_from_meshes, pinhole, place, random_poses

SIDE, SLOTS = 128, 6
BANK = bank_from_meshes([trimesh.creation.box((1, 0.4, 0.2)), trimesh.creation.icosphere(1)])
CAMERA = Camera(pinhole(100.0, 64, 64), transform(look_along(torch.tensor([[0.3, 1.0, -0.4]])), torch.ones(1, 3)))


def view_of(light: list[float], casters: list[bool] | None = None, scale: float = 0.5):
    """Returns the view, the instances, and where the view shows their vertices, each [vertex, 3]: texels and depth."""
    poses = random_poses(np.random.default_rng(3), (1, SLOTS), (4, 7), scale, 0.3)
    mesh = torch.tensor([[0, 1] * (SLOTS // 2)], dtype=torch.int32)
    instances, casts = place(BANK, mesh, poses), torch.tensor([casters or [True] * SLOTS])
    world = replace(scene(CAMERA.intrinsics, SLOTS, lights=lights([light])), camera=CAMERA)
    view = light_view(BANK, replace(world, poses=replace(world.poses, mesh=mesh)), instances, casts, SIDE)
    shown = []
    for slot, row in enumerate(mesh[0].tolist()):
        start = BANK.vertex_offset[row]
        vertices = BANK.vertices[start : start + (8 if row == 0 else 42), :3]
        seen = vertices @ poses[0, slot, :, :3].T + poses[0, slot, :, 3] - view.position[0]
        q = seen @ (view.intrinsics[0] @ view.rotation[0]).T
        shown.append(torch.cat([q[:, :2] / q[:, 2:], q[:, 2:]], dim=1))
    return view, shown


@pytest.mark.parametrize("light", [[0.6, 0, 0.8, 0], [0, 0, 1, 0], [3, 5, 4, 1], [-2, 8, 0, 1]])
def test_all_that_casts_shadows_is_seen_and_fills_the_map(light: list[float]):
    view, shown = view_of(light)
    every = torch.cat(shown)
    assert (every[:, 2] > 0).all()
    assert (every[:, :2] > 1).all()
    assert (every[:, :2] < SIDE - 1).all()
    # Spheres around boxes are at most half as large again as what they hold.
    assert (every[:, :2].amax(0) - every[:, :2].amin(0)).max() > 0.6 * SIDE
    rotation = view.rotation[0]
    torch.testing.assert_close(rotation @ rotation.T, torch.eye(3), atol=1e-6, rtol=0)
    assert torch.linalg.det(rotation) > 0


def test_a_point_light_stands_where_it_is_and_another_far_off_in_its_direction():
    view, _ = view_of([3, 5, 4, 1])
    back = CAMERA.camera_from_world[0].inverse() @ torch.tensor([*view.position[0], 1])
    torch.testing.assert_close(back[:3], torch.tensor([3.0, 5, 4]), atol=1e-5, rtol=0)
    view, shown = view_of([0.6, 0, 0.8, 0])
    forward = CAMERA.camera_from_world[0, :3, :3].T @ view.rotation[0, 2]
    torch.testing.assert_close(forward, torch.tensor([-0.6, 0, -0.8]), atol=1e-4, rtol=0)
    depth = torch.cat(shown)[:, 2]
    assert (depth.amax() - depth.amin()) / depth.mean() < 2.5 / FAR_RADII


def test_what_casts_none_takes_no_texels():
    _, shown = view_of([0.6, 0, 0.8, 0], [True] + [False] * (SLOTS - 1))
    first = shown[0][:, :2]
    assert (first.amax(0) - first.amin(0)).max() > 0.6 * SIDE


def test_amid_the_things_the_view_is_bounded():
    middle = CAMERA.camera_from_world[0].inverse() @ torch.tensor([0.0, 0, 5.5, 1])
    view, _ = view_of([*middle[:3].tolist(), 1], scale=3.0)
    # 2 x 2 tangents across the map, but for the margin.
    assert view.intrinsics[0, 0, 0].item() == pytest.approx((SIDE / 2 - 2) / 2)


def test_without_anything_there_is_still_a_view():
    view, _ = view_of([0.6, 0, 0.8, 0], [False] * SLOTS)
    assert all(part.isfinite().all() for part in (view.position, view.rotation, view.intrinsics))
