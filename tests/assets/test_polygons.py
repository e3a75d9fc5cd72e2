"""Polygons as triangles: they cover what the polygon does, once, whatever its dents."""

from __future__ import annotations

import numpy as np
import pytest

from ondr.assets.polygons import dented, ears
from ondr.geometry import rotation_from_quaternion

L_SHAPE = [(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)]
ARROW = [(0, 0), (2, 1), (0, 2), (0.7, 1)]
KEYHOLE = [(0, 0), (4, 0), (4, 4), (0, 4), (0, 0), (1, 1), (1, 3), (3, 3), (3, 1), (1, 1)]
"""A square with a square hole, whose outline goes in and out along one line."""
STRAIGHT = [(0, 0), (1, 0), (2, 0), (2, 1), (2, 2), (0, 2)]


def turned(outline, seed: int) -> np.ndarray:
    """The outline somewhere in space."""
    import torch

    quaternion = np.random.default_rng(seed).normal(size=4)
    matrix = rotation_from_quaternion(torch.from_numpy(quaternion / np.linalg.norm(quaternion))).numpy()
    return np.pad(np.array(outline, np.float64), ((0, 0), (0, 1))) @ matrix.T + (3, -5, 7)


def comb(teeth: int) -> list[tuple[float, float]]:
    """An outline with deep dents, all between its first corner and its last."""
    top = [(x + dx, y) for x in range(teeth) for dx, y in ((0.8, 3.0), (0.5, 1.0), (0.2, 3.0))]
    return [(0, 0), (teeth, 0), *sorted(top, key=lambda p: -p[0])]


@pytest.mark.parametrize("outline", [L_SHAPE, ARROW, KEYHOLE, STRAIGHT, comb(2), comb(9)])
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("backwards", [False, True])
def test_ears_cover_the_polygon_once_on_its_own_side(outline, seed: int, backwards: bool) -> None:
    points = turned(outline[::-1] if backwards else outline, seed)
    x, y = np.array(outline).T
    area = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2  # the shoelace formula
    side = turned([(0, 0), (1, 0), (0, 1)], seed)
    normal = np.cross(side[1] - side[0], side[2] - side[0]) * (-1 if backwards else 1)
    cut = ears(points)
    a, b, c = np.moveaxis(points[np.array(cut)], 1, 0)
    areas = np.cross(b - a, c - a) @ normal / 2
    assert len(cut) == len(points) - 2
    # No triangle looks the other way, so that areas which add up leave room for no overlap.
    assert (areas > -1e-9).all()
    assert areas.sum() == pytest.approx(area, rel=1e-12)


def test_only_polygons_that_are_not_convex_have_dents() -> None:
    hexagon = [(np.cos(a), np.sin(a)) for a in np.arange(6) * np.pi / 3]
    sixes = [L_SHAPE, STRAIGHT, hexagon, hexagon[::-1], L_SHAPE[::-1]]
    points = np.stack([turned(outline, seed) for seed, outline in enumerate(sixes)])
    assert dented(points).tolist() == [True, False, False, False, True]
    assert dented(turned(ARROW, 0)[None]).tolist() == [True]
    assert dented(np.zeros((1, 5, 3))).tolist() == [False]


def test_an_outline_that_crosses_itself_ends() -> None:
    star = [(np.cos(a), np.sin(a)) for a in np.arange(5) * 4 * np.pi / 5]
    assert len(ears(turned(star, 0))) == 3
    assert len(ears(np.zeros((6, 3)))) == 4
