"""The folder of a set while it is written: no file is ever incomplete, and an interrupted export can be resumed.

Every file is written to a temporary folder and renamed when it is complete. A sample is complete when its record
exists, which is written last; records are in the temporary folder too, which is removed when the set is complete.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ondr.errors import ConfigError
from ondr.export.manifest import differences

UNFINISHED = ".unfinished"
MANIFEST = "manifest.json"


class Folder:
    """A set's folder. It can be pickled, so that workers can write to it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def open(self, manifest: dict[str, Any]) -> bool:
        """Begins or resumes a set; returns whether it is already complete.

        Raises:
            ConfigError: The folder cannot be written, or holds something else or a set with other settings.
        """
        known = self._manifest()
        if known is None:
            with told(self.root):
                self._work.mkdir(parents=True, exist_ok=True)
            self.write({MANIFEST: _text({"complete": False, **manifest})})
            return False
        complete = known.pop("complete", False)
        if found := differences(known, manifest):
            raise ConfigError(
                f"out must be a new folder or hold the same set, got {self.root}, which differs: {found}. "
                "Give the same settings to go on, or another folder."
            )
        if complete:
            shutil.rmtree(self._work, ignore_errors=True)
        else:
            with told(self.root):
                self._work.mkdir(exist_ok=True)
        return bool(complete)

    def write(self, files: dict[str, bytes]) -> None:
        """Writes files, given by path below the folder, each atomically.

        Raises:
            ConfigError: The disk is full or a folder cannot be written.
        """
        for name, content in files.items():
            with told(self.root):
                self._replace(self.root / name, content)

    def keep(self, number: int, record: Any) -> None:
        """Records that a sample is complete.

        Raises:
            ConfigError: The disk is full or the folder cannot be written.
        """
        self.write({f"{UNFINISHED}/{number:06d}.json": json.dumps(record).encode()})

    def kept(self) -> set[int]:
        """Returns the numbers of the complete samples."""
        return {int(path.stem) for path in self._work.glob("*.json")}

    def records(self, count: int) -> list[Any]:
        """Returns the records of the first samples, in order."""
        return [json.loads((self._work / f"{number:06d}.json").read_bytes()) for number in range(count)]

    def finish(self, files: Iterator[tuple[str, bytes]], manifest: dict[str, Any]) -> None:
        """Writes the set's own files, then marks it as complete.

        Raises:
            ConfigError: The disk is full or the folder cannot be written.
        """
        for name, content in files:
            self.write({name: content})
        self.write({MANIFEST: _text({"complete": True, **manifest})})
        shutil.rmtree(self._work, ignore_errors=True)

    @property
    def _work(self) -> Path:
        return self.root / UNFINISHED

    def _manifest(self) -> dict[str, Any] | None:
        """Reads the manifest; None for a folder that is empty or does not exist."""
        with told(self.root):
            names = {path.name for path in self.root.iterdir()} if self.root.exists() else set()
        # Also a set that was interrupted before its first file was complete.
        if names <= {UNFINISHED}:
            return None
        try:
            known = json.loads((self.root / MANIFEST).read_bytes())
        except (OSError, ValueError):
            known = None
        if not isinstance(known, dict) or "made_by" not in known:
            raise ConfigError(
                f"out must be a new or an empty folder, got {self.root}, which holds {min(names)!r} and no set that "
                "ondr has begun. Give another folder."
            )
        return known

    def _replace(self, path: Path, content: bytes) -> None:
        # A new name each time: two processes never write to one file, even if they make the same set.
        part = self._work / f"{uuid.uuid4().hex}.part"
        try:
            part.write_bytes(content)
            path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(part, path)
        except OSError:
            part.unlink(missing_ok=True)
            raise


@contextmanager
def told(root: Path) -> Iterator[None]:
    """Turns errors of the file system within the context into one clear sentence.

    Raises:
        ConfigError: An OSError was raised.
    """
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"out must be a folder that can be written, got {root}: {error.strerror}. "
            "Make room or give another folder; the same command goes on where it stopped."
        ) from error


def _text(manifest: dict[str, Any]) -> bytes:
    return (json.dumps(manifest, indent=1) + "\n").encode()
