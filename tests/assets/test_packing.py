"""The bank's rows against the meshes they were packed from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import trimesh

from ondr.assets import packing
from ondr.assets.meshes import Mesh, build_mesh
from ondr.assets.packing import pack_bank
from ondr.assets.parts import ImageData, Part, Surface
from ondr.assets.textures import TextureStore
from ondr.errors import AssetError

from .makers import CUBE_TRIANGLES, CUBE_VERTICES, encoded

IMAGE = ImageData(encoded(np.full((4, 4, 3), 128, np.uint8)), "grey.png")


def meshes() -> list[Mesh]:
    cube, ball = CUBE_VERTICES[CUBE_TRIANGLES] + 7, np.asarray(trimesh.creation.icosphere(subdivisions=1).triangles)
    red, grey = Surface((1.0, 0.0, 0.0)), Surface((1.0, 1.0, 1.0), IMAGE)
    return [
        build_mesh("cube", [Part(cube[:6], None, None, red), Part(cube[6:], None, None, grey)], 40.0),
        build_mesh("ball", [Part(ball, None, None, red)], 40.0),
    ]


def test_rows_lead_back_to_the_meshes():
    store = TextureStore(1024)
    packed = meshes()
    bank = pack_bank(packed, [store.add_own([s.image for s in m.surfaces]) for m in packed], store)
    for row, mesh in enumerate(packed):
        first, count = int(bank.first_triangle[row]), int(bank.triangle_count[row])
        triangles = bank.triangles[first : first + count]
        rows = triangles[:, :3].long() + bank.vertex_offset[row]
        np.testing.assert_array_equal(bank.vertices[rows], mesh.vertices[mesh.triangles])
        np.testing.assert_array_equal(bank.colors[rows], mesh.colors[mesh.triangles])
        np.testing.assert_array_equal(bank.patches[first : first + count], mesh.patches)
        colors = bank.material_color[triangles[:, 3].long()]
        np.testing.assert_array_equal(colors, [mesh.surfaces[m].color for m in mesh.materials])
        textures = bank.material_texture[triangles[:, 3].long()]
        np.testing.assert_array_equal(textures, [int(mesh.surfaces[m].image is not None) for m in mesh.materials])
        np.testing.assert_array_equal(bank.center[row], mesh.center.astype(np.float32))
        np.testing.assert_array_equal(bank.extent[row], mesh.extent.astype(np.float32))
    assert bank.closed.tolist() == [True, True]
    assert bank.textures.tolist() == [[0, 0], [1, 2]]


def test_hulls_are_padded_without_changing_them():
    store = TextureStore(1024)
    packed = meshes()
    bank = pack_bank(packed, [[0, 0], [0]], store)
    for row, mesh in enumerate(packed):
        hull = bank.hull[row].numpy()
        assert {tuple(p) for p in hull} == {tuple(p) for p in mesh.hull}
        ends = hull[bank.hull_edges[row].numpy()]
        expected = mesh.hull[mesh.hull_edges]
        assert {tuple(e.reshape(-1)) for e in ends} == {tuple(e.reshape(-1)) for e in expected}


def test_dtypes_are_those_of_the_bank():
    bank = pack_bank(meshes(), [[0, 0], [0]], TextureStore(1024))
    floats = {"vertices", "material_color", "extent", "center", "hull", "support"}
    for name, tensor in vars(bank).items():
        if tensor is None:  # Resting poses, which nothing asked for.
            continue
        expected = torch.float32 if name in floats else torch.bool if name == "closed" else torch.int32
        assert tensor.dtype == expected, name
    assert bank.to("cpu").device == torch.device("cpu")


@pytest.mark.parametrize(("most", "what"), [(23, "vertices"), (24, "triangles")])
def test_more_rows_than_an_index_can_count(monkeypatch, most, what):
    # 24 vertices; every triangle three times.
    repeated = np.repeat(CUBE_VERTICES[CUBE_TRIANGLES], 3, axis=0)
    cube = build_mesh("cube", [Part(repeated, None, None, Surface())], 40.0)
    monkeypatch.setattr(packing, "MOST_ROWS", most)
    with pytest.raises(AssetError, match=rf"the assets must have at most {most} {what} together.+Load fewer files"):
        pack_bank([cube], [[0]], TextureStore(1024))


def test_more_texels_than_an_index_can_count(monkeypatch):
    store = TextureStore(1024)
    store.add_own([IMAGE])
    store.size = 2**31
    with pytest.raises(AssetError, match=r"the assets must have at most 2147483647 texels together, got 2147483648"):
        pack_bank(meshes(), [[0, 0], [0]], store)
