"""OFF with its variants."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from ondr.assets.off import read_off
from ondr.assets.parts import DEFAULT, WHITE, linear_from_srgb
from ondr.errors import AssetError

from .makers import QUAD, QUAD_FACES

VERTICES = "0 0 0\n1 0 0\n1 1 0\n0 1 0\n"


@pytest.fixture
def read(tmp_path):
    def save_and_read(text: str):
        path = tmp_path / "mesh.off"
        path.write_text(text)
        return read_off(path)

    return save_and_read


@pytest.mark.parametrize("header", ["OFF\n4 1 0\n", "OFF 4 1 0\n", "OFF4 1 0\n", "# made by hand\nOFF\n\n4 1\n"])
def test_headers_as_they_are_found(read, header):
    (part,) = read(header + VERTICES + "4 0 1 2 3\n")
    np.testing.assert_array_equal(part.corners, QUAD[QUAD_FACES])
    assert part.surface == DEFAULT
    assert part.colors is None


def test_what_trimesh_writes_is_read(read):
    solid = trimesh.creation.icosphere(subdivisions=1)
    np.testing.assert_allclose(read(solid.export(file_type="off"))[0].corners, solid.triangles, atol=1e-9)


def test_face_colours_are_srgb(read):
    (part,) = read("OFF\n4 3 0\n" + VERTICES + "3 0 1 2  255 0 128\n3 0 2 3 0.0 1.0 0.5\n3 0 1 3\n")
    expected = linear_from_srgb(np.array([[1, 0, 128 / 255], [0, 1, 0.5]]))
    np.testing.assert_allclose(part.colors[:2], np.repeat(expected[:, None], 3, axis=1))
    assert part.surface.color == WHITE


def test_vertex_colours(read):
    colored = "0 0 0 255 0 0 255\n1 0 0 0 255 0 255\n1 1 0 0 0 255 255\n"
    (part,) = read("COFF\n3 1 0\n" + colored + "3 0 1 2\n")
    np.testing.assert_array_equal(part.colors[0], np.eye(3))


def test_vertex_normals_are_passed_over(read):
    (part,) = read("CNOFF\n3 1 0\n0 0 0 0 0 1 255 0 0 255\n1 0 0 0 0 1 0 255 0 255\n1 1 0 0 0 1 0 0 255 255\n3 0 1 2\n")
    np.testing.assert_array_equal(part.colors[0], np.eye(3))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Dear diary", "text that begins with 'Dear diary"),
        ("", "text that begins with"),
        ("OFF\n4 2 0\n" + VERTICES + "3 0 1 2\n", "5 lines for 4 vertices and 2 faces"),
        ("OFF\n99999999999 2 0\n" + VERTICES, "4 lines for 99999999999 vertices"),
        ("OFF\n4 1 0\n" + VERTICES + "4 0 1 2\n", "the face '4 0 1 2'"),
        ("OFF\n4 1 0\n" + VERTICES + "three 0 1 2\n", "the face 'three 0 1 2'"),
    ],
)
def test_file_that_is_broken(read, text, found):
    with pytest.raises(AssetError, match=rf"mesh.off must be a complete OFF file, got {found}"):
        read(text)


@pytest.mark.parametrize("index", ["9", "-1"])
def test_index_out_of_range(read, index):
    # trimesh 5 checks this itself; where it does not, we do.
    with pytest.raises(AssetError, match=r"mesh.off must (be a readable .+ outside the range|only name vertices)"):
        read("OFF\n4 1 0\n" + VERTICES + f"3 0 1 {index}\n")


def test_vertices_that_are_not_finite(read):
    with pytest.raises(AssetError, match=r"mesh.off must have finite vertices, got \[1.0, nan, 0.0\] for vertex 1"):
        read("OFF\n4 1 0\n" + VERTICES.replace("1 0 0", "1 nan 0") + "3 0 2 3\n")
