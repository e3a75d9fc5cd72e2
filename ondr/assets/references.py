"""Files that a mesh file refers to: textures, material libraries, buffers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path, PureWindowsPath

from ondr.errors import AssetError


def referenced_file(owner: Path, written: str, folder: Path | None = None) -> Path:
    """Finds a file that a mesh file refers to.

    Args:
        owner: The mesh file. Nothing outside its folder is opened.
        written: The name in the file; backslashes separate folders as well.
        folder: The folder that the name is relative to; the owner's own by default.

    Raises:
        AssetError: The name is absolute or leaves the owner's folder, or there is no such file.
    """
    name = written.replace("\\", "/")
    path = Path(os.path.normpath((folder or owner.parent) / name))
    absolute = name.startswith(("/", "~")) or PureWindowsPath(name).drive or "://" in name
    if absolute or not path.is_relative_to(owner.parent):
        raise AssetError(
            f"{owner} must only refer to files in its own folder, got {written!r}. "
            f"Copy that file beside the mesh and name it without a path."
        )
    if not path.is_file():
        raise AssetError(
            f"{owner} must only refer to files that exist, got {written!r}: there is no {path}. "
            f"Copy the file there or remove the reference."
        )
    if (files := _asked.get()) is not None:
        files.append(path)
    return path


_asked: ContextVar[list[Path] | None] = ContextVar("files that are referred to", default=None)


@contextmanager
def referring() -> Iterator[list[Path]]:
    """Collects all files that are found within the context in a list."""
    files: list[Path] = []
    token = _asked.set(files)
    try:
        yield files
    finally:
        _asked.reset(token)
