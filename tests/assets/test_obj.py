"""OBJ and MTL: what is kept, and one clear error for everything that is wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ondr.assets.obj import read_obj
from ondr.assets.parts import DEFAULT, PLAIN, WHITE, linear_from_srgb
from ondr.errors import AssetError

from .makers import QUAD_OBJ, cube_obj, encoded, four_corners


@pytest.fixture
def write(tmp_path):
    """Writes an OBJ file and files beside it, and reads it."""

    def read(obj: str | bytes, **others: str | bytes):
        for name, content in {"mesh.obj": obj, **{k.replace("__", "."): v for k, v in others.items()}}.items():
            (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_obj(tmp_path / "mesh.obj")

    return read


TEXTURED = "mtllib mesh.mtl\nusemtl wood\n" + QUAD_OBJ
PNG = encoded(four_corners())


def test_quad_becomes_two_triangles_with_v_down(write):
    (part,) = write(QUAD_OBJ)
    np.testing.assert_array_equal(part.corners[0], [[0, 0, 0], [1, 0, 0], [1, 1, 0]])
    np.testing.assert_array_equal(part.corners[1], [[0, 0, 0], [1, 1, 0], [0, 1, 0]])
    np.testing.assert_array_equal(part.uvs, np.stack([part.corners[..., 0], 1 - part.corners[..., 1]], axis=-1))
    assert part.surface == DEFAULT
    assert part.colors is None


def test_materials_keep_their_colours(write):
    mtl = "newmtl a\nKd 1 0 0\nnewmtl b c\nKd 0 0.25 0\n\nnewmtl none\nNs 3\n"
    parts = write("mtllib mesh.mtl\n" + cube_obj(("a", "b c", "none")), mesh__mtl=mtl)
    assert sorted(p.surface.color for p in parts) == [(0, 0.25, 0), PLAIN, (1, 0, 0)]
    assert [len(p.corners) for p in parts] == [4, 4, 4]


@pytest.mark.parametrize("kd", ["", "Kd 0 0 0\n"])
def test_texture_without_a_colour_is_not_darkened(write, kd):
    (part,) = write(TEXTURED, mesh__mtl=f"newmtl wood\n{kd}map_Kd wood.png\n", wood__png=PNG)
    assert part.surface.color == WHITE
    assert part.surface.image.data == PNG


def test_texture_is_tinted_by_its_colour(write):
    (part,) = write(TEXTURED, mesh__mtl="newmtl wood\nKd 0.5 1 1\nmap_Kd wood.png\n", wood__png=PNG)
    assert part.surface.color == (0.5, 1, 1)


@pytest.mark.parametrize(
    ("line", "scale", "offset"),
    [
        ("wood.png ", (1, 1), (0, 0)),
        ("  my wood 2.png", (1, 1), (0, 0)),
        ("-s 1 1 1 wood.png", (1, 1), (0, 0)),
        ("-s 2 wood.png", (2, 1), (0, 0)),
        ("-o 0.25 0.5 -s 2 3 1 -blendu on my wood 2.png", (2, 3), (0.25, 0.5)),
        ("-mm 0 1 -bm 0.5 -clamp off -t 1 1 1 my wood 2.png", (1, 1), (0, 0)),
        ("-strange.png", (1, 1), (0, 0)),
    ],
)
def test_options_of_a_texture(write, tmp_path, line, scale, offset):
    for name in ("wood.png", "my wood 2.png", "-strange.png"):
        (tmp_path / name).write_bytes(PNG)
    (part,) = write(TEXTURED, mesh__mtl=f"newmtl wood\r\nmap_Kd {line}\r\n")
    matrix = np.array(part.surface.uv_map)
    # MTL: u' = s u + o with v from the bottom; ours counts v from the top.
    for u, v in ((0.0, 0.0), (0.3, 0.9)):
        mapped = matrix @ (u, 1 - v, 1)
        np.testing.assert_allclose((mapped[0], 1 - mapped[1]), np.multiply(scale, (u, v)) + offset, atol=1e-12)


def test_several_libraries_and_names_with_spaces(write, tmp_path):
    (tmp_path / "my lib.mtl").write_text("newmtl a\nKd 1 0 0\n")
    (tmp_path / "b.mtl").write_text("newmtl b\nKd 0 1 0\n")
    (tmp_path / "c.mtl").write_text("newmtl c\nKd 0 0 1\n")
    parts = write("mtllib my lib.mtl\nmtllib b.mtl c.mtl\n" + cube_obj(("a", "b", "c")))
    assert {p.surface.color for p in parts} == {(1, 0, 0), (0, 1, 0), (0, 0, 1)}


def test_texture_beside_a_library_in_a_folder(write, tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "mesh.mtl").write_text("newmtl wood\nmap_Kd wood.png\n")
    (tmp_path / "lib" / "wood.png").write_bytes(PNG)
    (part,) = write(TEXTURED.replace("mesh.mtl", "lib/mesh.mtl"))
    assert part.surface.image.data == PNG


def test_vertex_colours_are_srgb(write):
    (part,) = write("v 0 0 0 1 0 0\nv 1 0 0 0 0.5 0\nv 0 1 0 0 0 1\nf 1 2 3\n")
    np.testing.assert_allclose(part.colors[0], linear_from_srgb(np.array([[1, 0, 0], [0, 0.5, 0], [0, 0, 1]])))
    assert part.surface.color == WHITE
    (bytes_,) = write("v 0 0 0 255 0 0\nv 1 0 0 0 127.5 0\nv 0 1 0 0 0 255\nf 1 2 3\n")
    np.testing.assert_allclose(bytes_.colors, part.colors)


def test_vertex_colours_go_with_a_material(write):
    parts = write(
        "mtllib m.mtl\nusemtl a\nv 0 0 0 1 0 0\nv 1 0 0 0 1 0\nv 0 1 0 0 0 1\nf 1 2 3\n", m__mtl="newmtl a\nKd 1 1 0"
    )
    np.testing.assert_array_equal(parts[0].colors[0], np.eye(3))
    assert parts[0].surface.color == (1, 1, 0)


def test_relative_indices_count_from_their_line(write):
    first = "v 0 0 0\nv 1 0 0\nv 0 1 0\nf -3 -2 -1\n"
    (part,) = write(
        first + first.replace("v 0 0 0", "v 0 0 5").replace("v 0 1 0", "v 0 1 5").replace("v 1 0 0", "v 1 0 5")
    )
    assert sorted(part.corners[:, :, 2].mean(axis=1)) == [0, 5]


def test_faces_with_and_without_uvs_of_one_material(write):
    parts = write(QUAD_OBJ + "f 1 2 3\n")
    assert sorted((len(p.corners), p.uvs is None) for p in parts) == [(1, True), (2, False)]


@pytest.mark.parametrize("vt", ["", "vt 0 0\nvt 1 0\nvt 1 0.5\nvt 0.5 0.5\nvt 0.5 1\nvt 0 1\n"])
def test_a_polygon_with_a_dent_does_not_cover_it(write, vt):
    shape = "v 0 0 0\nv 4 0 0\nv 4 2 0\nv 2 2 0\nv 2 4 0\nv 0 4 0\n"
    faces = "f 2/2 3/3 4/4 5/5 6/6 1/1\nf 1/1 2/2 4/4 6/6\n" if vt else "f 2 3 4 5 6 1\nf 1 2 4 6\n"
    (part,) = write(shape + vt + faces)
    a, b, c = np.moveaxis(part.corners, 1, 0)
    areas = np.cross(b - a, c - a)[:, 2] / 2
    assert areas.sum() == 12 + 8
    assert (areas > 0).all()
    assert list(part.faces) == [0, 0, 0, 0, 1, 1]
    if vt:
        np.testing.assert_allclose(part.uvs, part.corners[..., :2] / 4 * (1, -1) + (0, 1))


def test_lines_as_they_are_found(write):
    text = (
        "\ufeff# exported\r\no thing\r\ng a b\r\ns 1\r\nv\t0 0  0\r\nv 1.0e0 0 0 # right\r\n  v 1 1 0\r\n"
        "v 0 1 0\r\nvn 0 0 1\r\nl 1 2\r\nf 1//1 2//1 \\\r\n 3//1 # corner\r\nf 1 3 4\r\nvp 1\r\nf 1 2\r\n"
    )
    (part,) = write(text)
    assert part.corners.shape == (2, 3, 3)


def test_material_that_no_library_defines_is_said(write, caplog):
    (part,) = write("mtllib m.mtl\nusemtl lost\n" + QUAD_OBJ, m__mtl="newmtl other\nKd 1 0 0\n")
    assert part.surface == replace(DEFAULT, name="lost")
    assert any("materials that its .mtl does not define (lost)" in r.message for r in caplog.records)


def test_missing_library(write):
    with pytest.raises(AssetError, match=r"mesh.obj must only refer to files that exist, got 'gone.mtl'"):
        write("mtllib gone.mtl\n" + QUAD_OBJ)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("gone.png", "only refer to files that exist, got 'gone.png'"),
        ("-s 1 1 1 gone.png", "only refer to files that exist, got 'gone.png'"),
        ("../wood.png", "only refer to files in its own folder, got '../wood.png'"),
        ("/tmp/wood.png", "only refer to files in its own folder"),
        ("C:\\wood.png", "only refer to files in its own folder"),
    ],
)
def test_missing_texture_or_one_elsewhere(write, written, message):
    with pytest.raises(AssetError, match=f"mesh.obj must {message}"):
        write(TEXTURED, mesh__mtl=f"newmtl wood\nmap_Kd {written}\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 4\n", "line 4 must only name vertices that the file has, got index 4 of 3"),
        ("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 -4\n", "line 4 must only name vertices that the file has, got index -4"),
        ("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 0 1 2\n", "line 4 must only name vertices that the file has, got index 0"),
        (QUAD_OBJ + "f 1/1 2/2 3/9\n", "line 10 must only name vt lines that the file has, got index 9 of 4"),
        ("v 0 0 0\nv 1 nan 0\nv 0 1 0\nf 1 2 3\n", "line 2 must have finite vertices"),
        ("v 0 0 0\nv 1 0 1e999\nv 0 1 0\nf 1 2 3\n", "line 2 must have finite vertices"),
        ("v 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "line 1 must have finite vertices of three numbers"),
        ("v 0 0 zero\nf 1 1 1\n", "line 1 must have numbers after 'v'"),
        ("v 0 0 0\nf a b c\n", "line 2 must have numbers after 'f'"),
    ],
)
def test_bad_geometry_names_the_line(write, text, message):
    with pytest.raises(AssetError, match=rf"mesh.obj {message}.+Export the file again or leave it out"):
        write(text)


def test_bad_colour(write):
    with pytest.raises(AssetError, match=r"mesh.mtl must have three numbers after Kd, got '1 x 0'"):
        write(TEXTURED, mesh__mtl="newmtl wood\nKd 1 x 0\n")


def test_file_that_is_no_mesh_has_no_parts(write):
    assert write("Dear diary,\ntoday I made no mesh.\n") == []
    assert write(bytes(range(256))) == []
