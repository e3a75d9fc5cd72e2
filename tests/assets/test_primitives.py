"""The distractor shapes are closed, outward, of unit size, of the right volume and sensibly mapped."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import trimesh

from ondr.assets.primitives import PrimitiveMesh, distractor_shapes

SHAPES = distractor_shapes()
each_shape = pytest.mark.parametrize("name", list(SHAPES))


def merged(mesh: PrimitiveMesh) -> trimesh.Trimesh:
    """The shape as trimesh sees it, its uv seams closed by position."""
    solid = trimesh.Trimesh(mesh.vertices, mesh.triangles, process=False)
    solid.merge_vertices()
    return solid


def volume_of_ring(side: np.ndarray) -> float:
    """240 degrees between radii 1 and 0.65, 0.35 high, in the scale at which it is that high."""
    return np.pi * (240 / 360) * (1 - 0.65**2) * 0.35 * (side[2] / 0.35) ** 3


def volume_of_torus(side: np.ndarray) -> float:
    tube = side[2] / 2
    return 2 * np.pi**2 * (side[0] / 2 - tube) * tube**2


def volume_of_capsule(side: np.ndarray) -> float:
    radius = side[0] / 2
    return np.pi * radius**2 * (side[2] - 2 * radius) + 4 / 3 * np.pi * radius**3


# From the bounding box alone, by the textbook formulas.
VOLUMES: dict[str, Callable[[np.ndarray], float]] = {
    "cube": lambda side: side[0] ** 3,
    "sphere": lambda side: np.pi / 6 * side[0] ** 3,
    "cone": lambda side: np.pi / 12 * side[0] ** 2 * side[2],
    "cylinder": lambda side: np.pi / 4 * side[0] ** 2 * side[2],
    "pyramid": lambda side: side[0] ** 2 * side[2] / 3,
    "torus": volume_of_torus,
    "capsule": volume_of_capsule,
    # A regular icosahedron with edge a is golden ratio * a wide along the axes used here.
    "icosahedron": lambda side: 5 / 12 * (3 + 5**0.5) * (side[0] / ((1 + 5**0.5) / 2)) ** 3,
    "arrow": lambda side: np.pi * (0.09**2 * 0.6 + 0.22**2 * 0.4 / 3) * side[2] ** 3,
    "ring_segment": volume_of_ring,
}


def test_names_and_their_order_are_fixed() -> None:
    assert " ".join(SHAPES) == ("cube sphere cone cylinder pyramid torus capsule icosahedron arrow ring_segment")


@each_shape
def test_a_shape_is_closed_and_consistently_wound(name: str) -> None:
    solid = merged(SHAPES[name])
    assert solid.is_watertight
    assert solid.is_winding_consistent


@each_shape
def test_a_shape_is_centred_and_its_longest_side_is_one(name: str) -> None:
    vertices = SHAPES[name].vertices
    # The vertices are rounded to 1e-12.
    np.testing.assert_allclose(vertices.min(axis=0), -vertices.max(axis=0), atol=2e-12)
    assert np.ptp(vertices, axis=0).max() == pytest.approx(1.0, abs=2e-12)


@each_shape
def test_a_shape_has_the_volume_of_the_ideal_solid(name: str) -> None:
    """The sign of the volume is that of the winding: positive is outward."""
    solid = merged(SHAPES[name])
    ideal = VOLUMES[name](np.ptp(solid.vertices, axis=0))
    # A circle of 24 chords lacks 1.1 % of the disk's area, the torus' tube of 12 chords 4.5 %.
    assert ideal * (1 - 0.06) < solid.volume <= ideal * (1 + 1e-9)


@each_shape
def test_uvs_are_in_the_unit_square_and_nowhere_collapsed(name: str) -> None:
    mesh = SHAPES[name]
    assert mesh.uvs.shape == (len(mesh.vertices), 2)
    assert ((mesh.uvs >= 0) & (mesh.uvs <= 1)).all()
    assert (np.abs(uv_areas(mesh)) > 1e-5).all()


@each_shape
def test_textures_are_not_mirrored_seen_from_outside(name: str) -> None:
    """v runs down, so a triangle that is counter-clockwise in space is clockwise in (u, v)."""
    assert (uv_areas(SHAPES[name]) < 0).all()


@each_shape
def test_a_shape_is_light_and_has_no_triangle_without_area(name: str) -> None:
    solid = merged(SHAPES[name])
    assert len(solid.faces) <= 600
    assert solid.area_faces.min() > 1e-5


def uv_areas(mesh: PrimitiveMesh) -> np.ndarray:
    a, b, c = (mesh.uvs[mesh.triangles[:, corner]] for corner in range(3))
    return ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
