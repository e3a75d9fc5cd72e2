"""The cache gives what the reader gives, notices every change, and survives whatever lies in its folder."""

from __future__ import annotations

import dataclasses
import errno
import shutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ondr
from ondr.assets import cache
from ondr.assets.cache import read_cached
from ondr.assets.files import sample_folder
from ondr.assets.meshes import READERS, Mesh, read_mesh
from ondr.config import Config

TRIANGLE = "mtllib a.mtl\nusemtl red\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 0 1\nf 1/1 2/2 3/3\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("ONDR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were really read."""
    found: list[Path] = []

    def read(path: Path, crease_degrees: float) -> Mesh:
        found.append(path)
        return read_mesh(path, crease_degrees)

    monkeypatch.setattr(cache, "read_mesh", read)
    return found


def write(root: Path, kd: str = "1 0 0") -> Path:
    root.mkdir(exist_ok=True)
    (root / "a.obj").write_text(TRIANGLE)
    (root / "a.mtl").write_text(f"newmtl red\nKd {kd}\nmap_Kd a.png\n")
    Image.new("RGB", (4, 4), (200, 100, 50)).save(root / "a.png")
    return root / "a.obj"


def same(a: Mesh, b: Mesh) -> bool:
    arrays = all(
        getattr(a, name).dtype == getattr(b, name).dtype and np.array_equal(getattr(a, name), getattr(b, name))
        for name in cache.ARRAYS
    )
    images = [[s.image and s.image.data for s in mesh.surfaces] for mesh in (a, b)]
    plain = [[dataclasses.replace(s, image=None) for s in mesh.surfaces] for mesh in (a, b)]
    return arrays and a.closed is b.closed and a.up == b.up and images[0] == images[1] and plain[0] == plain[1]


def test_every_sample_mesh_comes_back_as_it_was_read(folder: Path, reads: list[Path]) -> None:
    root = sample_folder("meshes")
    every = sorted(f for f in root.rglob("*") if f.suffix in READERS)
    files = sorted({*every[::8], *{file.suffix: file for file in every}.values()})
    for file in files:
        expected = read_mesh(file, 40.0)
        assert same(read_cached(file, 40.0), expected)
        assert same(read_cached(file, 40.0), expected)
    assert reads == files


@pytest.mark.parametrize("changed", ["a.obj", "a.mtl", "a.png"])
def test_a_change_of_any_file_is_noticed(folder: Path, reads: list[Path], tmp_path: Path, changed: str) -> None:
    path = write(tmp_path / "meshes")
    read_cached(path, 40.0)
    other = path.with_name(changed)
    if changed == "a.png":
        Image.new("RGB", (4, 4), (0, 0, 0)).save(other)
    else:
        other.write_text(other.read_text().replace("v 1 0 0", "v 2 0 0").replace("Kd 1 0 0", "Kd 0 1 0"))
    assert same(read_cached(path, 40.0), read_mesh(path, 40.0))
    assert len(reads) == 2
    read_cached(path, 40.0)
    assert len(reads) == 2


def test_other_settings_and_copies_elsewhere(folder: Path, reads: list[Path], tmp_path: Path) -> None:
    path = write(tmp_path / "meshes")
    read_cached(path, 40.0)
    read_cached(path, 10.0)
    assert len(reads) == 2
    shutil.copytree(path.parent, tmp_path / "moved")
    read_cached(tmp_path / "moved" / "a.obj", 40.0)
    assert len(reads) == 2


@pytest.mark.parametrize("damage", [b"", b"not a zip", None])
def test_a_broken_entry_is_made_anew(folder: Path, reads: list[Path], tmp_path: Path, damage: bytes | None) -> None:
    path = write(tmp_path / "meshes")
    read_cached(path, 40.0)
    (entry,) = folder.iterdir()
    entry.write_bytes(entry.read_bytes()[: entry.stat().st_size // 2] if damage is None else damage)
    assert same(read_cached(path, 40.0), read_mesh(path, 40.0))
    assert len(reads) == 2
    read_cached(path, 40.0)
    assert len(reads) == 2


def test_what_is_said_about_a_file_is_said_each_time(folder: Path, reads: list[Path], tmp_path: Path) -> None:
    path = write(tmp_path / "meshes")
    (path.parent / "a.mtl").write_text("newmtl blue\nKd 0 0 1\n")
    read_cached(path, 40.0)
    read_cached(path, 40.0)
    assert len(reads) == 2
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ONDR_CACHE", str(tmp_path / "file" / "cache"))
    path = write(tmp_path / "meshes")
    assert same(read_cached(path, 40.0), read_mesh(path, 40.0))
    assert "cannot be written" in caplog.text


def test_a_full_disk_leaves_nothing_behind(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(file: Path, **held: object) -> None:
        file.write_bytes(bytes(1000))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache.np, "savez", full)
    path = write(tmp_path / "meshes")
    assert same(read_cached(path, 40.0), read_mesh(path, 40.0))
    assert "No space left on device" in caplog.text
    assert not list(folder.iterdir())


def test_another_version_of_a_library_reads_anew(
    folder: Path, reads: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "meshes")
    read_cached(path, 40.0)
    monkeypatch.setattr(cache.metadata, "version", lambda library: "0")
    cache._code.cache_clear()
    read_cached(path, 40.0)
    cache._code.cache_clear()
    assert len(reads) == 2


def test_the_oldest_entries_make_room(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    for age, name in ((200, "old.npz"), (100, "new.npz")):
        (folder / name).write_bytes(bytes(1000))
        time = (folder / name).stat().st_mtime - age
        cache.os.utime(folder / name, (time, time))
    monkeypatch.setattr(cache, "MOST_BYTES", 1500)
    cache._make_room.cache_clear()
    cache._make_room(folder)
    assert [file.name for file in folder.iterdir()] == ["new.npz"]


def _read(path: Path) -> int:
    return len(read_cached(path, 40.0).triangles)


def test_processes_share_a_folder(folder: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "meshes")
    with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
        assert list(pool.map(_read, [path] * 8)) == [1] * 8
    assert [file.suffix for file in folder.iterdir()] == [".npz"]


def test_it_can_be_switched_off(folder: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "meshes")
    ondr.load_assets(Config(objects={"meshes": path.parent}, assets={"cache": False}))
    assert not folder.exists()
