"""Clipping of single triangles."""

from __future__ import annotations

import numpy as np
import pytest

from ondr.raster import NEAR_METRES
from ondr.raster.clip_numba import GUARD_PX, MAX_CORNERS, clip_triangle
from ondr.raster.fill_numba import SUBPIXELS
from ondr.raster.triangle_numba import snap

# x and y in pixels times z straight from the vertices.
MATRIX = np.eye(3, 4)


def clip(corners: np.ndarray) -> np.ndarray:
    """Returns the clipped polygon's corners: x and y in pixels, 1/z."""
    vertices = np.zeros((3, 8), np.float32)
    vertices[:, :3] = corners
    polygon = np.empty((2, MAX_CORNERS, 3))
    return polygon[0, : clip_triangle(polygon, vertices, np.array([0, 1, 2, 0], np.int32), MATRIX)].copy()


@pytest.mark.parametrize("seed", range(20))
def test_corners_lie_within_the_planes_and_on_the_triangle(seed: int) -> None:
    generator = np.random.default_rng(seed)
    corners = generator.normal(0, [3e4, 3e4, 1], (3, 3)).astype(np.float32).astype(float)
    polygon = clip(corners)
    assert len(polygon) <= MAX_CORNERS
    assert (np.abs(polygon[:, :2]) <= GUARD_PX * (1 + 1e-9)).all()
    assert (polygon[:, 2] <= 1 / NEAR_METRES * (1 + 1e-9)).all()
    points = np.concatenate([polygon[:, :2], np.ones((len(polygon), 1))], axis=1) / polygon[:, 2:]
    weights = np.linalg.solve(corners.T, points.T)
    assert (weights > -1e-6).all()
    assert weights.sum(axis=0) == pytest.approx(1, abs=1e-6)


def test_a_triangle_inside_stays_as_it_is() -> None:
    corners = np.array([[1.0, 2.0, 1.0], [6.0, 4.0, 2.0], [30.0, 3.0, 3.0]])
    assert clip(corners) == pytest.approx(np.column_stack([corners[:, :2] / corners[:, 2:], 1 / corners[:, 2]]))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_corner_that_is_not_finite_leaves_nothing(value: float) -> None:
    assert len(clip(np.array([[1.0, 2.0, 1.0], [6.0, value, 2.0], [30.0, 3.0, -3.0]]))) == 0


def test_vertices_are_rounded_to_the_nearest_sub_pixel() -> None:
    for sub_pixels, nearest in ((10.4, 10), (10.6, 11), (-10.4, -10), (-10.6, -11), (0.0, 0)):
        assert snap(sub_pixels / SUBPIXELS) == nearest


def test_two_triangles_cut_their_common_edge_at_the_same_points() -> None:
    generator = np.random.default_rng(0)
    for _ in range(300):
        a, b, c, d = generator.normal(0, [3e4, 3e4, 1], (4, 3))
        first, second = clip(np.array([a, b, c])), clip(np.array([b, a, d]))
        # Points of the edge's own line: what both polygons have of it must be the same to the last bit.
        on_edge = [{tuple(p) for p in polygon if _on_line(p, a, b)} for polygon in (first, second)]
        assert on_edge[0] == on_edge[1]


def _on_line(point: np.ndarray, a: np.ndarray, b: np.ndarray) -> bool:
    """Whether a projected point lies on the line through a and b."""
    p = np.array([point[0], point[1], 1.0]) / point[2]
    away = np.linalg.norm(np.cross(p - a, b - a)) / np.linalg.norm(b - a)
    return bool(away < 1e-6 * np.linalg.norm(b - a))
