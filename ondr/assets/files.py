"""Finds meshes and images in folders, their classes, and the parts of a split.

Reading the files is left to `meshes` and `images`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from ondr.errors import AssetError

MESH_SUFFIXES = (".obj", ".glb", ".gltf", ".ply", ".stl", ".off")
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
PANORAMA_SUFFIXES = (*IMAGE_SUFFIXES, ".hdr")

Item = TypeVar("Item")


@dataclass(frozen=True)
class MeshFile:
    """A mesh file and the class it stands for."""

    path: Path
    """Absolute."""
    name: str
    """Path relative to the mesh root, with forward slashes."""
    label: str
    """Name of the class: the folder under the root, or the file's stem if it is in the root itself."""

    @property
    def subject(self) -> str:
        """The subject of the mesh: its folder if that is below the class's folder, else the file itself."""
        folder = self.name.rpartition("/")[0]
        return folder if "/" in folder else self.name


def sample_folder(kind: Literal["meshes", "textures"]) -> Path:
    """Returns the folder of the sample assets: inside an installed package, beside the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    packaged = package / "sample" / kind
    return packaged if packaged.is_dir() else package.parent / kind


def find_meshes(roots: Literal["sample"] | Path | Sequence[Path], setting: str = "objects.meshes") -> list[MeshFile]:
    """Lists the mesh files under the roots, sorted by name within each root.

    Args:
        roots: `sample`, or one or several folders or files.
        setting: Dotted name of the setting that names them, for messages.

    Raises:
        AssetError: A root does not exist or holds no mesh file.
    """
    if roots == "sample":
        return _meshes_under(sample_folder("meshes"), setting)
    listed = [roots] if isinstance(roots, str | os.PathLike) else roots
    if not listed:
        raise AssetError(f"{setting} must name a folder, got an empty list. Name one, or `sample`.")
    return [file for root in listed for file in _meshes_under(Path(root), setting)]


def find_images(folder: Path, setting: str, suffixes: tuple[str, ...] = IMAGE_SUFFIXES) -> list[Path]:
    """Lists the images in a folder and below it, sorted by path; for a file, that file alone.

    Args:
        folder: The folder, or an image file.
        setting: Dotted name of the setting that names it, for messages.
        suffixes: Accepted endings of names.

    Raises:
        AssetError: The folder does not exist or holds no image.
    """
    root = _existing(folder, setting)
    if root.is_file():
        found = [root] if root.suffix.lower() in suffixes else []
    else:
        found = [root / name for name in _files_under(root, suffixes)]
    if not found:
        endings = ", ".join(suffixes)
        raise AssetError(f"{setting} must hold images ({endings}), got {root} without any. Check the path.")
    return found


def content_share(path: Path) -> float:
    """Returns a number in 0..1 that depends only on the file's bytes.

    Raises:
        AssetError: The file cannot be read.
    """
    return _unit_hash(read_bytes(path))


def name_share(name: str) -> float:
    """Returns a number in 0..1 that depends only on the name."""
    return _unit_hash(name.encode())


def held_out(items: Sequence[Item], shares: Sequence[float], share: float, part: str) -> list[Item]:
    """Returns one of the two parts of a split, in order.

    The test part holds the items whose number is below `share`. If that leaves a part empty, it gets the item (and its
    copies) with the nearest number; a single item is always in the train part.

    Args:
        items: What to split.
        shares: `content_share` of each.
        share: Share of the test part, 0..1.
        part: `train` or `test`.
    """
    distinct = sorted(set(shares))
    limit = min(max(share, sum(distinct[:2]) / 2), distinct[-1]) if len(distinct) > 1 else 0.0
    return [item for item, x in zip(items, shares, strict=True) if (x < limit) == (part == "test")]


def held_out_by_class(files: Sequence[MeshFile], share: float, part: str) -> list[MeshFile]:
    """Splits each class separately, so that both parts have every class with at least two different files.

    Raises:
        AssetError: A file cannot be read.
    """
    labels = sorted({file.label for file in files})
    groups = [[file for file in files if file.label == label] for label in labels]
    kept = {file.path for group in groups for file in held_out(group, _subject_shares(group), share, part)}
    return [file for file in files if file.path in kept]


def _subject_shares(files: Sequence[MeshFile]) -> list[float]:
    """Returns the `content_share` of the first mesh of each file's subject, so that a subject stays together."""
    first: dict[str, float] = {}
    for file in files:
        if file.subject not in first:
            first[file.subject] = content_share(file.path)
    return [first[file.subject] for file in files]


def read_bytes(path: Path) -> bytes:
    """Returns a file's content.

    Raises:
        AssetError: The file cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise AssetError(f"{path} must be readable, got {error.strerror}. Check its permissions.") from error


def read_lines(path: Path) -> list[str]:
    """Returns the lines of a text file; a backslash at the end of a line joins it to the next.

    Raises:
        AssetError: The file cannot be read.
    """
    data = read_bytes(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Latin-1 decodes any bytes, so that a name in an old encoding is not an error.
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\\\n", " ").split("\n")


def _meshes_under(root: Path, setting: str) -> list[MeshFile]:
    folder = _existing(root, setting)
    names = [folder.name] if folder.is_file() else _files_under(folder, MESH_SUFFIXES)
    base = folder.parent if folder.is_file() else folder
    if not names or Path(names[0]).suffix.lower() not in MESH_SUFFIXES:
        endings = ", ".join(MESH_SUFFIXES)
        raise AssetError(f"{setting} must hold meshes ({endings}), got {folder} without any. Check the path.")
    return [MeshFile(base / name, name, _label(name)) for name in names]


def _label(name: str) -> str:
    first, _, rest = name.partition("/")
    return first if rest else Path(first).stem


def _existing(path: Path, setting: str) -> Path:
    absolute = Path(os.path.abspath(os.path.expanduser(path)))
    if not absolute.exists():
        raise AssetError(f"{setting} must exist, got {path}: there is no {absolute}. Check the path.")
    return absolute


def _files_under(root: Path, suffixes: Iterable[str]) -> list[str]:
    """Lists files by ending, as sorted relative paths; hidden ones are skipped, linked folders are followed."""
    found, seen = [], set()
    for folder, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        folders[:] = [] if real in seen else [f for f in folders if _shown(f)]
        if real not in seen:
            found += [Path(folder, n).relative_to(root).as_posix() for n in names if _shown(n)]
        seen.add(real)
    endings = tuple(suffixes)
    return sorted(name for name in found if name.lower().endswith(endings))


def _shown(name: str) -> bool:
    # macOS adds __MACOSX folders with ._copies of each file to its archives.
    return not name.startswith(".") and name != "__MACOSX"


def _unit_hash(data: bytes) -> float:
    return int.from_bytes(hashlib.blake2b(data, digest_size=6).digest(), "little") / 2**48
