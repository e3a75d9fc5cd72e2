"""Sources of meshes: files, or the generator of composed meshes, for objects and for other groups."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ondr.assets.composed import compose
from ondr.assets.files import MeshFile, find_meshes
from ondr.assets.meshes import read_parts
from ondr.assets.parts import Part
from ondr.config import Config
from ondr.errors import AssetError, say_once

COMPOSED = "composed"
SHAPES = "shapes"
OTHERS = ("context", "occluders", "clutter")
"""Groups with a source of meshes of their own."""


def object_files(cfg: Config) -> list[MeshFile]:
    """Returns the meshes of interest.

    Raises:
        AssetError: A folder does not exist or holds no mesh.
    """
    return _files(cfg.objects.meshes, "objects.meshes", cfg)


def other_files(cfg: Config, objects: Sequence[MeshFile]) -> dict[str, list[MeshFile]]:
    """Returns the meshes of the groups that may have members and do not use the distractors' shapes.

    Objects of interest are left out: without a label, they would be taught as background.

    Raises:
        AssetError: A folder does not exist, or holds only objects of interest.
    """
    of_interest = {file.path for file in objects}
    found = {}
    for group in OTHERS:
        source = getattr(cfg, group).meshes
        if source == SHAPES or cfg.groups[group].start == cfg.groups[group].stop:
            continue
        files = _files(source, f"{group}.meshes", cfg)
        kept = [file for file in files if file.path not in of_interest]
        if not kept:
            raise AssetError(
                f"{group}.meshes must hold meshes that are no objects of interest, got {source}. Name another folder, "
                "or set `classes` to the objects that are sought."
            )
        if len(kept) < len(files):
            say_once(f"{group}.meshes: {len(files) - len(kept)} objects of interest in it are left out.")
        found[group] = kept
    return found


def made_here(file: MeshFile) -> bool:
    """Returns whether a mesh is composed rather than read from a file."""
    return file.path.parent == Path(COMPOSED)


def parts_of(file: MeshFile, cfg: Config) -> list[Part]:
    """Returns the triangles of a mesh.

    Raises:
        AssetError: The file cannot be used.
    """
    if made_here(file):
        least, most = cfg.composed.parts
        return compose(int(file.path.name), cfg.composed.seed, least, most)
    return read_parts(file.path)


def _files(source: Any, setting: str, cfg: Config) -> list[MeshFile]:
    if source != COMPOSED:
        return find_meshes(source, setting)
    names = [f"{COMPOSED}/{number:04}" for number in range(cfg.composed.number)]
    return [MeshFile(Path(name), name, COMPOSED) for name in names]
