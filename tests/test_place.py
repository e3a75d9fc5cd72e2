"""Placing: a point of a mesh goes through scale, pose and camera in that order."""

from __future__ import annotations

import pytest
import torch

from ondr.config import Config
from ondr.place import camera_from_bank, pixels_per_unit, place
from ondr.sampling import sample_scene
from tests.sampling.tiny import tiny_assets

ASSETS = tiny_assets()


def test_a_point_goes_through_scale_rotation_translation_and_camera() -> None:
    scene = sample_scene(Config(), ASSETS, torch.arange(5))
    point, poses = torch.tensor([0.1, -0.2, 0.3]), scene.poses
    for b in range(5):
        for s in range(16):
            world = poses.rotation[b, s] @ (poses.scale[b, s] * point) + poses.translation[b, s]
            camera = scene.camera.camera_from_world[b] @ torch.cat([world, torch.ones(1)])
            placed = camera_from_bank(scene)[b, s] @ torch.cat([point, torch.ones(1)])
            torch.testing.assert_close(placed, camera[:3], rtol=1e-5, atol=1e-5)  # float32 at some metres


def test_an_empty_slot_has_no_triangles() -> None:
    scene = sample_scene(Config(objects={"count": 2}, distractors={"count": 0}), ASSETS, torch.arange(3))
    placed = place(scene, ASSETS.bank)
    assert (placed.triangle_count[:, :2] == 12).all()
    assert (placed.triangle_count[:, 2:] == 0).all()
    assert placed.triangle_count.shape == scene.poses.mesh.shape


@pytest.mark.parametrize("degrees", [45, 90, 180])
def test_levels_of_detail_do_not_depend_on_a_turn_of_the_image(degrees: float) -> None:
    pixels = [
        pixels_per_unit(scene, ASSETS.bank, camera_from_bank(scene))
        for turn in (0, degrees)
        for scene in [
            sample_scene(Config().with_overrides([f"augmentation.rotation_degrees={turn}"]), ASSETS, torch.arange(8))
        ]
    ]
    torch.testing.assert_close(*pixels, rtol=1e-5, atol=0)  # float32


def test_ranges_are_those_of_the_mesh() -> None:
    scene = sample_scene(Config(), ASSETS, torch.arange(8))
    placed, mesh = place(scene, ASSETS.bank), scene.poses.mesh
    present = mesh >= 0
    assert torch.equal(placed.first_triangle[present], 12 * mesh[present])  # every box has 12 triangles
    assert torch.equal(placed.vertex_offset[present], ASSETS.bank.vertex_offset[mesh[present]])
