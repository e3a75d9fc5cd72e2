"""Meshes that are made: composed, bent, and brought to rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh

import ondr
from ondr.assets.bending import bend
from ondr.assets.composed import compose
from ondr.assets.meshes import build_mesh
from ondr.assets.parts import Part, Surface
from ondr.assets.resting import resting_poses
from ondr.config import Config
from ondr.errors import AssetError, ConfigError

QUIET = ["render.compile=false", "assets.progress=false", "image_size=[48, 48]", "materials.textures=null"]


def triangles(parts: list[Part]) -> np.ndarray:
    return np.concatenate([part.corners for part in parts])


def box(extents: tuple[float, float, float], cuts: int = 0) -> list[Part]:
    mesh = trimesh.creation.box(extents)
    for _ in range(cuts):
        mesh = mesh.subdivide()
    return [Part(np.asarray(mesh.triangles), None, None, Surface())]


def test_a_composed_mesh_is_a_function_of_its_number_and_seed() -> None:
    again = [triangles(compose(7, 1, 2, 5)) for _ in range(2)]
    assert np.array_equal(*again)
    assert triangles(compose(8, 1, 2, 5)).shape != again[0].shape or not np.allclose(
        triangles(compose(8, 1, 2, 5)), again[0]
    )


@pytest.mark.parametrize("number", range(20))
def test_the_parts_of_a_composed_mesh_are_closed_and_touch(number: int) -> None:
    parts = compose(number, 0, 2, 6)
    assert 2 <= len(parts) <= 6
    solids = [trimesh.Trimesh(**trimesh.triangles.to_kwargs(part.corners)) for part in parts]
    assert all(solid.is_volume for solid in solids)
    bounds = np.array([solid.bounds for solid in solids])
    for index in range(1, len(solids)):
        before = bounds[:index]
        apart = np.maximum(before[:, 0] - bounds[index, 1], bounds[index, 0] - before[:, 1]).max(axis=1)
        assert apart.min() <= 0, "its bounding box meets that of an earlier part"


def test_composed_objects_render_and_count_as_files() -> None:
    cfg = Config().with_overrides([*QUIET, "objects.meshes=composed", "composed.number=5"])
    scenes = ondr.RandomizedScenes(cfg)
    assert scenes.mesh_files == tuple(f"composed/{i:04}" for i in range(5))
    assert scenes.class_names == ("composed",)
    assert scenes.render(range(4)).targets.valid.any()


def test_a_bent_bar_is_an_arc() -> None:
    bar = box((10, 0.1, 0.1), cuts=5)
    bent = triangles(bend(bar, 90)).reshape(-1, 3)
    radius = 10 / np.radians(90)
    # Towards the second longest side; of two equal ones, y. The centre of the arc lies one radius that way.
    distance = np.hypot(bent[:, 0], bent[:, 1] - radius)
    np.testing.assert_allclose(distance, radius, atol=0.051)
    ends = bent[np.abs(bent[:, 0]) > radius * np.sin(np.radians(45)) - 0.1]
    np.testing.assert_allclose(ends[:, 1], radius * (1 - np.cos(np.radians(45))), atol=0.1)
    middle = triangles(bar).reshape(-1, 3)
    assert np.array_equal(triangles(bend(bar, 0)).reshape(-1, 3), middle)


def test_bent_objects_keep_their_file_and_class_and_have_no_pose() -> None:
    bends = "objects.bends_degrees=[-40, 0, 40]"
    cfg = Config().with_overrides([*QUIET, bends, "classes=[bottle, mug]", "objects.count=3"])
    scenes = ondr.RandomizedScenes(cfg)
    scene = scenes.sample(range(30))
    assert scene.poses.mesh[:, :3].min() >= scenes.assets.bent.start
    targets = scenes.render(range(30)).targets
    files = targets.mesh_ids[targets.valid]
    assert files.max() < len(scenes.mesh_files)
    of_file = torch.tensor(scenes.assets.mesh_labels)[files]
    assert torch.equal(of_file, targets.labels[targets.valid])
    straight = scenes.sample([0], overrides={"objects.bend": 1}).poses.mesh[0, 0] - scenes.assets.bent.start
    bank = scenes.assets.bank
    torch.testing.assert_close(bank.extent[straight + scenes.assets.bent.start], bank.extent[straight // 3])
    for name in ("camera_from_object", "scale", "object_coordinates", "keypoints", "keypoints_3d", "symmetries"):
        with pytest.raises(ConfigError, match=f"outputs must not name {name} with objects.bends_degrees"):
            cfg.with_overrides([f"outputs=[{name}]"])


def test_a_box_rests_on_its_faces() -> None:
    poses, shares = resting_poses(trimesh.creation.box((1, 2, 3)).vertices.view(np.ndarray))
    assert len(poses) == 6
    assert shares.sum() == pytest.approx(1)
    upright = poses @ trimesh.creation.box((1, 2, 3)).vertices.T
    heights = np.ptp(upright[:, 2], axis=1)
    np.testing.assert_allclose(heights, [1, 1, 2, 2, 3, 3], atol=1e-6)
    assert (np.diff(shares) <= 1e-12).all(), "the likeliest first, which is the flattest"


def test_a_flat_mesh_stays_as_it_is() -> None:
    poses, shares = resting_poses(np.array([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]))
    assert np.array_equal(poses, np.eye(3)[None])
    assert shares.tolist() == [1.0]


def test_resting_objects_touch_the_ground_with_three_corners() -> None:
    cfg = Config(layout="tabletop").with_overrides(
        [*QUIET, "objects.rotation=resting", "classes=[book, bolt]", "objects.count=2"]
    )
    scenes = ondr.RandomizedScenes(cfg)
    scene, bank = scenes.sample(range(20)), scenes.assets.bank
    mesh = scene.poses.mesh[:, :2].clamp_min(0)
    points = bank.hull[mesh] * scene.poses.scale[:, :2, None]
    z = torch.einsum("bsij,bskj->bski", scene.poses.rotation[:, :2], points)[..., 2]
    size = bank.extent[mesh].amax(-1) * scene.poses.scale[:, :2, 0]
    low = (z - z.amin(-1, keepdim=True)) < 0.02 * size[..., None]
    unique = [len(torch.unique(points[b, s][low[b, s]], dim=0)) for b in range(20) for s in range(2)]
    assert min(unique) >= 3


@pytest.fixture
def cats(tmp_path: Path) -> Path:
    """Two cats in several poses, a dog in a file, a dog in a folder of its own."""
    for name in (
        "cat/tom/sitting",
        "cat/tom/lying",
        "cat/tom/running",
        "cat/kitty/sitting",
        "dog/rex",
        "dog/bello/scan",
    ):
        path = tmp_path / f"{name}.ply"
        path.parent.mkdir(parents=True, exist_ok=True)
        trimesh.creation.box((1, 1, 1 + len(name))).export(path)
    return tmp_path


def test_a_folder_below_the_class_is_a_subject_with_variants(cats: Path) -> None:
    in_turn = [f"objects.{name}=cycle" for name in ("label", "instance", "variant")]
    cfg = Config().with_overrides([*QUIET, f"objects.meshes={cats}", "objects.count=2", *in_turn])
    scenes = ondr.RandomizedScenes(cfg)
    assert scenes.assets.mesh_subjects == ("cat/kitty", "cat/tom", "cat/tom", "cat/tom", "dog/bello", "dog/rex.ply")
    draws = scenes.sample(range(120)).draws
    for slot in range(2):
        cat = draws["objects.label"][:, slot] == 0
        assert draws["objects.instance"][cat, slot].bincount().tolist() == [30, 30], "each subject equally often"
        tom = cat & (draws["objects.instance"][:, slot] == 1)
        assert draws["objects.variant"][tom, slot].bincount().tolist() == [10, 10, 10]
    uniform = ondr.RandomizedScenes(cfg.with_overrides(["objects.variant=first"])).sample(range(120))
    assert set(uniform.poses.mesh[:, :2].unique().tolist()) == {0, 1, 4, 5}


def test_a_split_keeps_a_subject_together(cats: Path) -> None:
    parts = {}
    for part in ("train", "test"):
        cfg = Config().with_overrides([*QUIET, f"objects.meshes={cats}", f"split={{part: {part}, share: 0.5}}"])
        parts[part] = set(ondr.load_assets(cfg).mesh_subjects)
    assert parts["train"].isdisjoint(parts["test"])


def test_stretch_is_in_the_scale_and_the_box() -> None:
    stretch = "objects.stretch={x: 1, y: 1, z: 2}"
    plain = [
        *QUIET,
        "classes=[chair]",
        "objects.rotation=yaw",
        "objects.count=1",
        "outputs=[boxes, boxes_amodal, labels, scale]",
    ]
    before, after = (
        ondr.RandomizedScenes(Config().with_overrides(o)).render(range(8)) for o in (plain, [*plain, stretch])
    )
    assert torch.equal(after.targets.scale[..., 2], 2 * after.targets.scale[..., 0])
    valid = (before.targets.valid & after.targets.valid)[:, 0]
    tall = [b.targets.boxes_amodal[valid, 0] for b in (before, after)]
    ratio = (tall[1][:, 3] - tall[1][:, 1]) / (tall[0][:, 3] - tall[0][:, 1])
    assert ((ratio > 1.4) & (ratio < 2.6)).all()


def test_other_groups_leave_out_the_objects_of_interest() -> None:
    group = ["context.count=2", "context.meshes=sample"]
    cfg = Config().with_overrides([*QUIET, "classes=[mug, bottle]", *group])
    assets = ondr.load_assets(cfg)
    assert len(assets.others["context"]) > 20
    assert min(assets.others["context"]) >= len(assets.mesh_files)
    with pytest.raises(AssetError, match="context.meshes must hold meshes that are no objects of interest"):
        ondr.load_assets(Config().with_overrides([*QUIET, *group]))
    with pytest.raises(AssetError, match="clutter.meshes must exist, got no/such"):
        ondr.load_assets(Config(layout="clutter").with_overrides([*QUIET, "clutter.meshes=no/such"]))


def test_composed_meshes_can_be_built() -> None:
    for number in range(10):
        assert build_mesh("composed", compose(number, 3, 2, 6), 40.0).closed
