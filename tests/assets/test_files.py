"""Which files are found, which class they are, and what a split holds out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ondr.assets.files import (
    content_share,
    find_images,
    find_meshes,
    held_out,
    held_out_by_class,
    read_bytes,
    sample_folder,
)
from ondr.errors import AssetError

SHARES = st.lists(st.floats(0, 1, exclude_max=True), min_size=2, max_size=30, unique=True)


def tree(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def test_class_is_the_first_folder_or_the_stem(tmp_path):
    root = tree(tmp_path, "mug/b.obj", "mug/a/deep/model.GLB", "bolt.stl", "cup/x.ply")
    found = [(file.name, file.label) for file in find_meshes(root)]
    expected = [("bolt.stl", "bolt"), ("cup/x.ply", "cup"), ("mug/a/deep/model.GLB", "mug"), ("mug/b.obj", "mug")]
    assert found == expected
    assert all(file.path == root / file.name for file in find_meshes(root))


def test_other_files_and_hidden_ones_are_ignored(tmp_path):
    root = tree(tmp_path, "mug/a.obj", "mug/a.mtl", "make.py", "README.md", ".git/x.obj", "__MACOSX/mug/._a.obj")
    assert [file.name for file in find_meshes(root)] == ["mug/a.obj"]


def test_several_roots_and_single_files(tmp_path):
    one, two = tree(tmp_path / "one", "mug/a.obj"), tree(tmp_path / "two", "mug/a.obj", "nut/b.off")
    found = find_meshes((one, two / "nut" / "b.off"))
    assert [(file.name, file.label) for file in found] == [("mug/a.obj", "mug"), ("b.off", "b")]


def test_linked_folders_are_followed_once(tmp_path):
    root = tree(tmp_path / "root", "mug/a.obj")
    other = tree(tmp_path / "other", "b.obj")
    (root / "cup").symlink_to(other)
    (root / "mug" / "loop").symlink_to(root)
    assert [file.name for file in find_meshes(root)] == ["cup/b.obj", "mug/a.obj"]


def test_sample_is_there():
    files = find_meshes("sample")
    assert len({file.label for file in files}) >= 8
    assert sample_folder("meshes").is_dir()


def test_images_are_found_in_order(tmp_path):
    root = tree(tmp_path, "b.JPG", "a/x.webp", "a.png", "notes.txt", "c.jpeg", "d.bmp")
    assert [p.relative_to(root).as_posix() for p in find_images(root, "background.photos")] == [
        "a.png",
        "a/x.webp",
        "b.JPG",
        "c.jpeg",
        "d.bmp",
    ]


def test_missing_folder_shows_the_absolute_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssetError, match=rf"objects.meshes must exist, got nowhere: there is no {tmp_path}/nowhere"):
        find_meshes(Path("nowhere"))
    with pytest.raises(AssetError, match=r"background.photos must exist, got nowhere"):
        find_images(Path("nowhere"), "background.photos")


def test_empty_folder_is_an_error(tmp_path):
    tree(tmp_path, "notes.txt")
    with pytest.raises(AssetError, match=r"objects.meshes must hold meshes \(\.obj, .+ without any\. Check the path"):
        find_meshes(tmp_path)
    with pytest.raises(AssetError, match=r"objects.meshes must hold meshes"):
        find_meshes(tmp_path / "notes.txt")
    with pytest.raises(AssetError, match=r"clutter.meshes must name a folder, got an empty list"):
        find_meshes([], "clutter.meshes")
    with pytest.raises(AssetError, match=r"materials.textures must hold images \(\.jpg, .+ without any"):
        find_images(tmp_path, "materials.textures")


def test_unreadable_file_is_named(tmp_path):
    with pytest.raises(AssetError, match=r"gone.obj must be readable, got No such file"):
        read_bytes(tmp_path / "gone.obj")


@given(SHARES, st.floats(0.01, 0.99))
def test_split_is_a_partition_with_both_parts(shares, share):
    items = list(range(len(shares)))
    train, test = held_out(items, shares, share, "train"), held_out(items, shares, share, "test")
    assert sorted(train + test) == items
    assert train
    assert test
    if 0 < sum(x < share for x in shares) < len(shares):
        assert test == [i for i, x in zip(items, shares, strict=True) if x < share]


def test_single_file_stays_in_the_train_part():
    assert held_out(["a", "copy of a"], [0.01, 0.01], 0.5, "train") == ["a", "copy of a"]
    assert held_out([], [], 0.5, "test") == []


def test_split_depends_on_content_alone(tmp_path):
    one = tree(tmp_path / "one", *(f"mug/{i}.obj" for i in range(20)))
    two = tmp_path / "two"
    for i in range(20):
        (two / "mug").mkdir(parents=True, exist_ok=True)
        (two / "mug" / f"renamed{19 - i:02}.obj").write_bytes((one / "mug" / f"{i}.obj").read_bytes())
    parts = [{f.path.read_text() for f in held_out_by_class(find_meshes(r), 0.3, "test")} for r in (one, two)]
    assert parts[0] == parts[1]
    assert 0 <= content_share(one / "mug" / "0.obj") < 1


def test_every_class_is_in_both_parts(tmp_path):
    root = tree(tmp_path, *(f"{label}/{i}.obj" for label in ("bolt", "mug", "nut") for i in range(2)))
    files = find_meshes(root)
    train, test = held_out_by_class(files, 0.1, "train"), held_out_by_class(files, 0.1, "test")
    assert {f.label for f in train} == {f.label for f in test} == {"bolt", "mug", "nut"}
    assert sorted(f.name for f in train + test) == [f.name for f in files]
