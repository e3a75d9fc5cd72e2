"""Every format against a file written by hand from its owner's specification, whose words are quoted here."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask

from ondr.export.formats import FORMATS
from ondr.export.formats.base import Sample, Source
from tests.export.crate import WRITTEN, crate_image, empty_image

# pycocotools 2.0 lacks an argument that numpy 2 passes on.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword")

CLOSE = 1e-4
"""Relative: the files have six digits, poses are float32."""


def sample(source: Source, name: str, ignored: bool = True) -> Sample:
    return FORMATS[name].sample(source, crate_image(ignored))


def closed(source: Source, name: str, made: Sample) -> dict[str, Any]:
    return dict(FORMATS[name].close(source, [made.record]))


def assert_alike(found: Any, known: Any, place: str = "") -> None:
    """Compares two structures; numbers may differ by rounding."""
    if isinstance(known, dict):
        assert found.keys() == known.keys(), place
        for key, value in known.items():
            assert_alike(found[key], value, f"{place}.{key}")
    elif isinstance(known, list):
        assert len(found) == len(known), place
        for index, value in enumerate(known):
            assert_alike(found[index], value, f"{place}[{index}]")
    elif isinstance(known, int | float):
        assert found == pytest.approx(known, rel=CLOSE, abs=CLOSE), place
    else:
        assert found == known, place


def test_yolo(source: Source) -> None:
    """Ultralytics, "Ultralytics YOLO format": "one row per object in `class x_center y_center width height` format.
    Box coordinates must be in normalized xywh format (from 0 to 1)", "Class numbers should be zero-indexed".
    """
    made = sample(source, "yolo")
    assert made.files["labels/000000.txt"].decode() == (WRITTEN / "yolo.txt").read_text()
    assert "0: traffic crate" in closed(source, "yolo", made)["data.yaml"].decode().replace('"', "")


def test_kitti(source: Source) -> None:
    """KITTI object development kit, readme.txt, "Data Format Description": type, "truncated Float from 0
    (non-truncated) to 1 (truncated)", "occluded Integer (0,1,2,3)", "alpha Observation angle of object, ranging
    [-pi..pi]", "bbox 2D bounding box of object in the image (0-based index): contains left, top, right, bottom pixel
    coordinates", "dimensions 3D object dimensions: height, width, length (in meters)", "location 3D object location
    x,y,z in camera coordinates (in meters)", "rotation_y Rotation ry around Y-axis in camera coordinates [-pi..pi]".
    By hand: heading (0, 0, 1), so rotation_y = -pi/2; alpha = -pi/2 - atan(0.6 / 2); the bottom is 5 cm below 0.3 m.
    """
    made = sample(source, "kitti")
    assert made.files["training/label_2/000000.txt"].decode() == (WRITTEN / "kitti_label.txt").read_text()
    assert made.files["training/calib/000000.txt"].decode() == (WRITTEN / "kitti_calib.txt").read_text()
    assert closed(source, "kitti", made)["ImageSets/train.txt"] == b"000000\n"


def test_bop(source: Source) -> None:
    """BOP toolkit, docs/bop_datasets_format.md: "cam_R_m2c - 3x3 rotation matrix R_m2c (saved row-wise)", "bbox_obj -
    2D bounding box of the object silhouette given by (x, y, width, height)", "px_count_valid - Number of pixels in the
    object silhouette with a valid depth measurement", "visib_fract (= px_count_visib/px_count_all)", "depth_scale -
    Multiply the depth image with this factor to get depth in mm", "Translation vectors: 1 mm". By hand: the diagonal
    of 400 x 200 x 100 mm is 458.26 mm; 72.7 .. 88.9 x 51.4 .. 59.4 hold the pixel centres 73.5 .. 88.5 x 51.5 .. 58.5.
    """
    made = sample(source, "bop", ignored=False)
    files = closed(source, "bop", made)
    names = {"models_info": "models/models_info.json", "camera": "camera.json"}
    scene = {name: f"train/000000/{name}.json" for name in ("scene_gt", "scene_gt_info", "scene_camera")}
    found = {name: json.loads(files[path]) for name, path in (scene | names).items()}
    assert_alike(found, json.loads((WRITTEN / "bop.json").read_text()))


def test_coco(source: Source) -> None:
    """https://cocodataset.org/#format-data: "bbox: [x,y,width,height]", "area: float", "iscrowd: 0 or 1",
    "segmentation: RLE or [polygon]", "Box coordinates are measured from the top left image corner and are 0-indexed".
    The run lengths, which nobody writes by hand, are left to pycocotools.
    """
    found = json.loads(closed(source, "coco", sample(source, "coco"))["annotations/instances.json"])
    codes = [annotation.pop("segmentation") for annotation in found["annotations"]]
    assert_alike({name: found[name] for name in ("images", "annotations", "categories")}, written_coco())
    for code, slot in zip(codes, (0, 1), strict=True):
        mask = (crate_image().targets.instances[0] == slot).numpy()
        assert np.array_equal(coco_mask.decode(code), mask)


def written_coco() -> Any:
    return json.loads((WRITTEN / "coco.json").read_text())


def test_ndds(source: Source) -> None:
    """Readme of Falling Things, "Annotation files": "visibility, defined as the percentage of the object that is not
    occluded", "XYZ position (in centimeters) and orientation (location and quaternion_xyzw)", "A^T * P" with
    `pose_transform_permuted` A; "Coordinate frames": "FrontTopRight [0], FrontTopLeft [1], FrontBottomLeft [2], ...",
    "from the point of view of viewing the front from inside the object, the X axis points to the right, the Y axis
    points down, and the Z axis points forward". NDDS writes boxes as rows before columns.
    """
    image = crate_image(ignored=False)
    made = FORMATS["ndds"].sample(source, image)
    assert_alike(json.loads(made.files["000000.json"]), json.loads((WRITTEN / "ndds.json").read_text()))
    with_ignored = FORMATS["ndds"].sample(source, crate_image(ignored=True))
    for file in ("000000.json", "000000.cs.png", "000000.is.png"):
        assert with_ignored.files[file] == made.files[file], "what is ignored is not labelled"
    files = closed(source, "ndds", made)
    (camera,) = json.loads(files["_camera_settings.json"])["camera_settings"]
    assert camera["intrinsic_settings"] == {"resX": 100, "resY": 80, "fx": 100, "fy": 100, "cx": 50, "cy": 40, "s": 0}
    (crate,) = json.loads(files["_object_settings.json"])["exported_objects"]
    assert_alike(crate["cuboid_dimensions"], [40, 20, 10])
    assert_alike(np.diag(crate["fixed_model_transform"]).tolist(), [1, 1, 1, 1])


def test_ndds_names_a_camera_only_if_all_images_have_the_same(source: Source) -> None:
    records = [{"fx": 1}, {"fx": 2}]
    assert [path for path, _ in FORMATS["ndds"].close(source, records)] == ["_object_settings.json"]


@pytest.mark.parametrize("name", FORMATS)
def test_an_image_without_objects_is_ordinary(source: Source, name: str) -> None:
    made = FORMATS[name].sample(source, empty_image())
    texts = [content for path, content in made.files.items() if path.endswith("txt") and "calib" not in path]
    assert all(text == b"" for text in texts)
    assert not [path for path in made.files if "mask" in path]
    assert dict(FORMATS[name].close(source, [made.record]))


@pytest.mark.parametrize(("visibility", "known"), [(1, 0), (0.95, 0), (0.94, 1), (0.5, 1), (0.49, 2), (0, 2)])
def test_kittis_classes_of_occlusion(visibility: float, known: int) -> None:
    from ondr.export.formats.kitti import occlusion

    assert occlusion(visibility) == known


@pytest.mark.parametrize("degrees", [0, 30, 90, 179, -120])
def test_kittis_box_of_an_upright_object_is_its_own(degrees: float) -> None:
    from ondr.export.formats.kitti import upright_box

    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    own = np.array([[x, y, z] for x in (-2, 2) for y in (-1.5, 0) for z in (-0.5, 0.5)])
    points = torch.from_numpy(own @ turn.T + [3, 1, 9])
    dimensions, location, rotation_y = upright_box(points, torch.from_numpy(turn[:, 0]))
    assert dimensions == pytest.approx([1.5, 1, 4])
    assert location == pytest.approx([3, 1, 9])
    assert rotation_y == pytest.approx(angle)
