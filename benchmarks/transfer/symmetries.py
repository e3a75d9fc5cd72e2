"""Symmetries of meshes whose folder must stay as it is: links to the meshes, with the symmetries beside them."""

from __future__ import annotations

import json
from pathlib import Path

import yaml


def with_symmetries(meshes: Path, said: Path, folder: Path) -> Path:
    """Fills a folder with links to meshes and what is said of them.

    Args:
        meshes: Folder of meshes.
        said: YAML that gives to the stem of a mesh's file what its `.labels.json` would hold.
        folder: Where the links are made.

    Raises:
        ValueError: It says something of a mesh that is not there, or is no such file.
    """
    try:
        symmetries = yaml.safe_load(said.read_text()) or {}
        stems = dict(symmetries).keys()
    except (OSError, yaml.YAMLError, TypeError, ValueError) as error:
        raise ValueError(f"--symmetries must be a YAML of meshes, got {said} ({error}). Name such a file.") from error
    unknown = set(stems)
    for file in sorted(path for path in meshes.rglob("*") if path.is_file()):
        link = folder / file.relative_to(meshes)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file.absolute())
        beside = link.with_suffix(".labels.json")
        if file.stem in symmetries and not beside.exists() and not file.name.endswith(".labels.json"):
            beside.write_text(json.dumps(symmetries[file.stem]))
            unknown.discard(file.stem)
    if unknown:
        raise ValueError(f"--symmetries must name meshes of {meshes}, got {sorted(unknown)}. Remove them from {said}.")
    return folder
