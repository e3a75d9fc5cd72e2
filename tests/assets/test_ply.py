"""PLY, text and binary: what is kept, and one clear error for everything that is wrong."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import trimesh

from ondr.assets.parts import DEFAULT, WHITE, linear_from_srgb
from ondr.assets.ply import read_ply
from ondr.errors import AssetError

from .makers import QUAD, QUAD_FACES, encoded, four_corners, ply_text

RGB = "property uchar red\nproperty uchar green\nproperty uchar blue\n"
COLORED = "0 0 0 255 0 0\n1 0 0 0 128 0\n1 1 0 0 0 255\n0 1 0 255 255 255\n"
ST = "property float s\nproperty float t\n"
MAPPED = "0 0 0 0 0\n1 0 0 1 0\n1 1 0 1 1\n0 1 0 0 1\n"
LINEAR = linear_from_srgb(np.array([[255, 0, 0], [0, 128, 0], [0, 0, 255], [255, 255, 255]]) / 255)


@pytest.fixture
def read(tmp_path):
    def save_and_read(content: str | bytes):
        path = tmp_path / "mesh.ply"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_ply(path)

    return save_and_read


def test_plain_quad(read):
    (part,) = read(ply_text())
    np.testing.assert_array_equal(part.corners, QUAD[QUAD_FACES])
    assert part.surface == DEFAULT
    assert part.colors is None
    assert part.uvs is None


def test_vertex_colours_are_srgb(read):
    (part,) = read(ply_text(extra=RGB, vertices=COLORED))
    np.testing.assert_allclose(part.colors, LINEAR[QUAD_FACES])
    assert part.surface.color == WHITE


def test_float_colours(read):
    floats = "0 0 0 1 0 0\n1 0 0 0 0.5 0\n1 1 0 0 0 1\n0 1 0 1 1 1\n"
    (part,) = read(ply_text(extra=RGB.replace("uchar", "float"), vertices=floats))
    np.testing.assert_allclose(part.colors[0, 1], [0, linear_from_srgb(np.array(0.5)), 0], atol=1e-6)


@pytest.mark.parametrize("faces", ["3 0 1 2 255 0 0\n3 0 2 3 0 0 255\n", "4 0 1 2 3 0 0 255\n4 0 1 2 3 255 0 0\n"])
def test_face_colours(read, faces):
    text = ply_text(faces=faces).replace("vertex_indices\n", "vertex_indices\n" + RGB)
    (part,) = read(text)
    expected = [[1, 0, 0], [0, 0, 1]] if faces.startswith("3") else [[0, 0, 1], [1, 0, 0]] * 2
    np.testing.assert_allclose(part.colors, np.repeat(np.array(expected)[:, None], 3, axis=1))


def test_colours_of_mixed_polygons_are_refused(read):
    text = ply_text(faces="3 0 1 2 255 0 0\n4 0 1 2 3 0 0 255\n").replace("vertex_indices\n", "vertex_indices\n" + RGB)
    with pytest.raises(AssetError, match=r"mesh.ply must have triangles for its colours to be read.+Triangulate it"):
        read(text)


def test_mixed_polygons(read):
    (part,) = read(ply_text(faces="3 0 1 2\n4 0 1 2 3\n"))
    assert len(part.corners) == 3


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["vertex_index", "vertex_indices"])
def test_binary_polygons_of_several_sizes(read, order, kind):
    name = {"<": "little", ">": "big"}[order]
    outline = [(0, 0), (4, 0), (4, 2), (2, 2), (2, 4), (0, 4)]
    faces = [((0, 1, 2), 255), ((1, 2, 3, 4, 5, 0), 0), ((0, 1), 7), ((5, 0, 1, 2), 128)]
    data = (
        f"ply\nformat binary_{name}_endian 1.0\nelement vertex 6\nproperty uchar tag\nproperty float x\n"
        f"property float y\nproperty double z\nelement face 4\nproperty uchar red\nproperty list uchar int {kind}\n"
        f"property uchar green\nproperty uchar blue\nelement edge 1\nproperty int vertex1\nproperty int vertex2\n"
        f"end_header\n"
    ).encode()
    data += b"".join(struct.pack(f"{order}Bffd", 9, x, y, 5) for x, y in outline)
    data += b"".join(struct.pack(f"{order}BB{len(v)}iBB", red, len(v), *v, 255, 0) for v, red in faces)
    (part,) = read(data + struct.pack(f"{order}2i", 0, 1))
    a, b, c = np.moveaxis(part.corners, 1, 0)
    areas = np.cross(b - a, c - a)[:, 2] / 2
    assert (areas > 0).all()
    # A triangle, the L, and a trapezium; an edge has no area.
    assert [areas[:1].sum(), areas[1:5].sum(), areas[5:].sum()] == [4, 12, 12]
    assert (part.corners[..., 2] == 5).all()
    reds = linear_from_srgb(np.array([255, 0, 0, 0, 0, 128, 128]) / 255)
    np.testing.assert_allclose(part.colors, np.stack([reds, np.ones(7), np.zeros(7)], axis=-1)[:, None].repeat(3, 1))
    with pytest.raises(AssetError, match=r"mesh.ply must be a readable PLY file"):
        read(data[:-6])


def test_texture_coordinates_with_colours(read, tmp_path):
    (tmp_path / "my map.png").write_bytes(encoded(four_corners()))
    vertices = "".join(
        f"{c} {m.split(' ', 3)[3]}\n" for c, m in zip(COLORED.splitlines(), MAPPED.splitlines(), strict=True)
    )
    text = ply_text(extra=RGB + ST, vertices=vertices).replace(
        "element vertex", "comment TextureFile my map.png\nelement vertex"
    )
    (part,) = read(text)
    np.testing.assert_allclose(part.uvs, np.stack([part.corners[..., 0], 1 - part.corners[..., 1]], axis=-1))
    np.testing.assert_allclose(part.colors, LINEAR[QUAD_FACES])
    assert part.surface.image.data == (tmp_path / "my map.png").read_bytes()


@pytest.mark.parametrize("encoding", ["ascii", "binary"])
def test_what_trimesh_writes_is_read(read, encoding):
    solid = trimesh.creation.icosphere(subdivisions=1)
    solid.visual.vertex_colors = np.random.default_rng(0).integers(0, 256, (len(solid.vertices), 4), np.uint8)
    (part,) = read(solid.export(file_type="ply", encoding=encoding))
    # The text form has 8 digits, the binary one 24 bits.
    np.testing.assert_allclose(part.corners, solid.triangles, atol=1e-6)
    expected = linear_from_srgb(solid.visual.vertex_colors[solid.faces][..., :3] / 255)
    np.testing.assert_allclose(part.colors, expected)


def test_big_endian(read):
    header = ply_text().split("end_header\n")[0].replace("ascii", "binary_big_endian") + "end_header\n"
    faces = np.zeros(2, dtype=[("n", "u1"), ("v", ">i4", 3)])
    faces["n"], faces["v"] = 3, QUAD_FACES
    (part,) = read(header.encode() + QUAD.astype(">f4").tobytes() + faces.tobytes())
    np.testing.assert_array_equal(part.corners, QUAD[QUAD_FACES])


@pytest.mark.parametrize("uri", ["../map.png", "/etc/hostname"])
def test_texture_outside_the_folder(read, uri):
    with pytest.raises(AssetError, match=r"mesh.ply must only refer to files in its own folder"):
        read(
            ply_text(extra=ST, vertices=MAPPED).replace("element vertex", f"comment TextureFile {uri}\nelement vertex")
        )


def test_missing_texture_and_too_many(read):
    text = ply_text(extra=ST, vertices=MAPPED)
    with pytest.raises(AssetError, match=r"must only refer to files that exist, got 'gone.png'"):
        read(text.replace("element vertex", "comment TextureFile gone.png\nelement vertex"))
    with pytest.raises(AssetError, match=r"mesh.ply must have one texture, got 2. Save it as .obj or .glb"):
        read(text.replace("element vertex", "comment TextureFile a.png\ncomment TextureFile b.png\nelement vertex"))


@pytest.mark.parametrize("extra", ["", ST], ids=["plain", "with texture coordinates"])
def test_index_out_of_range(read, extra):
    with pytest.raises(AssetError, match=r"mesh.ply must .+index (-1 of 4|9)"):
        read(ply_text(faces="3 0 1 9\n" if extra else "3 0 1 -1\n", extra=extra, vertices=MAPPED if extra else ""))


@pytest.mark.parametrize("bad", ["nan", "inf"])
def test_vertices_that_are_not_finite(read, bad):
    with pytest.raises(AssetError, match=rf"mesh.ply must have finite vertices, got \[1.0, {bad}, 0.0\] for vertex 2"):
        read(ply_text(vertices=f"0 0 0\n1 0 0\n1 {bad} 0\n0 1 0\n"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (ply_text(count=10**12), r"a header that claims 1000000000000 of element 'vertex' in \d+ bytes"),
        (ply_text(count=5), "6 lines for the 7 that its header claims"),
        (ply_text(count=-1), "a header that claims -1 of element 'vertex'"),
        (ply_text().replace("element face", "element fa ce"), "the header line 'element fa ce 2'"),
        (ply_text().replace("property float x", "property quaternion x"), "the header line 'property quaternion x'"),
        (ply_text().replace("end_header", "begin"), "no PLY header"),
        ("Dear diary", "no PLY header"),
        ("", "no PLY header"),
    ],
)
def test_file_that_is_broken(read, text, found):
    with pytest.raises(AssetError, match=rf"mesh.ply must be a complete PLY file, got {found}.+or leave it out"):
        read(text)


def test_binary_file_that_is_cut_off(read):
    data = trimesh.creation.box().export(file_type="ply", encoding="binary")
    for end in (len(data) // 2, len(data) - 1):
        with pytest.raises(AssetError, match=r"mesh.ply must be a (complete|readable) PLY file"):
            read(data[:end])


def test_cloud_of_points_has_no_parts(read):
    assert read(ply_text(faces="")) == []
