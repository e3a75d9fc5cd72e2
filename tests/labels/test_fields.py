"""Targets of hand-made scenes against objects rendered alone, files' own vertices, pycocotools and sums by hand."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from pycocotools import mask as coco

from ondr import labels
from ondr.assets.bank import Assets
from ondr.config import Config
from ondr.labels.fields import FIELDS
from ondr.loop.dataset import RandomizedScenes
from ondr.place import place
from ondr.scene import Structure
from tests.labels.made import (
    ALL,
    SIZE,
    config,
    label,
    only,
    random_scene,
    scene_of,
    see,
    solid_meshes,
    through_lens,
)


def test_every_output_has_a_field() -> None:
    assert set(FIELDS) == set(ALL)


@pytest.mark.parametrize("seed", range(3))
def test_boxes_and_masks_agree_with_pycocotools(solids: Assets, seed: int) -> None:
    targets = label(random_scene(seed), solids)
    for image, k in np.ndindex(*targets.labels.shape):
        mask = (targets.instances[image] == k).numpy()
        x, y, width, height = coco.toBbox(coco.encode(np.asfortranarray(mask, dtype=np.uint8)))
        assert targets.boxes[image, k].tolist() == [x, y, x + width, y + height]
        assert (targets.labels[image, k] >= 0) == mask.any()


@pytest.mark.parametrize("seed", range(3))
def test_visibility_agrees_with_each_object_alone(solids: Assets, seed: int) -> None:
    scene = random_scene(seed)
    targets = label(scene, solids)
    for k in range(scene.num_objects):
        alone = label(only(scene, k), solids, ["instances", "ignored"])
        whole = (alone.instances == k).sum((1, 2))
        shown = (targets.instances == k).sum((1, 2))
        expected = torch.where(shown > 0, shown / whole.clamp_min(1), 0.0)
        assert torch.equal(targets.visibility[:, k], expected)
    shares = targets.visibility[targets.labels >= 0]
    assert shares.min() < 0.5 < shares.max(), "the scene must be crowded to say anything"


@pytest.mark.parametrize("seed", range(3))
def test_only_what_is_asked_for_is_there(solids: Assets, seed: int) -> None:
    scene = random_scene(seed)
    whole = label(scene, solids)
    for name in ALL:
        part = label(scene, solids, [name, "ignored"])
        assert torch.equal(getattr(part, name), getattr(whole, name))
        assert all(getattr(part, other) is None for other in ALL if other not in (name, "ignored"))


@pytest.mark.parametrize("seed", range(3))
def test_fields_have_their_types_and_holes(solids: Assets, seed: int) -> None:
    scene = random_scene(seed, meshes=2)
    targets = label(scene, solids)
    batch, count = 4, 5
    hole = targets.labels < 0
    shapes = {
        "boxes": (torch.float32, (batch, count, 4)),
        "boxes_amodal": (torch.float32, (batch, count, 4)),
        "labels": (torch.int64, (batch, count)),
        "mesh_ids": (torch.int64, (batch, count)),
        "visibility": (torch.float32, (batch, count)),
        "truncation": (torch.float32, (batch, count)),
        "ignored": (torch.bool, (batch, count)),
        "instances": (torch.int16, (batch, *SIZE)),
        "depth": (torch.float32, (batch, 1, *SIZE)),
        "normals": (torch.float32, (batch, 3, *SIZE)),
        "camera_from_object": (torch.float32, (batch, count, 4, 4)),
        "scale": (torch.float32, (batch, count, 3)),
        "intrinsics": (torch.float32, (batch, 3, 3)),
        "camera_from_world": (torch.float32, (batch, 4, 4)),
        "semantic": (torch.int16, (batch, *SIZE)),
        "amodal_masks": (torch.bool, (batch, count, *SIZE)),
        "stencil": (torch.int32, (batch, *SIZE)),
        "object_coordinates": (torch.float32, (batch, 3, *SIZE)),
        "optical_flow": (torch.float32, (batch, 2, *SIZE)),
        "symmetries": (torch.float32, (batch, count, 1, 4, 4)),
        "boxes_3d": (torch.float32, (batch, count, 8, 3)),
        "boxes_3d_image": (torch.float32, (batch, count, 8, 2)),
        "keypoints": (torch.float32, (batch, count, 3, 3)),
        "keypoints_3d": (torch.float32, (batch, count, 3, 3)),
    }
    for name, (dtype, shape) in shapes.items():
        field = getattr(targets, name)
        assert (field.dtype, tuple(field.shape)) == (dtype, shape), name
        if shape[1:2] == (count,):
            assert (field[hole] == (-1 if name in ("labels", "mesh_ids") else 0)).all(), name
    meshes = scene.poses.mesh[:, :count].long()
    assert torch.equal(targets.mesh_ids[~hole], meshes[~hole])
    assert torch.equal(targets.labels[~hole], torch.tensor([1, 0, 1])[meshes[~hole]])


def on(value, device: str):
    """A dataclass of tensors on a device; sample ids and what is known on the host stay there."""
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if not is_dataclass(value) or isinstance(value, Structure):
        return value
    found = {f.name: getattr(value, f.name) for f in fields(value)}
    return replace(value, **{n: v if n == "sample_ids" else on(v, device) for n, v in found.items()})


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.cuda)])
@pytest.mark.parametrize("lens", [False, True])
def test_the_same_ids_give_the_same_labels_on_every_device(solids: Assets, device: str, lens: bool) -> None:
    scene = random_scene(6)
    scene = through_lens(scene, -0.2, 0.05, 0.001, -0.002, 0.0) if lens else scene
    # What the rasterizers see is compared elsewhere: here, both get the same ids.
    outputs = [name for name in ALL if name != "amodal_masks"]
    seen, cfg = see(scene, solids), config(outputs)
    expected = labels.label(scene, solids, place(scene, solids.bank), seen, cfg)
    there, assets = on(scene, device), on(solids, device)
    found = labels.label(there, assets, place(there, assets.bank), on(seen, device), cfg)
    assert found.names() == expected.names()
    for name in expected.names():
        assert getattr(found, name).device.type == device
        # float32 in another order: some 1e-6 of a few metres, and 100 pixels for each at a metre.
        torch.testing.assert_close(getattr(found, name).cpu(), getattr(expected, name), rtol=1e-4, atol=2e-3)


def test_batched_equals_one_by_one(solids: Assets) -> None:
    scene = random_scene(5)
    whole = label(scene, solids)
    for i in range(4):
        one = label(scene.rows(slice(i, i + 1)), solids)
        for name in ALL:
            torch.testing.assert_close(getattr(one, name)[0], getattr(whole, name)[i])


def test_distractors_hide_but_are_never_labelled(solids: Assets) -> None:
    # A box before another one: as a distractor it hides it wholly, and has no label itself.
    scene = scene_of([[1, 1]], torch.tensor([[[0, 0, 6.0], [0, 0, 2.0]]]), num_objects=1)
    targets = label(scene, solids)
    assert targets.labels.tolist() == [[-1]]
    assert (targets.instances == -1).all()
    for field in (targets.boxes, targets.boxes_amodal, targets.camera_from_object):
        assert not field.any()
    assert (targets.depth > 0).any()


def test_cut_by_the_frame_but_not_hidden(solids: Assets) -> None:
    # A unit box at z = 2 (front face at 1.75) whose centre lies on the left edge: x = -64 / 100 * 2.
    scene = scene_of([[1]], torch.tensor([[[-1.28, 0, 2.0]]]))
    targets = label(scene, solids)
    assert targets.visibility.tolist() == [[1.0]]
    # x runs from -1.78 on the front face (z = 1.75) to -0.78 on the rear one (z = 2.25); 100 pixels per unit slope.
    x1, x2 = 64 - 178 / 1.75, 64 - 78 / 2.25
    assert targets.truncation.item() == pytest.approx(-x1 / (x2 - x1), abs=1e-5)


@pytest.mark.parametrize(
    ("limits", "ignored"),
    [
        ({"min_visibility": 0.0, "min_pixels": 1, "max_truncation": 1.0}, [False, False]),
        ({"min_visibility": 0.9, "min_pixels": 1, "max_truncation": 1.0}, [False, True]),
        ({"min_visibility": 0.0, "min_pixels": 1000, "max_truncation": 1.0}, [False, True]),
        ({"min_visibility": 0.0, "min_pixels": 1, "max_truncation": 0.4}, [True, False]),
    ],
)
def test_ignored_by_each_limit(solids: Assets, limits: dict[str, float], ignored: list[bool]) -> None:
    # The first box is large and cut by the frame, the second small and partly behind a third, a distractor.
    places = torch.tensor([[[-1.28, 0, 2.0], [0.6, 0, 5.0], [0.28, 0, 2.5]]])
    scale = torch.tensor([1.0, 1.0, 0.5])[None, :, None].expand(1, 3, 3)
    targets = label(scene_of([[1, 1, 1]], places, num_objects=2, scale=scale), solids, **limits)
    assert 0 < targets.visibility[0, 1] < 0.9
    assert targets.ignored.tolist() == [ignored]
    # What is ignored keeps its label, its box and its pixels.
    assert (targets.labels >= 0).all()
    assert (targets.boxes[..., 2] > 0).all()
    assert (targets.instances == 1).any()


def test_what_is_below_the_limits_is_a_hole_unless_ignored_is_asked_for(solids: Assets) -> None:
    scene = random_scene(2)
    whole = label(scene, solids, min_visibility=0.5)
    assert whole.ignored.any()
    part = label(scene, solids, [name for name in ALL if name != "ignored"], min_visibility=0.5)
    kept = (whole.labels >= 0) & ~whole.ignored
    assert torch.equal(part.labels >= 0, kept)
    assert torch.equal(part.boxes, whole.boxes * kept[..., None])
    assert torch.equal(part.visibility, whole.visibility * kept)
    for image, k in np.ndindex(*kept.shape):
        expected = (whole.instances[image] == k) & kept[image, k]
        assert torch.equal(part.instances[image] == k, expected)


def test_a_mirrored_camera_mirrors_the_labels(solids: Assets) -> None:
    scene = random_scene(1)
    flip = torch.tensor([[-1.0, 0, SIZE[1]], [0, 1, 0], [0, 0, 1]])
    mirrored = replace(scene, camera=replace(scene.camera, intrinsics=flip @ scene.camera.intrinsics))
    one, other = label(scene, solids), label(mirrored, solids)
    # A pixel centre exactly on an edge may belong to the neighbour once left and right are exchanged.
    assert (one.instances == other.instances.flip(-1)).float().mean() > 0.9999
    sides = SIZE[1] - one.boxes_amodal[..., [2, 0]]
    expected = torch.where(one.labels[..., None] >= 0, sides, 0.0)
    torch.testing.assert_close(other.boxes_amodal[..., [0, 2]], expected, rtol=0, atol=1e-3)
    torch.testing.assert_close(other.camera_from_object, one.camera_from_object)
    # Seen through the mirror, the same points have the same depth and normals.
    same = (one.depth - other.depth.flip(-1)).abs() < 1e-4
    assert same.float().mean() > 0.999


def test_depth_and_normals_of_a_sphere(solids: Assets) -> None:
    center = torch.tensor([0.2, -0.1, 3.0])
    targets = label(scene_of([[0]], center[None, None]), solids)
    y, x = torch.meshgrid(torch.arange(SIZE[0]) + 0.5, torch.arange(SIZE[1]) + 0.5, indexing="ij")
    depth = targets.depth[0, 0]
    point = torch.stack([(x - 64) / 100 * depth, (y - 48) / 100 * depth, depth])
    outward = point - center[:, None, None]
    seen = targets.instances[0] == 0
    # The mesh lies inside the sphere of radius 0.6: a facet of an icosphere of 320 faces is at most 3 % below it.
    radius = outward.norm(dim=0)[seen]
    assert 0.58 < radius.min() <= radius.max() < 0.6001
    cosine = (outward / outward.norm(dim=0) * targets.normals[0]).sum(0)[seen]
    assert cosine.min() > 0.99
    assert not depth[~seen].any()
    assert not targets.normals[0][:, ~seen].any()


def test_images_without_objects_and_empty_batches(solids: Assets) -> None:
    empty = label(scene_of([[-1, -1]], torch.zeros(1, 2, 3)), solids)
    assert empty.labels.tolist() == [[-1, -1]]
    assert not empty.boxes.any()
    assert (empty.instances == -1).all()
    none = label(scene_of([[-1, 1]], torch.zeros(1, 2, 3) + 3, num_objects=0), solids)
    assert none.labels.shape == (1, 0)
    assert none.boxes.shape == (1, 0, 4)


@pytest.mark.parametrize("seed", range(3))
def test_the_files_own_vertices_hit_the_amodal_box(solids: Assets, seed: int) -> None:
    check_vertices(label(random_scene(seed), solids), [mesh.vertices for mesh in solid_meshes()])


@pytest.mark.parametrize(
    ("folder", "unit"), [("fruit/meshes", "m"), ("parts/meshes", "mm"), ("household/meshes/cup", "unit")]
)
def test_real_files_own_vertices_hit_the_amodal_box(test_data: Path, folder: str, unit: str) -> None:
    outputs = ["labels", "mesh_ids", "boxes_amodal", "camera_from_object", "scale", "intrinsics"]
    cfg = Config(
        outputs=outputs,
        image_size=(96, 128),
        device="cpu",
        objects={"meshes": str(test_data / folder), "unit": unit},
        distractors={"count": 0},
        materials={"textures": None},
        render={"compile": False, "antialias": False},
        assets={"progress": False},
    )
    scenes = RandomizedScenes(cfg)
    files = [trimesh.load(path, force="mesh", process=False).vertices for path in scenes.assets.mesh_paths]
    check_vertices(scenes.render(range(8)).targets, files)


def check_vertices(targets, files: list[np.ndarray]) -> None:
    """Projects each file's vertices with the labels alone, in float64, and compares with the amodal boxes."""
    found = (targets.labels >= 0).nonzero().tolist()
    assert len(found) > 5
    for image, k in found:
        vertices = torch.tensor(np.asarray(files[targets.mesh_ids[image, k]]))
        pose, scale = targets.camera_from_object[image, k].double(), targets.scale[image, k].double()
        camera = (vertices * scale) @ pose[:3, :3].T + pose[:3, 3]
        pixels = camera @ targets.intrinsics[image].double().T
        pixels = pixels[:, :2] / pixels[:, 2:]
        expected = torch.cat([pixels.amin(0), pixels.amax(0)])
        # float32 keeps a pose to 1e-7 of a metre: well within a thousandth of a pixel.
        torch.testing.assert_close(targets.boxes_amodal[image, k].double(), expected, rtol=0, atol=1e-3)
