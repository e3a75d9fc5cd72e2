"""Boxes in space against the files' own bounds, and around the masks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ondr.assets.bank import Assets
from tests.labels.made import label, random_scene, scene_of, solid_meshes, through_lens

OUTPUTS = [
    "boxes_3d",
    "boxes_3d_image",
    "boxes_amodal",
    "labels",
    "mesh_ids",
    "camera_from_object",
    "scale",
    "intrinsics",
]
LOW_OR_HIGH = ("---", "--+", "-+-", "-++", "+--", "+-+", "++-", "+++")
"""Of each corner, the side along x, y, z: Objectron's order as its `box.py` lists it."""


@pytest.mark.parametrize("seed", range(3))
def test_corners_are_those_of_the_files_bounds(solids: Assets, seed: int) -> None:
    targets, meshes = label(random_scene(seed), solids, OUTPUTS), solid_meshes()
    for image, k in (targets.labels >= 0).nonzero().tolist():
        low, high = meshes[targets.mesh_ids[image, k]].bounds
        file = np.array([[(low, high)["-+".index(side)][i] for i, side in enumerate(sides)] for sides in LOW_OR_HIGH])
        pose, scale = targets.camera_from_object[image, k].double().numpy(), targets.scale[image, k].double().numpy()
        corners = (file * scale) @ pose[:3, :3].T + pose[:3, 3]
        # float32 keeps a pose to some 1e-7 of a few metres.
        np.testing.assert_allclose(targets.boxes_3d[image, k], corners, atol=5e-6)
        pixels = corners @ targets.intrinsics[image].double().numpy().T
        np.testing.assert_allclose(targets.boxes_3d_image[image, k], pixels[:, :2] / pixels[:, 2:], atol=2e-3)
    assert not targets.boxes_3d[targets.labels < 0].any()
    assert not targets.boxes_3d_image[targets.labels < 0].any()


def test_projected_corners_contain_the_object(solids: Assets) -> None:
    targets = label(random_scene(1), solids, OUTPUTS)
    whole, corners = targets.boxes_amodal[targets.labels >= 0], targets.boxes_3d_image[targets.labels >= 0]
    low, high = corners.amin(1), corners.amax(1)
    assert (low <= whole[:, :2] + 1e-3).all()
    assert (high >= whole[:, 2:] - 1e-3).all()


def test_a_lens_moves_corners_as_opencv_says(solids: Assets) -> None:
    lens = (k1, k2, p1, p2, k3) = (-0.2, 0.05, 0.01, -0.02, 0.003)
    scene = through_lens(random_scene(2), *lens)
    targets = label(scene, solids, OUTPUTS)
    corners = targets.boxes_3d[targets.labels >= 0].double()
    x, y = corners[..., 0] / corners[..., 2], corners[..., 1] / corners[..., 2]
    r = x * x + y * y
    # OpenCV's documentation, "Detailed description" of calib3d; up to where this lens folds the image.
    radial = 1 + k1 * r + k2 * r**2 + k3 * r**3
    bent_x = x * radial + 2 * p1 * x * y + p2 * (r + 2 * x * x)
    bent_y = y * radial + p1 * (r + 2 * y * y) + 2 * p2 * x * y
    k = scene.camera.intrinsics[0].double()
    expected = torch.stack([k[0, 0] * bent_x + k[0, 2], k[1, 1] * bent_y + k[1, 2]], dim=-1)
    near = r < 1
    found = targets.boxes_3d_image[targets.labels >= 0].double()
    assert near.float().mean() > 0.8
    torch.testing.assert_close(found[near], expected[near], rtol=0, atol=1e-3)


def test_a_corner_behind_the_camera_has_no_place_in_the_image(solids: Assets) -> None:
    # A box 1 wide and 0.5 deep, beside the camera: four of its corners are 0.05 behind it.
    targets = label(scene_of([[1]], torch.tensor([[[0.7, 0.0, 0.2]]])), solids, OUTPUTS, max_truncation=1.0)
    behind = targets.boxes_3d[0, 0, :, 2] < 0
    assert behind.tolist() == [True, False] * 4
    assert not targets.boxes_3d_image[0, 0, behind].any()
    assert targets.boxes_3d_image[0, 0, ~behind].any(dim=-1).all()
