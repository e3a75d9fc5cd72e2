"""glTF, text and binary: what is kept, and one clear error for everything that is wrong."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from ondr.assets.gltf import read_gltf
from ondr.assets.parts import WHITE
from ondr.errors import AssetError

from .makers import QUAD, QUAD_FACES, QUAD_UV_UP, Gltf, encoded, four_corners

PNG = encoded(four_corners())


def textured() -> Gltf:
    """A quad with an embedded image."""
    gltf = Gltf()
    gltf.tree["images"] = [{"bufferView": gltf.view(PNG), "mimeType": "image/png"}]
    gltf.tree["textures"] = [{"source": 0}]
    gltf.tree["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]
    gltf.mesh(gltf.quad(material=0))
    return gltf


@pytest.fixture(params=["glb", "gltf"])
def read(request, tmp_path):
    """Saves a document either way and reads it."""

    def save_and_read(gltf: Gltf):
        path = tmp_path / f"mesh.{request.param}"
        return read_gltf(gltf.save_glb(path) if request.param == "glb" else gltf.save_gltf(path))

    return save_and_read


def test_quad_with_its_texture(read):
    (part,) = read(textured())
    np.testing.assert_array_equal(part.corners, QUAD[QUAD_FACES])
    np.testing.assert_allclose(part.uvs, np.stack([part.corners[..., 0], 1 - part.corners[..., 1]], axis=-1), atol=1e-7)
    assert part.surface.image.data == PNG
    assert part.surface.color == WHITE
    assert part.surface.uv_map == ((1, 0, 0), (0, 1, 0))


def test_factors_are_linear_and_not_rounded(read):
    gltf = Gltf()
    colors = [[0.001, 0.25, 1, 1], [0.5, 0.3, 0.0123, 0.5]]
    gltf.tree["materials"] = [{"name": "same", "pbrMetallicRoughness": {"baseColorFactor": c}} for c in colors]
    gltf.mesh(gltf.quad(material=1), gltf.quad(material=0))
    parts = read(gltf)
    assert sorted(p.surface.color for p in parts) == sorted(tuple(c[:3]) for c in colors)
    assert all(p.surface.image is None for p in parts)


def test_quad_without_material_is_white(read):
    gltf = Gltf()
    gltf.mesh(gltf.quad(uvs=False))
    (part,) = read(gltf)
    assert part.surface.color == WHITE
    assert part.uvs is None


@pytest.mark.parametrize("kind", [np.float32, np.uint8, np.uint16])
def test_vertex_colours_are_linear(read, kind):
    gltf = Gltf()
    colors = np.array([[1, 0, 0, 1], [0, 0.2, 0, 1], [0, 0, 1, 1], [0.6, 0.6, 0.6, 1]])
    stored = colors if kind == np.float32 else colors * np.iinfo(kind).max
    gltf.mesh(gltf.quad(COLOR_0=stored.astype(kind)))
    (part,) = read(gltf)
    np.testing.assert_allclose(part.colors, colors[QUAD_FACES][..., :3], atol=1e-6)


def test_nodes_place_their_meshes(read):
    gltf = Gltf()
    gltf.mesh(gltf.quad(), translation=[0, 0, 5], scale=[2, 2, 2])
    gltf.tree["nodes"].append({"mesh": 0, "rotation": [0, 0, np.sqrt(0.5), np.sqrt(0.5)], "children": [2]})
    gltf.tree["nodes"].append({"mesh": 0, "translation": [0, 0, -1]})
    gltf.tree["scenes"][0]["nodes"] = [0, 1]
    corners = sorted((p.corners for p in read(gltf)), key=lambda c: c[0, 0, 2])
    turned = QUAD @ np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    for found, expected in zip(corners, (turned - [0, 0, 1], turned, QUAD * 2 + [0, 0, 5]), strict=True):
        np.testing.assert_allclose(found, expected[QUAD_FACES], atol=1e-6)


def test_mirrored_node_keeps_its_front(read):
    gltf = Gltf()
    gltf.mesh(gltf.quad(), scale=[-1, 1, 1])
    a, b, c = np.moveaxis(read(gltf)[0].corners, 1, 0)
    np.testing.assert_allclose(np.cross(b - a, c - a)[:, 2], 1)


def test_texture_transform(read):
    gltf = textured()
    transform = {"offset": [0.5, 0.25], "scale": [2, 3], "rotation": np.pi / 2}
    gltf.tree["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]["extensions"] = {
        "KHR_texture_transform": transform
    }
    gltf.tree["extensionsRequired"] = ["KHR_texture_transform", "KHR_materials_unlit"]
    matrix = np.array(read(gltf)[0].surface.uv_map)
    # Scaled, then a quarter turn counter-clockwise on the image (u right becomes v up), then moved.
    np.testing.assert_allclose(matrix @ (1, 0, 1), [0.5, 0.25 - 2], atol=1e-12)
    np.testing.assert_allclose(matrix @ (0, 1, 1), [0.5 + 3, 0.25], atol=1e-12)


@pytest.mark.parametrize("uri", ["maps/my%20wood.png", "data:image/png;base64," + base64.b64encode(PNG).decode()])
def test_images_outside_the_buffer(tmp_path, read, uri):
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "my wood.png").write_bytes(PNG)
    gltf = textured()
    gltf.tree["images"] = [{"uri": uri}]
    assert read(gltf)[0].surface.image.data == PNG


@pytest.mark.parametrize("by_transform", [False, True])
def test_a_texture_may_lie_on_other_coordinates_than_the_first(read, by_transform):
    gltf, others = textured(), (QUAD_UV_UP / 4).astype(np.float32)
    gltf.mesh(gltf.quad(material=0, TEXCOORD_1=others), gltf.quad())
    gltf.tree["nodes"] = [{"mesh": 1}]
    gltf.tree["scenes"][0]["nodes"] = [0]
    second = {"extensions": {"KHR_texture_transform": {"texCoord": 1}}} if by_transform else {"texCoord": 1}
    gltf.tree["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"] |= second
    mapped, plain = read(gltf)
    np.testing.assert_allclose(mapped.uvs, others[QUAD_FACES], atol=1e-7)
    np.testing.assert_allclose(plain.uvs, np.stack([plain.corners[..., 0], 1 - plain.corners[..., 1]], axis=-1))


def test_texture_in_a_format_that_is_unknown_here(read):
    gltf = textured()
    gltf.tree["textures"] = [{"extensions": {"KHR_texture_basisu": {"source": 0}}}]
    with pytest.raises(AssetError, match="must have textures as PNG, JPEG or WebP, got one with KHR_texture_basisu al"):
        read(gltf)


def test_old_glossy_materials(read):
    gltf = textured()
    glossy = {"diffuseFactor": [0.1, 0.2, 0.3, 1], "diffuseTexture": {"index": 0}}
    gltf.tree["materials"] = [{"extensions": {"KHR_materials_pbrSpecularGlossiness": glossy}}]
    (part,) = read(gltf)
    assert part.surface.color == (0.1, 0.2, 0.3)
    assert part.surface.image.data == PNG


def test_document_without_meshes_has_no_parts(read):
    gltf = Gltf()
    gltf.tree["nodes"].append({})
    assert read(gltf) == []


@pytest.mark.parametrize("uri", ["../wood.png", "/etc/hostname", "%2e%2e/wood.png", "file:///etc/hostname"])
def test_image_outside_the_folder(read, uri):
    gltf = textured()
    gltf.tree["images"] = [{"uri": uri}]
    with pytest.raises(AssetError, match=r"must only refer to files in its own folder"):
        read(gltf)


def test_missing_image_and_buffer(tmp_path, read):
    gltf = textured()
    gltf.tree["images"] = [{"uri": "gone.png"}]
    with pytest.raises(AssetError, match=r"must only refer to files that exist, got 'gone.png'"):
        read(gltf)
    with pytest.raises(AssetError, match=r"mesh.gltf must only refer to files that exist, got 'gone.bin'"):
        read_gltf(textured().save_gltf(tmp_path / "mesh.gltf", uri="gone.bin"))
    with pytest.raises(AssetError, match=r"must only refer to files in its own folder, got '../data.bin'"):
        read_gltf(textured().save_gltf(tmp_path / "mesh.gltf", uri="../data.bin"))


def test_index_out_of_range(read):
    gltf = Gltf()
    primitive = gltf.quad()
    primitive["indices"] = gltf.accessor(np.array([0, 1, 9], np.uint16))
    gltf.mesh(primitive)
    with pytest.raises(AssetError, match=r"must only name vertices that it has, got index 9 of 4"):
        read(gltf)


def test_vertices_that_are_not_finite(read):
    gltf = Gltf()
    bad = QUAD.copy()
    bad[2, 1] = np.nan
    gltf.mesh(gltf.quad() | {"attributes": {"POSITION": gltf.accessor(bad)}})
    with pytest.raises(AssetError, match=r"must have finite vertices, got \[1.0, nan, 0.0\] for vertex 2"):
        read(gltf)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t["accessors"][0].update(count=10**9), "an accessor that is larger than its buffer"),
        (lambda t: t["accessors"][0].update(sparse={}), "must store its accessors in full"),
        (lambda t: t["accessors"][0].pop("bufferView"), "must store its accessors in full"),
        (lambda t: t["bufferViews"][1].update(byteLength=10**6), "a buffer that is cut off"),
        (lambda t: t["asset"].update(version="1.0"), "must be glTF 2, got version 1.0"),
        (lambda t: t.pop("asset"), "must be a valid glTF 2.0 file, got KeyError: 'asset'"),
        (lambda t: t["textures"].clear(), "must be a valid glTF 2.0 file, got IndexError"),
        (lambda t: t.update(extensionsRequired=["KHR_draco_mesh_compression"]), "got KHR_draco_mesh_compression"),
        (lambda t: t["accessors"][1].update(componentType=5123), "must have texture coordinates in floats"),
        (lambda t: t["accessors"][2].update(componentType=1), "must be a readable GL.+ file, got KeyError"),
        (lambda t: t["meshes"][0].pop("primitives"), "must be a valid glTF 2.0 file, got KeyError: 'primitives'"),
    ],
)
def test_broken_documents(read, change, message):
    gltf = textured()
    change(gltf.tree)
    with pytest.raises(AssetError, match=rf"mesh.gl.+{message}"):
        read(gltf)


@pytest.mark.parametrize("keep", [0.02, 0.3, 0.99])
def test_binary_file_that_is_cut_off(tmp_path, keep):
    path = textured().save_glb(tmp_path / "mesh.glb")
    path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
    with pytest.raises(AssetError, match=r"mesh.glb must be a valid glTF 2.0 file, got a file of \d+ bytes"):
        read_gltf(path)


@pytest.mark.parametrize(
    "content", [b"Dear diary", b"", b"[1, 2]", b"{}", b'{"asset": 3}', b"[" * 100_000, b"\xff\xfe"]
)
def test_file_that_is_no_gltf(tmp_path, content):
    (tmp_path / "mesh.gltf").write_bytes(content)
    with pytest.raises(AssetError, match=r"mesh.gltf must be a valid glTF 2.0 file.+Export it again or leave it out"):
        read_gltf(tmp_path / "mesh.gltf")


def test_data_uri_that_is_no_base64(tmp_path):
    gltf = textured()
    gltf.tree["images"] = [{"uri": "data:image/png;base64,%%%"}]
    with pytest.raises(AssetError, match=r"got a data URI that is no base64"):
        read_gltf(gltf.save_glb(tmp_path / "mesh.glb"))


def test_what_trimesh_writes_is_read(tmp_path):
    import trimesh

    solid = trimesh.creation.icosphere(subdivisions=1)
    solid.visual.vertex_colors = np.tile([255, 0, 0, 255], (len(solid.vertices), 1)).astype(np.uint8)
    scene = trimesh.Scene([solid, solid.copy().apply_translation([3, 0, 0])])
    scene.export(tmp_path / "mesh.glb")
    parts = read_gltf(tmp_path / "mesh.glb")
    corners = np.concatenate([p.corners for p in parts])
    np.testing.assert_allclose([corners.min(axis=(0, 1)), corners.max(axis=(0, 1))], scene.bounds, atol=1e-6)
    np.testing.assert_allclose(parts[0].colors, np.broadcast_to([1, 0, 0], parts[0].colors.shape))
    assert parts[0].surface.color == WHITE
