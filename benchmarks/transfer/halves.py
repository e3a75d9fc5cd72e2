"""Which photos are looked at while choosing, and which are not: by a hash of their names."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Literal

Half = Literal["dev", "test", "all"]


def half_of(file: Path) -> Half:
    """Returns `dev` or `test`, the same wherever the folder lies and whatever else is in it."""
    return "test" if sha256(file.name.encode()).digest()[0] % 2 else "dev"


def places_of(files: Sequence[Path], half: Half) -> list[int]:
    """Returns the places of the photos of a half.

    Raises:
        ValueError: There is none.
    """
    places = [k for k, file in enumerate(files) if half in ("all", half_of(file))]
    if not places:
        raise ValueError(f"--half must hold photos, got {half} of {len(files)}, which is empty. Use --half all.")
    return places
