"""Keypoints: where the files' own points project, and whether rays reach them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh
from torch import Tensor

from ondr.assets.bank import Annotations, Assets
from ondr.batch import Targets
from ondr.place import place
from ondr.scene import Scene
from tests.labels.made import SIZE, assets_of, label, random_scene, scene_of, solid_meshes, through_lens

OUTPUTS = ["keypoints", "keypoints_3d", "labels", "instances", "depth"]


def with_keypoints(number: int) -> Assets:
    """The solids with points on their surfaces, away from vertices and edges."""
    solids = assets_of(solid_meshes(), (1, 0, 1))
    points = [
        trimesh.sample.sample_surface(mesh, number, seed=7)[0] - mesh.bounds.mean(axis=0) for mesh in solid_meshes()
    ]
    notes = Annotations(
        keypoint_names=(tuple(map(str, range(number))),) * 2,
        keypoints=torch.tensor(np.stack(points)).float(),
        has_keypoint=torch.ones(3, number, dtype=torch.bool),
    )
    return replace(solids, annotations=notes)


def rays_reach(scene: Scene, assets: Assets, image: int, points: Tensor) -> np.ndarray:
    """Whether nothing lies between the camera and points of an image, by ray casting."""
    at = place(scene, assets.bank).camera_from_bank[image].double().numpy()
    placed = []
    for matrix, row in zip(at, scene.poses.mesh[image].tolist(), strict=True):
        if row >= 0:
            mesh = solid_meshes()[row]
            mesh.apply_translation(-mesh.bounds.mean(axis=0))
            placed.append(mesh.apply_transform(np.vstack([matrix, [0, 0, 0, 1]])))
    world = trimesh.util.concatenate(placed)
    towards = points.double().numpy()
    # Half a percent before the point: embree counts in float32, and the point itself lies on a surface.
    triangle, ray = world.ray.intersects_id(np.zeros_like(towards), towards, multiple_hits=False)
    reached = np.ones(len(towards), bool)
    hit = world.triangles[triangle]
    normal = np.cross(hit[:, 1] - hit[:, 0], hit[:, 2] - hit[:, 0])
    share = (normal * hit[:, 0]).sum(1) / (normal * towards[ray]).sum(1)
    reached[ray] = share > 0.995
    return reached


def at_an_edge(targets: Targets, image: int, xy: Tensor) -> Tensor:
    """Whether another thing, or another depth, is seen within a pixel of some places: there, the pixel's own centre may
    see what the place does not."""
    column, row = xy.long().unbind(-1)
    edge = torch.zeros_like(targets.instances[image], dtype=torch.bool)
    for plane, ratio in ((targets.instances[image] + 2, 1.0), (targets.depth[image, 0] + 1e-3, 1.15)):
        low, high = (s * torch.nn.functional.max_pool2d(s * plane[None].float(), 3, 1, 1)[0] for s in (-1.0, 1.0))
        edge |= high / low > ratio
    return edge[row, column]


@pytest.mark.parametrize("lens", [False, True])
def test_keypoints_are_visible_where_rays_reach_them(lens: bool) -> None:
    assets, states, wrong, clear = with_keypoints(60), [], 0, 0
    for seed in range(3):
        scene = random_scene(seed)
        scene = through_lens(scene, -0.2, 0.05, 0.001, -0.002, 0.0) if lens else scene
        targets = label(scene, assets, OUTPUTS)
        for image in range(4):
            inside = targets.keypoints[image, ..., 2] > 0
            points, found = targets.keypoints_3d[image][inside], targets.keypoints[image][inside]
            reached = torch.tensor(rays_reach(scene, assets, image, points))
            undisputed = ~at_an_edge(targets, image, found[:, :2])
            wrong += ((found[:, 2] == 2) != reached)[undisputed].sum().item()
            clear += undisputed.sum().item()
            states += found[:, 2].tolist()
    assert 0.2 < np.mean(np.array(states) == 2) < 0.8
    assert clear > 0.6 * len(states)
    assert wrong <= 0.005 * clear


def test_places_are_those_of_the_points(solids: Assets) -> None:
    scene = random_scene(4)
    targets = label(scene, solids, OUTPUTS)
    meshes, k = solid_meshes(), scene.camera.intrinsics[0].double()
    at = place(scene, solids.bank).camera_from_bank.double()
    number = 0
    for image, slot in (targets.labels >= 0).nonzero().tolist():
        mesh = meshes[scene.poses.mesh[image, slot]]
        points = torch.tensor(mesh.vertices[:3] - mesh.bounds.mean(axis=0))
        camera = points @ at[image, slot, :, :3].T + at[image, slot, :, 3]
        torch.testing.assert_close(targets.keypoints_3d[image, slot].double(), camera, rtol=0, atol=5e-6)
        pixel = camera @ k.T
        pixel = pixel[:, :2] / pixel[:, 2:]
        inside = (pixel >= 0).all(1) & (pixel < torch.tensor([SIZE[1], SIZE[0]])).all(1)
        found = targets.keypoints[image, slot].double()
        assert torch.equal(found[:, 2] > 0, inside)
        torch.testing.assert_close(found[inside, :2], pixel[inside], rtol=0, atol=1e-3)
        assert not found[~inside].any()
        number += int(inside.sum())
    assert number > 10


def test_what_a_mesh_does_not_have_is_absent(solids: Assets) -> None:
    has = torch.tensor([[True, False, True], [True, True, True], [False, False, False]])
    lacking = replace(solids, annotations=replace(solids.annotations, has_keypoint=has))
    targets = label(scene_of([[0, 2]], torch.tensor([[[-0.5, 0, 3.0], [0.5, 0, 3.0]]])), lacking, OUTPUTS)
    assert (targets.labels >= 0).all()
    assert not targets.keypoints[0, 0, 1].any()
    assert targets.keypoints[0, 0, ::2, 2].all()
    assert not targets.keypoints[0, 1].any()
    assert not targets.keypoints_3d[0, 1].any()


def test_no_mesh_has_a_keypoint(solids: Assets) -> None:
    none = Annotations(keypoints=torch.zeros(3, 0, 3), has_keypoint=torch.zeros(3, 0, dtype=torch.bool))
    targets = label(random_scene(0), replace(solids, annotations=none), OUTPUTS)
    assert targets.keypoints.shape == (4, 5, 0, 3)
