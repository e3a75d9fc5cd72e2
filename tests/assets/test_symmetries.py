"""Symmetries: what a mesh looks like under each of them, and what BOP's definition says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import trimesh

import ondr
from ondr.assets.sidecar import Sidecar, Turning
from ondr.assets.symmetries import symmetry_transforms
from ondr.geometry import product

FLIP = (1.0, 0, 0, 0, 0, -1.0, 0, 4.0, 0, 0, -1.0, 2.0, 0, 0, 0, 1.0)
"""Half a turn about the line along x through y = 2, z = 1."""


def test_turns_are_those_that_trimesh_makes() -> None:
    axis, offset = (1.0, 2.0, -0.5), (0.3, -0.2, 0.9)
    said = Sidecar(symmetries_discrete=(FLIP,), symmetries_continuous=(Turning(axis=axis, offset=offset),))
    found = symmetry_transforms(said, 12)
    turns = [trimesh.transformations.rotation_matrix(i * np.pi / 6, axis, offset) for i in range(12)]
    expected = [turn @ flip for flip in (np.eye(4), np.reshape(FLIP, (4, 4))) for turn in turns]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert np.array_equal(found[0], np.eye(4))


def test_none_is_the_identity_alone_and_no_transform_comes_twice() -> None:
    assert np.array_equal(symmetry_transforms(Sidecar(), 36), np.eye(4)[None])
    half = (-1.0, 0, 0, 0, 0, -1.0, 0, 0, 0, 0, 1.0, 0, 0, 0, 0, 1.0)
    said = Sidecar(symmetries_discrete=(half,), symmetries_continuous=(Turning(axis=(0, 0, 1)),))
    assert len(symmetry_transforms(said, 36)) == 36, "half a turn is one of the 36"


def test_a_mesh_looks_the_same_under_each(tmp_path: Path) -> None:
    (tmp_path / "can").mkdir()
    mesh = trimesh.creation.cylinder(0.4, 1.2, sections=12)
    mesh.apply_translation([3, 2, 1])
    mesh.export(tmp_path / "can" / "can.ply")
    about = {"axis": [0, 0, 1], "offset": [3, 2, 0]}
    (tmp_path / "can" / "can.labels.json").write_text(
        json.dumps({"symmetries_discrete": [list(FLIP)], "symmetries_continuous": [about]})
    )
    cfg = ondr.Config(
        objects={"meshes": tmp_path, "count": 1, "material": {"source": "own"}},
        outputs=["symmetries", "camera_from_object", "scale", "depth", "labels"],
        labels={"symmetry_steps": 12},
        distractors={"count": 0},
        image_size=[64, 64],
        render={"compile": False},
        assets={"progress": False},
        device="cpu",
    )
    scenes = ondr.RandomizedScenes(cfg)
    scene = scenes.sample(range(2))
    first = scenes.render(scene).targets
    transforms = first.symmetries[0, 0]
    assert transforms.shape == (24, 4, 4)
    center = scenes.assets.bank.center[0]
    for s in transforms:
        poses = scene.poses
        # x_world = R @ (scale * (S @ x_file - centre)) + t, with one scale for all axes.
        turned = product(poses.rotation, s[:3, :3])
        shift = (s[:3, :3] @ center + s[:3, 3] - center) * poses.scale[:, :1]
        moved = replace(
            poses, rotation=turned, translation=poses.translation + product(poses.rotation, shift[..., None])[..., 0]
        )
        second = scenes.render(replace(scene, poses=moved)).targets
        off = (second.depth - first.depth).abs()
        # float32: along the silhouette a pixel may fall to the other side.
        assert (off > 1e-4).float().mean() < 2e-3
    wrong = torch.tensor([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    second = scenes.render(
        replace(scene, poses=replace(scene.poses, rotation=product(scene.poses.rotation, wrong)))
    ).targets
    assert ((second.depth - first.depth).abs() > 1e-4).float().mean() > 0.05


def test_shorter_lists_are_padded_with_the_identity(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        trimesh.creation.box().export(tmp_path / name / f"{name}.ply")
    half = [-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    (tmp_path / "b" / "b.labels.json").write_text(json.dumps({"symmetries_discrete": [half]}))
    cfg = ondr.Config(objects={"meshes": tmp_path}, outputs=["symmetries"], assets={"progress": False})
    found = ondr.load_assets(cfg).annotations.symmetries
    assert found is not None
    assert torch.equal(found[0], torch.eye(4).expand(2, 4, 4))
    assert torch.equal(found[1, 1], torch.tensor(half).float().reshape(4, 4))
