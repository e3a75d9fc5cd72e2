"""Files beside meshes: what they say arrives, and what is wrong in one is said with its name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ondr
from ondr.assets.bank import Assets
from ondr.assets.sidecar import read_sidecar
from ondr.errors import AssetError

CUBE = """v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nv 0 0 1\nv 1 0 1\nv 1 1 1\nv 0 1 1
usemtl a\nf 1 4 3 2\nusemtl b\nf 5 6 7 8\nusemtl a\nf 1 2 6 5\nf 2 3 7 6\nusemtl b\nf 3 4 8 7\nf 4 1 5 8
"""
HALF_TURN = [-1, 0, 0, 1, 0, -1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1]


def write(folder: Path, name: str = "cube", **said: Any) -> Path:
    """A cube with six faces of two materials, and what is said of it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.obj").write_text(CUBE)
    if said:
        (folder / f"{name}.labels.json").write_text(json.dumps(said))
    return folder / f"{name}.obj"


def load(folder: Path, **settings: Any) -> Assets:
    return ondr.load_assets(ondr.Config(objects={"meshes": folder}, assets={"progress": False}, **settings))


def test_nothing_is_said_of_a_mesh_without_one(tmp_path: Path) -> None:
    said = read_sidecar(write(tmp_path))
    assert (said.keypoints, said.stencil, said.matrices.shape) == ({}, None, (0, 4, 4))


def test_all_that_is_said_arrives(tmp_path: Path) -> None:
    turning = {"axis": [0, 0, 1], "offset": [0.5, 0.5, 0]}
    path = write(
        tmp_path,
        keypoints={"tip": [1, 2, 3.5]},
        symmetries_discrete=[HALF_TURN],
        symmetries_continuous=[turning],
        stencil=[0, 1, 2, 3, 4, 5],
    )
    said = read_sidecar(path)
    assert said.keypoints == {"tip": (1, 2, 3.5)}
    assert np.array_equal(said.matrices[0].ravel(), HALF_TURN)
    assert said.symmetries_continuous[0].offset == (0.5, 0.5, 0)
    assert said.stencil == (0, 1, 2, 3, 4, 5)
    assert read_sidecar(write(tmp_path, "other", stencil=7)).stencil == 7


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"keypoint": {}}, r"must only have the keys keypoints, symmetries_discrete, .*, stencil, got 'keypoint'"),
        ({"keypoints": {"tip": [1, 2]}}, r"keypoints\.tip.* must .*, got"),
        ({"keypoints": {"tip": [1, 2, "x"]}}, r"keypoints\.tip\.2 must be a valid number.*, got x"),
        ({"symmetries_discrete": [[1, 0, 0]]}, r"symmetries_discrete\.0 must .* at least 16"),
        ({"symmetries_discrete": [[2] * 16]}, r"symmetries_discrete must be rotations with a shift, 4x4, row by row"),
        # A reflection is none of the turns that a rigid body can make.
        (
            {"symmetries_discrete": [[-1, *np.eye(4).ravel()[1:]]]},
            r"symmetries_discrete must be rotations with a shift",
        ),
        ({"symmetries_continuous": [{"offset": [0, 0, 0]}]}, r"symmetries_continuous\.0\.axis must be right: field"),
        ({"symmetries_continuous": [{"axis": [0, 0, 0]}]}, r"symmetries_continuous\.0\.axis must have a direction"),
        ({"stencil": -1}, r"stencil must be greater than or equal to 0, got -1"),
        ({"stencil": [1, 2]}, r"stencil must have a number for each of the 6 faces of cube.obj, got 2. Add or remove"),
    ],
)
def test_what_is_wrong_is_said_with_the_files_name(tmp_path: Path, said: dict[str, Any], message: str) -> None:
    write(tmp_path / "thing", **said)
    with pytest.raises(AssetError, match=r"cube\.labels\.json .*" + message) as caught:
        load(tmp_path)
    assert "\n" not in str(caught.value)


def test_no_json(tmp_path: Path) -> None:
    write(tmp_path).with_name("cube.labels.json").write_text("{")
    with pytest.raises(AssetError, match=r"cube.labels.json it must be right: invalid JSON.* Correct it, or remove"):
        read_sidecar(tmp_path / "cube.obj")


def test_a_bad_one_leaves_its_mesh_out_where_that_is_wanted(tmp_path: Path) -> None:
    write(tmp_path / "thing", "good")
    write(tmp_path / "thing", "bad", wrong=1)
    cfg = ondr.Config(objects={"meshes": tmp_path}, assets={"progress": False, "on_bad": "skip"})
    assert ondr.load_assets(cfg).mesh_files == ("thing/good.obj",)


def test_a_change_is_noticed_though_the_mesh_comes_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONDR_CACHE", str(tmp_path / "cache"))
    for value in (3, 4):
        write(tmp_path / "meshes" / "thing", stencil=value)
        stencil = load(tmp_path / "meshes", outputs=["stencil"]).annotations.stencil
        assert stencil is not None
        assert set(stencil[:12].tolist()) == {value}


def test_faces_keep_their_numbers_across_materials(tmp_path: Path) -> None:
    write(tmp_path / "thing", stencil=[10, 11, 12, 13, 14, 15])
    assets = load(tmp_path, outputs=["stencil"])
    bank, stencil = assets.bank, assets.annotations.stencil
    assert stencil is not None
    corners = bank.vertices[bank.triangles[:12, :3].long() + bank.vertex_offset[0], :3]
    # Each face of the cube by its normal, in the order of the file.
    normals = {(0, 0, -1): 10, (0, 0, 1): 11, (0, -1, 0): 12, (1, 0, 0): 13, (0, 1, 0): 14, (-1, 0, 0): 15}
    centers = corners.mean(dim=1).numpy()
    outward = [tuple(np.where(np.abs(c) > 0.49, np.sign(c), 0).astype(int).tolist()) for c in centers]
    assert stencil[:12].tolist() == [normals[o] for o in outward]
    assert (stencil[12:] == -1).all()


def test_bent_meshes_keep_the_numbers_of_their_faces(tmp_path: Path) -> None:
    write(tmp_path / "thing", stencil=[10, 11, 12, 13, 14, 15])
    cfg = ondr.Config(
        objects={"meshes": tmp_path, "bends_degrees": [0, 30]}, outputs=["stencil"], assets={"progress": False}
    )
    assets = ondr.load_assets(cfg)
    stencil, first = assets.annotations.stencil, assets.bank.first_triangle
    assert stencil is not None
    straight = stencil[:12]
    for row in assets.bent:
        assert torch.equal(stencil[first[row] : first[row] + 12], straight)


def test_one_without_a_mesh_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path / "stray").with_name("cubes.labels.json").write_text("{}")
    load(tmp_path)
    assert "has no mesh for cubes.labels.json" in caplog.text


def test_a_stencil_that_no_mesh_has_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path / "nothing_said")
    load(tmp_path, outputs=["stencil"])
    assert "no mesh has one in a .labels.json" in caplog.text
