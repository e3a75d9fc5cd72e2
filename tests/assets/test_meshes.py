"""From a file to packed arrays: nothing moves, nothing is mirrored, nothing absurd gets through."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from ondr.assets.meshes import READERS, Mesh, build_mesh, read_mesh
from ondr.assets.parts import DEFAULT, WHITE, Part, Surface
from ondr.errors import AssetError

from .makers import CUBE_TRIANGLES, CUBE_VERTICES, QUAD_OBJ, cube_obj, unpack_words

CUBE = CUBE_VERTICES[CUBE_TRIANGLES]


def built(corners: np.ndarray, crease: float = 40.0, **part: object) -> Mesh:
    return build_mesh("mesh", [Part(corners, **{"uvs": None, "colors": None, "surface": DEFAULT, **part})], crease)


def file_corners(mesh: Mesh) -> np.ndarray:
    return mesh.vertices[mesh.triangles][..., :3] + mesh.center


@pytest.mark.parametrize("suffix", sorted(READERS))
def test_every_format_gives_the_same_cube(tmp_path, suffix):
    solid = trimesh.Trimesh(CUBE_VERTICES * [2, 3, 4] + [10, 0, -5], CUBE_TRIANGLES, process=False)
    path = tmp_path / f"cube{suffix}"
    if suffix == ".gltf":
        for name, data in trimesh.exchange.gltf.export_gltf(trimesh.Scene(solid)).items():
            (tmp_path / name).write_bytes(data)
        path = tmp_path / "model.gltf"
    else:
        solid.export(path)
    mesh = read_mesh(path, 40.0)
    np.testing.assert_allclose(mesh.center, [11, 1.5, -3], atol=1e-6)
    np.testing.assert_allclose(mesh.extent, [2, 3, 4], atol=1e-6)
    assert mesh.closed
    assert len(mesh.vertices) == 24
    assert len(mesh.triangles) == 12
    assert len(np.unique(mesh.patches)) == 6
    assert len(mesh.hull) == 8
    normals = np.cross(*(file_corners(mesh)[:, i] - file_corners(mesh)[:, 0] for i in (1, 2)))
    np.testing.assert_allclose(mesh.vertices[mesh.triangles[:, 0], 3:6], np.sign(normals), atol=1e-6)
    assert (np.sign(normals) * (file_corners(mesh).mean(axis=1) - mesh.center)).sum(axis=1).min() > 0


@settings(deadline=None, max_examples=25)
@given(
    st.integers(1, 40),
    st.floats(1e-6, 1e6),
    st.tuples(*[st.floats(-1e3, 1e3)] * 3),
)
def test_positions_survive(triangles, scale, shift):
    corners = np.random.default_rng(triangles).normal(size=(triangles, 3, 3)) * scale + np.multiply(shift, scale)
    mesh = built(corners)
    # Half a step of float32 around the centre, plus that of float64 far away from it.
    np.testing.assert_allclose(file_corners(mesh), corners, atol=(1e-6 + 1e-12 * 1e3) * 10 * scale)
    np.testing.assert_allclose(mesh.vertices[:, 3:6] ** 2 @ np.ones(3), 1, atol=1e-5)


def test_mesh_inside_out_is_turned_with_all_that_belongs_to_its_corners():
    uvs, colors = CUBE[..., :2] * 0.5, CUBE * 0.5
    right, turned = (
        built(c, uvs=u, colors=k) for c, u, k in ((CUBE, uvs, colors), (CUBE[:, ::-1], uvs[:, ::-1], colors[:, ::-1]))
    )
    assert right.closed
    assert turned.closed
    for mesh in (right, turned):
        np.testing.assert_allclose(mesh.vertices[mesh.triangles][..., 6:], file_corners(mesh)[..., :2] * 0.5, atol=1e-6)
        np.testing.assert_allclose(unpack_words(mesh.colors)[mesh.triangles], file_corners(mesh) * 0.5, atol=0.006)
        normals = mesh.vertices[mesh.triangles[:, 0], 3:6]
        assert ((file_corners(mesh).mean(axis=1) - 0.5) * normals).sum(axis=1).min() > 0


def test_vertices_split_only_where_something_differs():
    solid = trimesh.creation.icosphere(subdivisions=2)
    uvs = np.asarray(solid.triangles)[..., :2]
    assert len(built(np.asarray(solid.triangles), uvs=uvs).vertices) == len(solid.vertices)
    # Without texture coordinates, also where the dominant axis changes.
    assert len(built(np.asarray(solid.triangles)).vertices) > len(solid.vertices)


def test_parts_with_equal_surfaces_share_a_row():
    red, same, blue = Surface((1.0, 0.0, 0.0)), Surface((1.0, 0.0, 0.0)), Surface((0.0, 0.0, 1.0))
    parts = [Part(CUBE[i : i + 4], None, None, s) for i, s in ((0, red), (4, blue), (8, same))]
    mesh = build_mesh("mesh", parts, 40.0)
    assert mesh.surfaces == (red, blue)
    assert mesh.materials.tolist() == [0] * 4 + [1] * 4 + [0] * 4


def test_parts_that_look_alike_are_told_apart_by_name():
    body, wheel = Surface((0.6, 0.6, 0.6), name="body"), Surface((0.6, 0.6, 0.6), name="wheel")
    parts = [Part(CUBE[i : i + 6], None, None, s) for i, s in ((0, body), (6, wheel))]
    mesh = build_mesh("mesh", parts, 40.0)
    assert mesh.surfaces == (body, wheel)
    assert mesh.materials.tolist() == [0] * 6 + [1] * 6


def test_texture_transform_is_applied():
    corners = np.array([[[0, 0, 0], [1, 0, 0], [0, 1, 0]]], dtype=float)
    surface = Surface(WHITE, None, ((2.0, 0.0, 0.5), (0.0, 3.0, 0.25)))
    mesh = built(corners, uvs=corners[..., :2], surface=surface)
    np.testing.assert_allclose(mesh.vertices[mesh.triangles][0, :, 6:], [[0.5, 0.25], [2.5, 0.25], [0.5, 3.25]])


def test_texture_coordinates_that_are_not_finite_are_projected():
    uvs = np.zeros((12, 3, 2))
    uvs[3] = np.inf
    mesh = built(CUBE, uvs=uvs)
    assert np.isfinite(mesh.vertices).all()
    assert np.ptp(mesh.vertices[mesh.triangles[3], 6:], axis=0).max() == 1
    assert not mesh.vertices[mesh.triangles[2], 6:].any()


def test_flat_mesh_is_open_and_has_an_outline(tmp_path):
    (tmp_path / "quad.obj").write_text(QUAD_OBJ)
    mesh = read_mesh(tmp_path / "quad.obj", 40.0)
    assert not mesh.closed
    assert len(mesh.hull) == len(mesh.hull_edges) == 4
    np.testing.assert_allclose(mesh.extent, [1, 1, 0])


@pytest.mark.parametrize(("name", "text"), [("diary.obj", "Dear diary"), ("points.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\n")])
def test_file_without_triangles(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(
        AssetError, match=rf"{name} must hold triangles, got none. Check that it is a mesh, or leave it out"
    ):
        read_mesh(tmp_path / name, 40.0)


@pytest.mark.parametrize("scale", [0, 1e-12, 1e12, np.inf])
def test_absurd_sizes(scale):
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(AssetError, match=r"mesh must have a longest side of 1e-09 to 1e\+09"),
    ):
        built(CUBE * scale)


def test_line_has_no_area():
    with pytest.raises(AssetError, match=r"mesh must have a triangle with an area, got none"):
        built(np.array([[[0, 0, 0], [1, 0, 0], [2, 0, 0]]], dtype=float))


def test_palette_car_has_plain_colours_and_no_textures(tmp_path):
    colors = {"paint": "0.8 0.1 0.1", "glass": "0.1 0.2 0.4", "tyre": "0.02 0.02 0.02"}
    (tmp_path / "car.mtl").write_text("".join(f"newmtl {n}\nKd {c}\n" for n, c in colors.items()))
    (tmp_path / "car.obj").write_text("mtllib car.mtl\n" + cube_obj(tuple(colors)))
    mesh = read_mesh(tmp_path / "car.obj", 40.0)
    assert {s.color for s in mesh.surfaces} == {tuple(map(float, c.split())) for c in colors.values()}
    assert all(s.image is None for s in mesh.surfaces)
    assert (unpack_words(mesh.colors) == 1).all()


@pytest.mark.parametrize("folder", ["fruit", "household", "parts"])
def test_real_meshes_agree_with_trimesh(test_data, folder):
    for path in sorted((test_data / folder / "meshes").rglob("*"))[::5]:
        if path.suffix not in READERS:
            continue
        mesh, reference = read_mesh(path, 40.0), trimesh.load(path, force="mesh", process=True)
        # Text files have five or six digits.
        tolerance = 1e-5 * reference.extents.max()
        np.testing.assert_allclose(mesh.center, reference.bounds.mean(axis=0), atol=tolerance)
        np.testing.assert_allclose(mesh.extent, reference.extents, atol=tolerance)
        moved = trimesh.Trimesh(mesh.vertices[:, :3], mesh.triangles, process=False)
        assert moved.area == pytest.approx(reference.area, rel=1e-4)
        assert len(mesh.triangles) == len(reference.faces)


def test_culling_never_opens_a_real_mesh(test_data):
    """From outside, a ray meets the front of a closed mesh first."""
    rng = np.random.default_rng(0)
    for path in sorted((test_data / "household" / "meshes").rglob("*.obj"))[::4]:
        mesh = read_mesh(path, 40.0)
        if not mesh.closed:
            continue
        solid = trimesh.Trimesh(mesh.vertices[:, :3], mesh.triangles, process=False)
        target = (rng.random((2000, 3)) - 0.5) * mesh.extent
        origin = rng.normal(size=(2000, 3))
        origin *= 10 * mesh.extent.max() / np.linalg.norm(origin, axis=1, keepdims=True)
        hit = solid.ray.intersects_first(origin, target - origin)
        seen = hit >= 0
        facing = (solid.face_normals[hit[seen]] * (target - origin)[seen]).sum(axis=1)
        # A ray along an edge may be given to the triangle behind it.
        assert (facing > 0).mean() < 1e-3
