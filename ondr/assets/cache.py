"""Disk cache of meshes: reading, normals and hulls take a second per 50,000 triangles.

An entry is named by a digest of the mesh file and of the code that reads it, and stores digests of all files that the
mesh file refers to. It is written to a temporary folder and moved, so that processes may share a folder; an entry that
cannot be read is made again. Meshes whose reader reported something are not cached, so that it is reported again.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import tempfile
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from ondr.assets.levels import Level
from ondr.assets.meshes import Mesh, read_mesh
from ondr.assets.parts import ImageData, Surface
from ondr.assets.references import referring
from ondr.errors import say_once

ARRAYS = ("vertices", "colors", "triangles", "materials", "patches", "center", "extent", "hull", "hull_edges")
LIBRARIES = ("numpy", "scipy", "trimesh")
"""Libraries that the cached meshes depend on."""
MOST_BYTES = 2 << 30
"""Largest size of the cache folder; the least recently used entries are removed first."""


def cache_folder() -> Path:
    """Returns the cache folder: ONDR_CACHE, or `ondr` in the user's cache folder."""
    if "ONDR_CACHE" in os.environ:
        return Path(os.environ["ONDR_CACHE"])
    user = os.environ.get("LOCALAPPDATA") if os.name == "nt" else os.environ.get("XDG_CACHE_HOME")
    return Path(user or Path.home() / ".cache") / "ondr"


def read_cached(path: Path, crease_degrees: float) -> Mesh:
    """Reads a mesh as `read_mesh` does, from the cache if possible.

    Raises:
        AssetError: The file cannot be used; the message says why.
    """
    entry = _entry(path, crease_degrees)
    known = None if entry is None else _load(entry, path)
    if known is not None:
        return known
    spoken = say_once.cache_info()
    with referring() as files:
        mesh = read_mesh(path, crease_degrees)
    quiet = say_once.cache_info()[:2] == spoken[:2]
    if entry is not None and quiet:
        _store(entry, mesh, {os.path.relpath(file, path.parent): _digest(file) for file in files})
    return mesh


def _entry(path: Path, crease_degrees: float) -> Path | None:
    """Returns the path of a file's entry; None for an unreadable file, for which its reader has a better error."""
    try:
        words = (_code(), _digest(path), path.suffix.lower(), float(crease_degrees))
    except OSError:
        return None
    return cache_folder() / f"{hashlib.blake2b(repr(words).encode(), digest_size=20).hexdigest()}.npz"


@functools.cache
def _code() -> str:
    """Returns a digest of the code that reads meshes and of its libraries' versions."""
    sources = [source.read_bytes() for source in sorted(Path(__file__).parent.glob("*.py"))]
    versions = [f"{library} {metadata.version(library)}".encode() for library in LIBRARIES]
    return hashlib.blake2b(b"".join([*sources, *versions]), digest_size=20).hexdigest()


def _digest(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=20).hexdigest()


def _load(entry: Path, path: Path) -> Mesh | None:
    """Returns the mesh of an entry; None if it is missing, broken, or a file that the mesh refers to has changed."""
    try:
        with entry.open("rb") as file, np.load(file, allow_pickle=False) as held:
            about = json.loads(held["about"].tobytes())
            if any(_digest(path.parent / name) != digest for name, digest in about["files"].items()):
                return None
            surfaces = tuple(_surface(described, held, path) for described in about["surfaces"])
            arrays = {name: held[name] for name in ARRAYS}
            levels = tuple(
                Level(held[f"level{n}"], held[f"level{n}_source"], error) for n, error in enumerate(about["errors"])
            )
        os.utime(entry)
        return Mesh(**arrays, surfaces=surfaces, closed=about["closed"], levels=levels, up=about["up"])
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None


def _surface(described: dict[str, Any], held: Any, path: Path) -> Surface:
    image, (first, second) = described["image"], described["uv_map"]
    data = None if image is None else ImageData(held[f"image{image}"].tobytes(), f"the texture of {path}")
    return Surface(tuple(described["color"]), data, (tuple(first), tuple(second)), described["name"])


def _store(entry: Path, mesh: Mesh, files: dict[str, str]) -> None:
    surfaces = []
    numbers: dict[bytes, int] = {}
    for surface in mesh.surfaces:
        image = None if surface.image is None else numbers.setdefault(surface.image.data, len(numbers))
        surfaces.append({"color": surface.color, "uv_map": surface.uv_map, "image": image, "name": surface.name})
    images = {f"image{number}": np.frombuffer(data, np.uint8) for data, number in numbers.items()}
    errors = [level.error for level in mesh.levels]
    about = {"files": files, "surfaces": surfaces, "closed": bool(mesh.closed), "errors": errors, "up": mesh.up}
    held: dict[str, Any] = {name: getattr(mesh, name) for name in ARRAYS} | images
    for number, level in enumerate(mesh.levels):
        held |= {f"level{number}": level.triangles, f"level{number}_source": level.source}
    held["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        _make_room(entry.parent)
        # In a temporary folder, which is removed with its content if the disk is full.
        with tempfile.TemporaryDirectory(dir=entry.parent) as folder:
            part = Path(folder, entry.name)
            np.savez(part, **held)
            os.replace(part, entry)
    except OSError as error:
        say_once(
            f"{entry.parent} cannot be written ({error.strerror}): meshes are read anew each time. Set ONDR_CACHE."
        )


@functools.cache
def _make_room(folder: Path) -> None:
    """Removes the least recently used entries, once per process."""
    entries = sorted((file for file in folder.iterdir() if file.is_file()), key=lambda file: file.stat().st_mtime)
    excess = sum(file.stat().st_size for file in entries) - MOST_BYTES
    for file in entries:
        if excess <= 0:
            break
        excess -= file.stat().st_size
        file.unlink(missing_ok=True)
