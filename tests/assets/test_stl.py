"""STL, text and binary."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from ondr.assets.parts import DEFAULT, WHITE, linear_from_srgb
from ondr.assets.stl import face_colors, read_stl
from ondr.errors import AssetError

BOX = trimesh.creation.box()


@pytest.fixture
def read(tmp_path):
    def save_and_read(content: str | bytes):
        path = tmp_path / "mesh.stl"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_stl(path)

    return save_and_read


@pytest.mark.parametrize("kind", ["stl", "stl_ascii"])
def test_what_trimesh_writes_is_read(read, kind):
    (part,) = read(BOX.export(file_type=kind))
    np.testing.assert_allclose(part.corners, BOX.triangles)
    assert part.surface == DEFAULT
    assert part.uvs is None


def colored(header: bytes, attributes: list[int]) -> bytes:
    data = bytearray(BOX.export(file_type="stl"))
    data[: len(header)] = header
    for triangle, value in enumerate(attributes):
        data[84 + 50 * triangle + 48 : 84 + 50 * triangle + 50] = value.to_bytes(2, "little")
    return bytes(data)


def test_colours_as_viscam_writes_them(read):
    red, blue = 1 << 15 | 31 << 10, 1 << 15 | 31
    (part,) = read(colored(b"", [red, blue] * 6))
    np.testing.assert_array_equal(part.colors[:2], [[[1, 0, 0]] * 3, [[0, 0, 1]] * 3])
    assert part.surface.color == WHITE


def test_colours_as_magics_writes_them(read):
    red, whole = 31, 1 << 15
    (part,) = read(colored(b"COLOR=" + bytes([0, 128, 0, 255]), [red, whole] * 6))
    green = linear_from_srgb(np.array([0, 128 / 255, 0]))
    np.testing.assert_allclose(part.colors[:2], [[[1, 0, 0]] * 3, [green] * 3])


def test_attributes_without_the_mark_are_no_colours():
    assert face_colors(bytes(84), np.array([31, 992], np.uint16)) is None


@pytest.mark.parametrize("keep", [10, 83, 100, -1])
def test_binary_file_that_is_cut_off(read, keep):
    with pytest.raises(AssetError, match=r"mesh.stl must be a complete STL file, got \d+ bytes.+or leave it out"):
        read(BOX.export(file_type="stl")[:keep])


@pytest.mark.parametrize("text", ["", "Dear diary", BOX.export(file_type="stl_ascii")[:500]])
def test_text_that_is_no_mesh(read, text):
    with pytest.raises(AssetError, match=r"mesh.stl must be a complete STL file"):
        read(text)


def test_claimed_gigantic_count(read):
    data = bytearray(BOX.export(file_type="stl"))
    data[80:84] = b"\xff\xff\xff\xff"
    with pytest.raises(AssetError, match=r"mesh.stl must be a complete STL file"):
        read(bytes(data))


def test_vertices_that_are_not_finite(read):
    data = bytearray(BOX.export(file_type="stl"))
    data[96:100] = np.float32(np.nan).tobytes()
    with pytest.raises(AssetError, match=r"mesh.stl must have finite vertices, got \[nan, .+ for vertex 0"):
        read(bytes(data))


def test_solid_without_facets_has_no_parts(read):
    assert sum(len(p.corners) for p in read("solid nothing\nendsolid nothing\n")) == 0
