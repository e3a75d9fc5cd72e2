"""The view of BOP, against its definitions, written out for a scene of boxes, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ondr.batch import Targets
from ondr.errors import ConfigError
from ondr.views.common import require
from tests.loop.conftest import MakeScenes

OUTPUTS = [
    *("boxes", "boxes_amodal", "mesh_ids", "visibility", "truncation", "instances", "camera_from_object", "scale"),
    *("intrinsics", "distortion"),
]


@pytest.fixture(scope="module")
def targets(make_scenes: MakeScenes) -> Targets:
    """Six images of 48 x 64 pixels with up to three objects."""
    scenes = make_scenes(outputs=[*OUTPUTS, "depth"], image_size=(48, 64), objects={"count": [0, 3]}, seed=5)
    return scenes.render(range(6)).targets


@pytest.fixture(scope="session")
def make_scenes(tmp_path_factory: pytest.TempPathFactory) -> MakeScenes:
    """Makes a dataset of a cube and a pyramid with some settings of its own."""
    from ondr.loop.dataset import RandomizedScenes
    from tests.loop.tiny import tiny_config, write_meshes

    meshes = write_meshes(tmp_path_factory.mktemp("meshes"))

    def make(objects: dict, **settings: object) -> RandomizedScenes:
        return RandomizedScenes(tiny_config(meshes, objects={"meshes": meshes, **objects}, **settings))

    return make


def test_poses_and_cameras_project_model_points_to_their_pixels(targets: Targets) -> None:
    view = targets.to_bop()
    seen = 0
    for row, number in enumerate(map(str, targets.sample_ids.tolist())):
        k = np.array(view["scene_camera"][number]["cam_K"]).reshape(3, 3)
        slots = (targets.mesh_ids[row] >= 0).nonzero()[:, 0].tolist()
        assert len(view["scene_gt"][number]) == len(view["scene_gt_info"][number]) == len(slots)
        for pose, slot in zip(view["scene_gt"][number], slots, strict=True):
            assert pose["obj_id"] == int(targets.mesh_ids[row, slot]) + 1
            # The corner at the file's origin belongs to both meshes.
            point = np.array(pose["cam_R_m2c"]).reshape(3, 3) @ np.zeros(3) + np.array(pose["cam_t_m2c"])
            x, y = (k @ point)[:2] / point[2]
            x1, y1, x2, y2 = targets.boxes_amodal[row, slot].tolist()
            # A pixel of slack for boxes that are cut at the near plane: none is here, so rounding of K alone.
            assert x1 - 0.01 <= x + 0.5 <= x2 + 0.01
            assert y1 - 0.01 <= y + 0.5 <= y2 + 0.01
            seen += 1
    assert seen > 5


def test_counts_and_boxes_are_those_of_the_pixels(targets: Targets) -> None:
    view = targets.to_bop()
    for row, number in enumerate(map(str, targets.sample_ids.tolist())):
        slots = (targets.mesh_ids[row] >= 0).nonzero()[:, 0].tolist()
        for info, slot in zip(view["scene_gt_info"][number], slots, strict=True):
            ys, xs = np.nonzero(targets.instances[row].numpy() == slot)
            assert info["px_count_visib"] == len(xs)
            left, top, width, height = info["bbox_visib"]
            assert (left, top) == (xs.min(), ys.min())
            assert (left + width, top + height) == (xs.max() + 1, ys.max() + 1)
            assert info["visib_fract"] == info["px_count_visib"] / info["px_count_all"]
            assert info["px_count_visib"] <= info["px_count_valid"] <= info["px_count_all"]
            if targets.truncation[row, slot] == 0:
                assert info["visib_fract"] == pytest.approx(targets.visibility[row, slot].item(), rel=1e-6)


def test_images_without_objects_are_ordinary(targets: Targets) -> None:
    empty = replace(targets, mesh_ids=torch.full_like(targets.mesh_ids, -1))
    view = empty.to_bop(depth_scale=0.1)
    assert all(not poses for poses in view["scene_gt"].values())
    assert [camera["depth_scale"] for camera in view["scene_camera"].values()] == [0.1] * 6


def test_ignored_objects_are_left_out(targets: Targets) -> None:
    view = replace(targets, ignored=torch.ones_like(targets.mesh_ids, dtype=torch.bool)).to_bop()
    assert all(not poses for poses in view["scene_gt"].values())


def test_missing_fields_are_named_together(targets: Targets) -> None:
    with pytest.raises(ConfigError, match=r"for to_bop\(\), got .* Add 'instances' and 'intrinsics' to outputs\."):
        replace(targets, instances=None, intrinsics=None).to_bop()
    with pytest.raises(ConfigError, match=r"must name 'depth' for it, got .* Add 'depth' to outputs\."):
        require(replace(targets, depth=None), "it", "depth")


@pytest.mark.parametrize(
    ("entry", "value", "message"),
    [
        ((0, 0), -50.0, r"to_bop\(\), got sample 0, which is mirrored. Set augmentation.flip_horizontal"),
        ((1, 1), -50.0, r"which is mirrored"),
        ((1, 0), 5.0, r"which is turned. Set augmentation.rotation_degrees to 0"),
    ],
)
def test_cameras_that_bop_cannot_say_are_refused(
    targets: Targets, entry: tuple[int, int], value: float, message: str
) -> None:
    intrinsics = targets.intrinsics.clone()
    intrinsics[0][entry] = value
    with pytest.raises(ConfigError, match=message):
        replace(targets, intrinsics=intrinsics).to_bop()


def test_a_lens_is_refused(targets: Targets) -> None:
    distortion = torch.zeros(6, 5)
    distortion[2, 0] = 0.1
    with pytest.raises(ConfigError, match=r"got sample 2, which is through a lens. Set k1, k2"):
        replace(targets, distortion=distortion).to_bop()


def test_models_that_are_not_rigid_are_refused(make_scenes: MakeScenes) -> None:
    count = {"count": 3}
    stretched = make_scenes(outputs=OUTPUTS, objects={**count, "stretch": {"x": 2}}).render(range(4)).targets
    with pytest.raises(ConfigError, match=r"objects.stretch must be the same along all axes for to_bop\(\)"):
        stretched.to_bop()
    sizes = make_scenes(outputs=OUTPUTS, objects={**count, "size": [0.1, 0.3]}).render(range(4)).targets
    with pytest.raises(ConfigError, match=r"objects.size must give each mesh one size for to_bop\(\)"):
        sizes.to_bop()
