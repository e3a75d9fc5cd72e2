"""Whole sets, read back by their owner's reader or by one written here from the specification, against the Batch."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
import yaml
from PIL import Image
from pycocotools.coco import COCO

from ondr.batch import Batch
from tests.export.conftest import COUNT

# pycocotools 2.0 lacks an argument that numpy 2 passes on.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword")
Sets = Callable[[str], Path]
PICTURES = {
    "coco": "images/{:06d}.png",
    "yolo": "images/{:06d}.png",
    "kitti": "training/image_2/{:06d}.png",
    "bop": "train/000000/rgb/{:06d}.png",
    "ndds": "{:06d}.png",
}


def slots(batch: Batch, row: int) -> list[int]:
    return batch.targets.valid[row].nonzero()[:, 0].tolist()


def test_the_batch_holds_what_the_tests_are_about(batch: Batch) -> None:
    counts = [len(slots(batch, row)) for row in range(COUNT)]
    assert 0 in counts
    assert max(counts) > 1


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_those_of_the_batch(sets: Sets, batch: Batch, name: str) -> None:
    for row in range(COUNT):
        picture = np.asarray(Image.open(sets(name) / PICTURES[name].format(row)))
        known = (batch.images[row] * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
        # Rendered in chunks of two and by one thread there: the last bit of a float may tip the rounding.
        assert np.abs(picture.astype(int) - known.astype(int)).max() <= 1


def test_coco_is_read_by_pycocotools(sets: Sets, batch: Batch) -> None:
    coco = COCO(str(sets("coco") / "annotations" / "instances.json"))
    assert sorted(coco.imgs) == list(range(COUNT))
    assert [coco.cats[number]["name"] for number in sorted(coco.cats)] == ["cube", "pyramid"]
    for row in range(COUNT):
        assert (sets("coco") / "images" / coco.imgs[row]["file_name"]).is_file()
        counted = [a for a in coco.loadAnns(coco.getAnnIds(imgIds=[row])) if not a["iscrowd"]]
        assert len(counted) == len(slots(batch, row))
        for annotation, slot in zip(counted, slots(batch, row), strict=True):
            assert annotation["category_id"] == int(batch.targets.labels[row, slot]) + 1
            x, y, width, height = annotation["bbox"]
            assert [x, y, x + width, y + height] == batch.targets.boxes[row, slot].tolist()
            drawn = coco.annToMask(annotation).astype(bool)
            assert np.array_equal(drawn, (batch.targets.instances[row] == slot).numpy())


def test_yolo_gives_the_boxes_back(sets: Sets, batch: Batch) -> None:
    described = yaml.safe_load((sets("yolo") / "data.yaml").read_text())
    assert described["names"] == {0: "cube", 1: "pyramid"}
    for row in range(COUNT):
        text = (sets("yolo") / described["val"].replace("images", "labels") / f"{row:06d}.txt").read_text()
        found = np.array([[float(word) for word in line.split()] for line in text.splitlines()]).reshape(-1, 5)
        middle, sides = found[:, 1:3] * [64, 48], found[:, 3:] * [64, 48]
        corners = np.concatenate([middle - sides / 2, middle + sides / 2], axis=1)
        known = batch.targets.boxes[row, slots(batch, row)].numpy()
        # Six digits of a share of 64 pixels.
        np.testing.assert_allclose(corners, known, atol=1e-4)
        assert found[:, 0].tolist() == batch.targets.labels[row, slots(batch, row)].tolist()


def test_kittis_boxes_hold_the_objects_they_project(sets: Sets, batch: Batch) -> None:
    root = sets("kitti") / "training"
    for row in range(COUNT):
        lines = [line.split() for line in (root / "label_2" / f"{row:06d}.txt").read_text().splitlines()]
        counted = [words for words in lines if words[0] != "DontCare"]
        calibration = dict(line.split(":") for line in (root / "calib" / f"{row:06d}.txt").read_text().splitlines())
        projection = np.array([float(word) for word in calibration["P2"].split()]).reshape(3, 4)
        assert len(counted) == len(slots(batch, row))
        for words, slot in zip(counted, slots(batch, row), strict=True):
            assert words[0] == ["cube", "pyramid"][int(batch.targets.labels[row, slot])]
            numbers = [float(word) for word in words[1:]]
            known = batch.targets.boxes[row, slot].numpy() - [0, 0, 1, 1]
            np.testing.assert_allclose(numbers[3:7], known, atol=0.005)
            height, width, length, *location, angle = numbers[7:]
            c, s = np.cos(angle), np.sin(angle)
            box = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-1, 0) for z in (-0.5, 0.5)])
            turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
            points = (box * [length, height, width]) @ turn.T + location
            image = np.c_[points, np.ones(8)] @ projection.T
            pixels = image[:, :2] / image[:, 2:] + 0.5
            x1, y1, x2, y2 = batch.targets.boxes_amodal[row, slot].tolist()
            # Metres have four digits: 0.1 mm of objects some centimetres large are a few tenths of a pixel.
            assert pixels[:, 0].min() < x1 + 0.5
            assert pixels[:, 0].max() > x2 - 0.5
            assert pixels[:, 1].min() < y1 + 0.5
            assert pixels[:, 1].max() > y2 - 0.5
            assert -np.pi <= numbers[2] <= np.pi


def test_bops_models_and_poses_give_the_depth_back(sets: Sets, batch: Batch) -> None:
    """Casts rays at the exported models, through the exported cameras: neither is used to render."""
    root = sets("bop")
    scene = root / "train" / "000000"
    gt, info, camera = (
        json.loads((scene / f"{name}.json").read_text()) for name in ("scene_gt", "scene_gt_info", "scene_camera")
    )
    models = json.loads((root / "models" / "models_info.json").read_text())
    compared = 0
    for row in map(str, range(COUNT)):
        depth = np.asarray(Image.open(scene / "depth" / f"{int(row):06d}.png")) * camera[row]["depth_scale"]
        known = batch.targets.depth[int(row), 0].numpy() * 1000
        np.testing.assert_allclose(depth, known, atol=camera[row]["depth_scale"])
        k = np.array(camera[row]["cam_K"]).reshape(3, 3)
        for index, pose in enumerate(gt[row]):
            mask = np.asarray(Image.open(scene / "mask_visib" / f"{int(row):06d}_{index:06d}.png"))
            assert set(np.unique(mask)) <= {0, 255}
            assert (mask > 0).sum() == info[row][index]["px_count_visib"]
            model = trimesh.load(root / "models" / f"obj_{pose['obj_id']:06d}.ply", process=False)
            assert np.ptp(model.vertices, axis=0) == pytest.approx(
                [models[str(pose["obj_id"])][f"size_{axis}"] for axis in "xyz"]
            )
            rotation = np.array(pose["cam_R_m2c"]).reshape(3, 3)
            model.apply_transform(np.r_[np.c_[rotation, pose["cam_t_m2c"]], [[0, 0, 0, 1]]])
            y, x = np.nonzero(mask)
            rays = np.c_[x, y, np.ones(len(x))] @ np.linalg.inv(k).T
            hits, ray, _ = model.ray.intersects_location(np.zeros_like(rays), rays, multiple_hits=False)
            found, seen = hits[:, 2], depth[y[ray], x[ray]]
            # Silhouettes differ by pixels whose centre is within 1/256 of an edge.
            assert len(ray) >= 0.97 * len(x)
            # Half a step of the depth image, and float32 of distances of some metres.
            assert np.median(np.abs(found - seen)) < camera[row]["depth_scale"]
            compared += 1
    assert compared > 3


def test_ndds_poses_and_maps_are_those_of_the_batch(sets: Sets, batch: Batch) -> None:
    root = sets("ndds")
    settings = json.loads((root / "_object_settings.json").read_text())
    assert settings["exported_object_classes"] == ["cube", "pyramid"]
    for row in range(COUNT):
        objects = json.loads((root / f"{row:06d}.json").read_text())["objects"]
        seen = np.asarray(Image.open(root / f"{row:06d}.is.png"))
        classes = np.asarray(Image.open(root / f"{row:06d}.cs.png"))
        depth = np.asarray(Image.open(root / f"{row:06d}.depth.mm.16.png"))
        np.testing.assert_allclose(depth, batch.targets.depth[row, 0].numpy() * 1000, atol=0.51)
        assert np.array_equal(seen, batch.targets.instances[row].numpy() + 1)
        assert len(objects) == len(slots(batch, row))
        for entry, slot in zip(objects, slots(batch, row), strict=True):
            assert set(classes[seen == entry["instance_id"]]) <= {int(batch.targets.labels[row, slot]) + 1}
            pose = batch.targets.camera_from_object[row, slot].double().numpy()
            x, y, z, w = entry["quaternion_xyzw"]
            rotation = trimesh.transformations.quaternion_matrix([w, x, y, z])[:3, :3]
            np.testing.assert_allclose(rotation, pose[:3, :3], atol=1e-6)
            np.testing.assert_allclose(np.array(entry["location"]) / 100, pose[:3, 3], rtol=1e-6)
            permuted, p = np.array(entry["pose_transform_permuted"]), np.array([[0, 0, 1], [1, 0, 0], [0, -1, 0]])
            np.testing.assert_allclose(permuted[:3, :3].T @ p, pose[:3, :3], atol=1e-6)
            inside, whole = np.array(entry["projected_cuboid"]), batch.targets.boxes_amodal[row, slot].numpy()
            assert (inside.min(axis=0) <= whole[:2] + 1e-2).all()
            assert (inside.max(axis=0) >= whole[2:] - 1e-2).all()


def test_a_jpeg_set_is_smaller_and_close(cfg, sets: Sets, tmp_path: Path) -> None:
    from ondr.export import write

    write(cfg, tmp_path, "yolo", 2, workers=0, image_format="jpeg")
    exact = np.asarray(Image.open(sets("yolo") / "images" / "000001.png")).astype(int)
    lossy = np.asarray(Image.open(io.BytesIO((tmp_path / "images" / "000001.jpg").read_bytes()))).astype(int)
    # A wrong order of channels or rows would be off by tens.
    assert np.abs(exact - lossy).mean() < 8
