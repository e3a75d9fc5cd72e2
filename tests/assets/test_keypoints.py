"""Keypoints: far apart by a plain search, and in the place of their name in their class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import ondr
from ondr.assets.keypoints import farthest_points
from tests.assets.test_sidecar import write


@pytest.mark.parametrize("seed", range(3))
def test_each_point_is_the_farthest_from_all_before(seed: int) -> None:
    points = np.random.default_rng(seed).normal(size=(200, 3))
    found = farthest_points(points, 10)
    before = [np.zeros(3)]
    for point in found:
        distances = [min(np.linalg.norm(p - b) for b in before) for p in points]
        assert np.array_equal(point, points[int(np.argmax(distances))])
        before.append(point)


def test_there_are_no_more_than_distinct_points() -> None:
    corners = np.array(np.meshgrid([-1.0, 1.0], [-1.0, 1.0], [-1.0, 1.0])).reshape(3, -1).T
    found = farthest_points(np.concatenate([corners, corners]), 20)
    assert sorted(map(tuple, found)) == sorted(map(tuple, corners))


def test_names_have_one_place_in_their_class(tmp_path: Path) -> None:
    write(tmp_path / "cup", "a", keypoints={"handle": [0, 0, 0], "rim": [1, 1, 1]})
    write(tmp_path / "cup", "b", keypoints={"rim": [1, 0, 1], "foot": [0, 1, 0]})
    write(tmp_path / "cup", "c")
    write(tmp_path / "box", "d")
    cfg = ondr.Config(
        objects={"meshes": tmp_path}, outputs=["keypoints"], labels={"keypoints": 5}, assets={"progress": False}
    )
    scenes = ondr.RandomizedScenes(cfg)
    notes = scenes.assets.annotations
    assert scenes.class_names == ("box", "cup")
    assert scenes.keypoint_names == (("0", "1", "2", "3", "4"), ("handle", "rim", "foot"))
    assert scenes.mesh_files == ("box/d.obj", "cup/a.obj", "cup/b.obj", "cup/c.obj")
    assert notes.has_keypoint is not None
    assert notes.keypoints is not None
    there = [[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 1, 1, 0, 0], [0] * 5]
    assert notes.has_keypoint.int().tolist() == there
    # The bank's origin is the cube's centre, 0.5 0.5 0.5 in the file.
    half = torch.tensor([[-0.5, -0.5, -0.5], [0.5, 0.5, 0.5]])
    assert torch.equal(notes.keypoints[1, :2], half)
    assert notes.keypoints[2, 1].tolist() == [0.5, -0.5, 0.5]
    assert (notes.keypoints[0].abs() == 0.5).all(), "the farthest points of a cube are its corners"


def test_they_are_there_only_where_asked_for(tmp_path: Path) -> None:
    write(tmp_path / "cup", "a", keypoints={"handle": [0, 0, 0]})
    scenes = ondr.RandomizedScenes(ondr.Config(objects={"meshes": tmp_path}, assets={"progress": False}))
    assert scenes.keypoint_names == ()
    assert scenes.assets.annotations.keypoints is None
