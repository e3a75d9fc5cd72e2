"""Convex hulls against their definition: no point lies further out than a corner, in any direction."""

from __future__ import annotations

import numpy as np
import pytest

from ondr.assets.hulls import convex_hull

from .makers import CUBE_VERTICES

RNG = np.random.default_rng(0)
TILT = np.linalg.qr(RNG.normal(size=(3, 3)))[0]


@pytest.mark.parametrize(
    "points",
    [
        RNG.normal(size=(500, 3)),
        np.concatenate([CUBE_VERTICES, RNG.uniform(0, 1, (50, 3))]),
        RNG.normal(size=(200, 3)) * [1, 1, 0],
        (RNG.normal(size=(200, 3)) * [1, 1, 0]) @ TILT + 5,
        np.outer(np.linspace(-1, 2, 7), [1, 2, 3]),
    ],
    ids=["cloud", "cube", "flat", "flat and tilted", "line"],
)
def test_no_point_reaches_further_than_the_corners(points):
    corners, edges = convex_hull(points)
    directions = RNG.normal(size=(1000, 3))
    reach = (points @ directions.T).max(axis=0)
    # Points within rounding of a plane through others may be left out.
    np.testing.assert_allclose((corners @ directions.T).max(axis=0), reach, atol=1e-9)
    assert edges.min() >= 0
    assert edges.max() < len(corners)
    assert set(edges.reshape(-1)) == set(range(len(corners)))


def test_cube_has_eight_corners_and_all_its_edges():
    corners, edges = convex_hull(np.concatenate([CUBE_VERTICES, [[0.5, 0.5, 0.5]]]))
    assert len(corners) == 8
    along_an_axis = (corners[edges[:, 0]] != corners[edges[:, 1]]).sum(axis=1) == 1
    assert along_an_axis.sum() == 12


def test_outline_of_a_flat_square():
    corners, edges = convex_hull(np.array([[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1], [0.5, 0.5, 1]], dtype=float))
    assert len(corners) == len(edges) == 4
    np.testing.assert_allclose(np.linalg.norm(corners[edges[:, 0]] - corners[edges[:, 1]], axis=1), 1)
