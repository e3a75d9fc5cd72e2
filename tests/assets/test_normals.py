"""Normals against analytic ones, patches and closedness against what the shapes are."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from ondr.assets.normals import closed_and_inverted, merge_positions, smooth

from .makers import CUBE_TRIANGLES, CUBE_VERTICES

CUBE = CUBE_VERTICES[CUBE_TRIANGLES]


def smoothed(corners: np.ndarray, crease: float = 40.0, looks: np.ndarray | None = None):
    looks = np.zeros(corners.shape[:2], np.int64) if looks is None else looks
    return smooth(corners, merge_positions(corners), looks, crease)


def is_closed(corners: np.ndarray) -> tuple[bool, bool]:
    return closed_and_inverted(corners, merge_positions(corners))


def sphere(subdivisions: int = 3) -> np.ndarray:
    return np.asarray(trimesh.creation.icosphere(subdivisions=subdivisions).triangles)


def cylinder(sections: int = 64) -> np.ndarray:
    return np.asarray(trimesh.creation.cylinder(radius=1, height=2, sections=sections).triangles)


def test_sphere_normals_point_from_the_centre():
    corners = sphere()
    # The facets of a sphere of 1,280 triangles stand up to 4 degrees off (0.07); their mean at a corner a tenth of it.
    np.testing.assert_allclose(smoothed(corners).normals, corners, atol=7e-3)
    assert smoothed(corners).patches.max() == 0


def test_cube_has_six_flat_sides():
    result = smoothed(CUBE)
    expected = np.cross(CUBE[:, 1] - CUBE[:, 0], CUBE[:, 2] - CUBE[:, 0])
    np.testing.assert_allclose(result.normals, np.repeat(expected[:, None], 3, axis=1), atol=1e-12)
    assert len(np.unique(result.patches)) == 6


def test_cube_above_its_crease_is_smooth_and_does_not_depend_on_its_diagonals():
    # Weighted by angle, three right angles meet at each corner, however many triangles share them.
    normals = smoothed(CUBE, crease=91.0).normals
    np.testing.assert_allclose(normals, (2 * CUBE - 1) / np.sqrt(3), atol=1e-12)


def test_cylinder_is_smooth_around_and_sharp_at_its_rims():
    corners = cylinder()
    result = smoothed(corners)
    side = np.abs(result.normals[..., 2]) < 0.5
    radial = corners[..., :2] / np.linalg.norm(corners[..., :2], axis=-1, keepdims=True).clip(1e-9)
    np.testing.assert_allclose(result.normals[side][:, :2], radial[side], atol=2e-3)
    np.testing.assert_allclose(np.abs(result.normals[~side][:, 2]), 1, atol=1e-12)
    assert len(np.unique(result.patches)) == 3


def test_crease_is_where_it_is_said_to_be():
    # 16 sides: 22.5 degrees between neighbours.
    assert len(np.unique(smoothed(cylinder(16), crease=22.6).patches)) == 3
    assert len(np.unique(smoothed(cylinder(16), crease=22.4).patches)) == 18


def test_seams_of_a_file_are_not_seen():
    solid = trimesh.creation.icosphere(subdivisions=2)
    shaken = np.asarray(solid.triangles) + np.random.default_rng(0).uniform(-1e-9, 1e-9, (320, 3, 3))
    np.testing.assert_allclose(smoothed(shaken).normals, smoothed(np.asarray(solid.triangles)).normals, atol=1e-6)


def test_patches_end_where_the_look_changes():
    corners = np.array([[[0, 0, 0], [1, 0, 0], [1, 1, 0]], [[0, 0, 0], [1, 1, 0], [0, 1, 0]]], dtype=float)
    looks = np.array([[0, 0, 0], [1, 1, 1]])
    result = smoothed(corners, looks=looks)
    assert result.patches.tolist() == [0, 1]
    assert result.groups[0, 0] == result.groups[1, 0], "the normal is shared all the same"


def test_triangle_without_area_has_a_normal_of_length_one():
    corners = np.array([[[0, 0, 0], [1, 0, 0], [2, 0, 0]], [[0, 0, 0], [1, 0, 0], [0, 1, 0]]], dtype=float)
    np.testing.assert_allclose(np.linalg.norm(smoothed(corners).normals, axis=-1), 1)


def test_two_sided_sheet_keeps_its_two_normals():
    front = np.array([[[0, 0, 0], [1, 0, 0], [1, 1, 0]], [[0, 0, 0], [1, 1, 0], [0, 1, 0]]], dtype=float)
    result = smoothed(np.concatenate([front, front[:, ::-1]]))
    np.testing.assert_allclose(result.normals[:2, :, 2], 1)
    np.testing.assert_allclose(result.normals[2:, :, 2], -1)


@pytest.mark.parametrize("corners", [CUBE, sphere(), cylinder()], ids=["cube", "sphere", "cylinder"])
def test_solids_are_closed_and_turned_when_inside_out(corners):
    assert is_closed(corners) == (True, False)
    assert is_closed(corners[:, ::-1]) == (True, True)


def test_several_shells_that_intersect_are_closed():
    assert is_closed(np.concatenate([CUBE, CUBE + 0.5])) == (True, False)


@pytest.mark.parametrize(
    "corners",
    [
        CUBE[:-1],
        np.concatenate([CUBE[:-1], CUBE[-1:, ::-1]]),
        np.concatenate([CUBE, CUBE[:, ::-1] + 3]),
        np.concatenate([CUBE[:2], CUBE[:2, ::-1]]),
        np.array([[[0.0, 0, 0], [1, 0, 0], [1, 0, 0]]]),
    ],
    ids=["a hole", "a triangle turned around", "one shell inside out", "a sheet with two sides", "a line"],
)
def test_what_is_not_certainly_closed_is_open(corners):
    assert is_closed(corners) == (False, False)
