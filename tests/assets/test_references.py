"""Nothing outside a mesh's folder is opened."""

from __future__ import annotations

import pytest

from ondr.assets.references import referenced_file
from ondr.errors import AssetError


@pytest.fixture
def mesh(tmp_path):
    (tmp_path / "secret.png").write_bytes(b"")
    folder = tmp_path / "mug"
    (folder / "maps").mkdir(parents=True)
    (folder / "maps" / "my wood.png").write_bytes(b"")
    return folder / "mug.obj"


@pytest.mark.parametrize("written", ["maps/my wood.png", r"maps\my wood.png", "./maps/../maps/my wood.png"])
def test_files_in_the_folder_are_found(mesh, written):
    assert referenced_file(mesh, written) == mesh.parent / "maps" / "my wood.png"


def test_name_may_be_relative_to_another_folder(mesh):
    assert referenced_file(mesh, "my wood.png", mesh.parent / "maps").name == "my wood.png"
    assert referenced_file(mesh, "../maps/my wood.png", mesh.parent / "maps").name == "my wood.png"


@pytest.mark.parametrize(
    "written",
    [
        "../secret.png",
        r"..\secret.png",
        "maps/../../secret.png",
        "/etc/hostname",
        "C:/x.png",
        r"\\host\x",
        "~/x.png",
        "http://host/x.png",
        "file:///etc/hostname",
    ],
)
def test_references_that_leave_the_folder_are_refused(mesh, written):
    with pytest.raises(AssetError, match=r"mug.obj must only refer to files in its own folder, got .+Copy that file"):
        referenced_file(mesh, written)


@pytest.mark.parametrize("written", ["wood.png", "maps"])
def test_missing_file_is_named(mesh, written):
    with pytest.raises(
        AssetError, match=rf"mug.obj must only refer to files that exist, got '{written}': there is no /"
    ):
        referenced_file(mesh, written)
