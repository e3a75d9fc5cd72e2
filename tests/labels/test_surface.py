"""Object coordinates: taken back through the pose they give the depth and the pixel, and their gradient is right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ondr import labels
from ondr.assets.bank import Assets
from ondr.batch import Targets
from ondr.place import place
from ondr.scene import Scene
from tests.labels.made import SIZE, config, label, random_scene, scene_of, see, solid_meshes, through_lens

OUTPUTS = ["object_coordinates", "instances", "depth", "mesh_ids", "camera_from_object", "scale", "intrinsics"]


def back_projected(targets: Targets, image: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows and columns of an image's labelled pixels, and their points in the camera frame, by the labels alone."""
    y, x = (targets.instances[image] >= 0).nonzero(as_tuple=True)
    slot = targets.instances[image, y, x].long()
    meshes = solid_meshes()
    box = np.array([mesh.bounds for mesh in meshes])[targets.mesh_ids[image, slot]]
    nocs = targets.object_coordinates[image, :, y, x].T.double().numpy()
    assert nocs.min() >= 0
    assert nocs.max() <= 1
    diagonal = np.linalg.norm(box[:, 1] - box[:, 0], axis=1, keepdims=True)
    file = (nocs - 0.5) * diagonal + box.mean(axis=1)
    pose = targets.camera_from_object[image, slot].double().numpy()
    scaled = file * targets.scale[image, slot].double().numpy()
    return y.numpy(), x.numpy(), (pose[:, :3, :3] @ scaled[..., None])[..., 0] + pose[:, :3, 3]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("lens", [False, True])
def test_taken_back_through_the_pose_they_give_the_depth(solids: Assets, seed: int, lens: bool) -> None:
    scene = through_lens(random_scene(seed), -0.2, 0.05, 0.001, -0.002, 0.0) if lens else random_scene(seed)
    targets = label(scene, solids, OUTPUTS)
    for image in range(4):
        y, x, point = back_projected(targets, image)
        assert len(y) > 500
        off = np.abs(point[:, 2] - targets.depth[image, 0, y, x].numpy())
        # Where a triangle does not hold the pixel's ray, a point of its edge stands for it. That is rare for a pinhole,
        # where vertices are rounded to 1/256 of a pixel, and common behind a lens, where ids come from the nearest
        # pixel of another image. Elsewhere float32 keeps a point to some 1e-6 of some metres.
        assert np.quantile(off, 0.5 if lens else 0.99) < 1e-5
        assert np.quantile(off, 0.95 if lens else 1.0) < (5e-3 if lens else 1e-4)
        if not lens:
            k = targets.intrinsics[image].double().numpy()
            pixel = (point @ k.T)[:, :2] / point[:, 2:]
            away = np.abs(pixel - np.stack([x + 0.5, y + 0.5], axis=1)).max(axis=1)
            assert np.quantile(away, 0.99) < 1e-4
            assert away.max() < 0.1
    outside = targets.instances < 0
    assert not targets.object_coordinates.permute(0, 2, 3, 1)[outside].any()


def test_coordinates_of_a_box_are_those_of_its_front_face(solids: Assets) -> None:
    # Sides 1, 0.7 and 0.5, centred before the camera: its front is the face at low z.
    found = label(scene_of([[1]], torch.tensor([[[0, 0, 2.0]]])), solids, ["object_coordinates"]).object_coordinates
    diagonal = (1 + 0.7**2 + 0.5**2) ** 0.5
    there = found[0].abs().sum(0) > 0
    assert torch.allclose(found[0, 2][there], torch.tensor(0.5 - 0.25 / diagonal))
    assert found[0, 0, SIZE[0] // 2, SIZE[1] // 2].item() == pytest.approx(0.5, abs=0.01)


def test_their_gradient_is_what_a_small_shift_changes(solids: Assets) -> None:
    # A box, whose large faces hardly any pixel's ray misses: at the edges of triangles a derivative is one-sided.
    turn = torch.linalg.matrix_exp(torch.tensor([[0.0, -0.3, 0.5], [0.3, 0, -0.4], [-0.5, 0.4, 0]]))
    scene = scene_of([[1]], torch.tensor([[[0.1, 0.0, 2.0]]]), rotation=turn[None, None])
    direction, seen = torch.tensor([[[0.3, -0.5, 0.8]]]), see(scene, solids)

    def coordinates(translation: torch.Tensor) -> torch.Tensor:
        moved: Scene = replace(scene, poses=replace(scene.poses, translation=translation))
        # What is seen stays as it was: a derivative knows no other triangle.
        targets = labels.label(
            moved, solids, place(moved, solids.bank), seen, config(["object_coordinates", "ignored"])
        )
        assert targets.object_coordinates is not None
        return targets.object_coordinates

    start = scene.poses.translation.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(coordinates(start).double().square().sum(), start)
    step = 1e-3 * direction
    high, low = (coordinates(scene.poses.translation + s).double().square().sum() for s in (step, -step))
    expected = (high - low) / 2e-3
    assert (gradient * direction).sum().item() == pytest.approx(expected.item(), rel=0.02)
