"""Poses: errors against SciPy, geometry against a projection by hand, symmetric flips, and files that are wrong."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation
from torch import Tensor

from benchmarks.transfer.pose import Seen, judge
from benchmarks.transfer.pose_photos import PosePhotos, pose_photos, read_poses
from benchmarks.transfer.symmetries import with_symmetries

# isort: split
from pose_crops import Crops, cut
from pose_errors import Truth, angles, distances, nearness, pose_loss, turned_by
from pose_fit import box_fit
from pose_network import PoseNetwork, towards, turn
from pose_objects import Objects


def rotations(count: int, seed: int) -> Tensor:
    return torch.tensor(Rotation.random(count, random_state=seed).as_matrix(), dtype=torch.float32)


def bars(symmetric: bool) -> Objects:
    """Returns two bars, of which half a turn about z brings either onto itself; whether that is said of the second."""
    half = torch.tensor(np.random.default_rng(0).uniform(-1, 1, (40, 3)) * (5, 2, 1), dtype=torch.float32)
    points = torch.cat([half, half * torch.tensor([-1.0, -1.0, 1.0])])
    same = torch.diag(torch.tensor([-1.0, -1.0, 1.0, 1.0]))
    none = torch.eye(4).repeat(2, 1, 1)
    said = torch.stack([none, torch.stack([torch.eye(4), same]) if symmetric else none])
    return Objects(points.repeat(2, 1, 1), torch.zeros(2, 3), torch.full((2,), 11.0), said)


def truth(count: int = 6) -> Truth:
    poses = torch.eye(4).repeat(count, 1, 1)
    poses[:, :3, :3], poses[:, :3, 3] = rotations(count, 1), torch.tensor([0.01, -0.02, 0.4])
    return bars(symmetric=True).placed(torch.arange(count) % 2, poses, torch.full((count,), 0.001))


def test_distances_are_those_of_a_kd_tree() -> None:
    true = truth()
    turned, moved = rotations(6, 2), true.translations + torch.tensor([0.001, 0, -0.002])
    found = distances(turned, moved, true)
    for k in range(6):
        placed = (true.points[k] @ true.rotations[k, 0].T + true.translations[k]).numpy()
        seen = (true.points[k] @ turned[k].T + moved[k]).numpy()
        apart = cKDTree(seen).query(placed)[0] if k % 2 else np.linalg.norm(placed - seen, axis=1)
        # float32, of lengths of 0.4 m around distances of millimetres.
        assert float(found[k]) == pytest.approx(apart.mean() / 0.011, abs=1e-4)


def test_a_flip_is_right_for_what_looks_the_same_alone() -> None:
    true = truth()
    flipped = true.rotations[:, 0] @ torch.diag(torch.tensor([-1.0, -1.0, 1.0]))
    right = distances(flipped, true.translations, true) < 0.1
    assert right.tolist() == [False, True] * 3
    torch.testing.assert_close(angles(flipped, true), torch.tensor([180.0, 0.0] * 3), atol=0.1, rtol=0)  # acos near 1
    assert (turned_by(flipped[:, None], true)[1::2] < 1e-4).all()


def test_the_nearest_anchor_is_the_one_at_the_true_pose() -> None:
    true, anchors = truth(), rotations(20, 3)
    anchors[7] = towards(true.translations)[0].T @ true.rotations[0, 0]
    near = nearness(anchors, true)
    assert int(near[0].argmax()) == 7
    torch.testing.assert_close(near.sum(1), torch.ones(6))


def test_turns_are_rotations_by_twice_the_arctangent() -> None:
    v = torch.tensor([[0.3, -0.2, 0.1], [0.0, 0.0, 0.0]])
    angle = 2 * np.arctan(np.linalg.norm(v[0]))
    expected = Rotation.from_rotvec(v[0].numpy() / np.linalg.norm(v[0]) * angle).as_matrix()
    torch.testing.assert_close(turn(v)[0], torch.tensor(expected, dtype=torch.float32))
    torch.testing.assert_close(turn(v)[1], torch.eye(3))


def test_the_network_looks_at_the_picture() -> None:
    torch.manual_seed(0)
    true, images = truth(), torch.rand(6, 3, 64, 64)
    squares, boxes = torch.tensor([[80.0, 60, 26]]).expand(6, 3), torch.tensor([[70.0, 55, 90, 65]]).expand(6, 4)
    k = torch.tensor([[150.0, 0, 80], [0, 155, 60], [0, 0, 1]]).expand(6, 3, 3)
    crops = Crops(images, squares, boxes, k, torch.zeros(6, dtype=torch.long))
    model = PoseNetwork(true.points[:1], depths=torch.linspace(0.3, 0.5, 50))
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3)
    for _ in range(60):
        optimizer.zero_grad()
        pose_loss(model(crops), true).backward()
        optimizer.step()
    # Boxes, classes and cameras are the same: six poses can be told apart by nothing but the pictures. With those of
    # others, whose poses are random as well, most are further off than any of its own.
    own, others = (angles(model(replace(crops, images=i)).best()[0], true) for i in (images, images.flip(0)))
    assert own.max().item() < 30
    assert others.median().item() > own.max().item()


def seen_through(k: Tensor, true: Truth) -> Tensor:
    """Returns the boxes of true poses."""
    pixels = (true.points @ true.rotations[:, 0].mT + true.translations[:, None]) @ k.T
    pixels = pixels[..., :2] / pixels[..., 2:]
    return torch.cat([pixels.amin(1), pixels.amax(1)], dim=1)


def crops_at(true: Truth) -> Crops:
    """Returns grey crops around true poses."""
    k = torch.tensor([[1500.0, 0, 800], [0, 1550, 600], [0, 0, 1]])
    boxes, n = seen_through(k, true), len(true.diameters)
    squares = torch.cat([(boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]).amax(1, keepdim=True)], dim=1)
    return Crops(torch.zeros(n, 3, 64, 64), squares, boxes, k.expand(n, 3, 3), torch.arange(n) % 2)


def test_a_box_says_how_much_further_away_its_object_is() -> None:
    true = truth()
    crops = crops_at(true)
    fit = box_fit(true.points, true.rotations[:, 0], torch.tensor(0.1), crops)
    # At a quarter of the distance four times as large. The bars are a hundredth of that distance deep, and of the
    # nearer one a ninth, which makes near ends larger.
    torch.testing.assert_close(fit[:, :2], torch.full((6, 2), math.log(4)), atol=0.1, rtol=0)
    fit = box_fit(true.points, true.rotations[:, 0], true.translations[0, 2], crops)
    torch.testing.assert_close(fit[:, :2], torch.zeros(6, 2), atol=0.01, rtol=0)
    # Bars look the same from both ends, and so their middle is that of the box, but for perspective: their near ends
    # are up to 5.5 mm of 400 nearer, as much as 1.4 percent larger than the mean, on either side of the ray.
    assert fit[:, 2:].abs().max() < 0.03


def test_a_depth_is_chosen_where_objects_are_and_not_between() -> None:
    torch.manual_seed(0)
    near, far = truth(), truth()
    far.translations = 1.5 * far.translations
    true = Truth(*(torch.cat([getattr(t, f.name) for t in (near, far)]) for f in fields(Truth)))
    crops = crops_at(true)
    # Nothing tells them apart: not the pictures, and not the boxes, which are those of the near ones.
    crops = replace(crops, boxes=crops.boxes[:6].repeat(2, 1), squares=crops.squares[:6].repeat(2, 1))
    model = PoseNetwork(true.points[:2], depths=true.translations[:, 2].repeat(20))
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3)
    for _ in range(40):
        optimizer.zero_grad()
        pose_loss(model(crops), true).backward()
        optimizer.step()
    depth = model(crops).best()[1][:, 2]
    mounts = true.translations[[0, 6], 2]
    assert ((depth[:, None] / mounts).log().abs().amin(1) < 0.02).all(), depth


def test_poses_are_read_in_full_precision() -> None:
    true = truth()
    model = PoseNetwork(true.points[:2], depths=true.translations[:, 2])
    with torch.autocast("cpu", torch.bfloat16):
        guesses = model(crops_at(true))
    assert {getattr(guesses, field.name).dtype for field in fields(guesses)} == {torch.float32}


def test_images_without_objects_are_passed_over() -> None:
    images, which = torch.rand(3, 3, 32, 32), torch.tensor([0, 2, 2])
    squares = torch.tensor([[16.0, 16, 32], [16, 16, 32], [8, 8, 16]])
    got = cut(images, which, squares, 32)
    torch.testing.assert_close(got[:2], images[[0, 2]])
    # A quarter of the image, twice as large: its mean is the same, but for the border, which bilinear samples mix.
    assert got[2].mean() == pytest.approx(images[2, :, :16, :16].mean().item(), abs=0.02)


@pytest.fixture
def entry(tmp_path: Path) -> dict:
    """One photo of a bar that lies askew before the camera, twice as large as what is rendered."""
    Image.new("RGB", (320, 240), (10, 20, 30)).save(tmp_path / "one.png")
    turned, moved = rotations(1, 4)[0], [12.0, -8.0, 400.0]
    where = {"R": turned.flatten().tolist(), "t_mm": moved, "bbox_xywh": [100, 80, 40, 20]}
    thing = {"label": "bar", **where, "mask_visib": 90.0}
    k = [300.0, 0, 159.5, 0, 310.0, 119.5, 0, 0, 1]
    hidden = {**thing, "mask_visib": 40.0}
    return {"file": "one.png", "width": 320, "height": 240, "K": k, "objects": [thing, hidden]}


def photos_of(folder: Path, entry: dict) -> PosePhotos:
    objects = bars(symmetric=False)
    one = Objects(objects.points[:1], objects.centres[:1], objects.diameters[:1], objects.symmetries[:1])
    return pose_photos(folder, [entry], ["bar"], one, 0.001, 160)


def test_true_poses_are_right_and_hidden_objects_are_not_scored(tmp_path: Path, entry: dict) -> None:
    photos = photos_of(tmp_path, entry)
    true = photos.truth(0)
    right, turned, labels = judge(photos, 0, Seen(true.rotations[:, 0], true.translations))
    assert right.tolist() == [True]
    assert labels.tolist() == [0]
    assert float(turned) < 0.1
    off = Seen(true.rotations[:, 0], true.translations + torch.tensor([0, 0, 0.0012]))  # a tenth of 11 mm is 1.1 mm
    assert judge(photos, 0, off)[0].tolist() == [False]


def test_photos_are_scaled_with_k_and_boxes(tmp_path: Path, entry: dict) -> None:
    photos = photos_of(tmp_path, entry)
    crops = photos.crops(0)
    assert photos.image(0).size == (160, 120)
    # Pixel centres of K move by a half, and everything is halved.
    torch.testing.assert_close(crops.intrinsics[0], torch.tensor([[150.0, 0, 80], [0, 155, 60], [0, 0, 1]]))
    torch.testing.assert_close(crops.squares[0], torch.tensor([60.0, 45.0, 1.3 * 20]))


def test_wrong_files_are_told(tmp_path: Path, entry: dict) -> None:
    poses = tmp_path / "poses.json"
    poses.write_text(json.dumps([{k: v for k, v in entry.items() if k != "K"}]))
    with pytest.raises(ValueError, match="--poses must be a list of photos with file, width, height, K and objects"):
        read_poses(poses)
    with pytest.raises(ValueError, match=r"--poses must name objects of \['bar'\], got none. Check the labels"):
        photos_of(tmp_path, {**entry, "objects": []})
    with pytest.raises(ValueError, match="--photos must hold what the poses name, got no two.png"):
        photos_of(tmp_path, {**entry, "file": "two.png"})
    (tmp_path / "one.png").write_bytes(b"no photo")
    with pytest.raises(ValueError, match="one.png must be a photo, got .* Remove it from the poses"):
        photos_of(tmp_path, entry).check()


def test_symmetries_lie_beside_links_to_the_meshes(tmp_path: Path) -> None:
    meshes, links, said = tmp_path / "meshes", tmp_path / "links", tmp_path / "said.yaml"
    meshes.mkdir()
    (meshes / "nut.ply").write_text("ply")
    said.write_text("nut: {symmetries_continuous: [{axis: [0, 0, 1], offset: [0, 0, 0]}]}")
    found = with_symmetries(meshes, said, links)
    assert (found / "nut.ply").read_text() == "ply"
    assert json.loads((found / "nut.labels.json").read_text())["symmetries_continuous"][0]["axis"] == [0, 0, 1]
    assert [file.name for file in meshes.iterdir()] == ["nut.ply"]
    said.write_text("bolt: {}")
    with pytest.raises(ValueError, match=r"--symmetries must name meshes of .*, got \['bolt'\]. Remove them"):
        with_symmetries(meshes, said, tmp_path / "others")
