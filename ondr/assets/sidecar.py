"""Sidecar files with the user's annotations of a mesh: `mug.labels.json` beside `mug.obj`.

Keys, all optional: `keypoints`, `symmetries_discrete`, `symmetries_continuous` (the last two as in BOP's
`models_info.json`), `stencil`. Coordinates are the mesh file's own, in its units.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
from jaxtyping import Float64
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, field_validator

from ondr.assets.files import read_bytes
from ondr.errors import AssetError

SUFFIX = ".labels.json"
RIGID = 1e-3
"""Tolerance of a symmetry's rotation matrix: models_info.json files have only a few digits."""

Triple = tuple[FiniteFloat, FiniteFloat, FiniteFloat]
Number = Annotated[int, Field(ge=0, lt=2**31, strict=True)]


class Turning(BaseModel):
    """A continuous symmetry: any rotation about an axis."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    axis: Triple
    """Its direction."""
    offset: Triple = (0.0, 0.0, 0.0)
    """A point on it."""

    @field_validator("axis")
    @classmethod
    def _has_a_direction(cls, axis: Triple) -> Triple:
        if not any(axis):
            raise ValueError("must have a direction")
        return axis


class Sidecar(BaseModel):
    """The content of a sidecar file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keypoints: dict[str, Triple] = Field(default_factory=dict)
    """Position of each, by name."""
    symmetries_discrete: tuple[Annotated[tuple[FiniteFloat, ...], Field(min_length=16, max_length=16)], ...] = ()
    """4x4 matrices, row by row."""
    symmetries_continuous: tuple[Turning, ...] = ()
    stencil: Number | Annotated[tuple[Number, ...], Field(min_length=1)] | None = None
    """Number of the whole mesh, or of each face in the order of the file."""

    @field_validator("symmetries_discrete")
    @classmethod
    def _are_rigid(cls, written: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
        for matrix in written:
            if not _rigid(np.array(matrix).reshape(4, 4)):
                raise ValueError("must be rotations with a shift, 4x4, row by row")
        return written

    @property
    def matrices(self) -> Float64[np.ndarray, "symmetry 4 4"]:
        """`symmetries_discrete` as an array."""
        return np.array(self.symmetries_discrete, np.float64).reshape(-1, 4, 4)


def read_sidecar(mesh: Path) -> Sidecar:
    """Reads the sidecar of a mesh; an empty one if there is no file.

    Raises:
        AssetError: The file exists and cannot be used; the message names it.
    """
    path = mesh.with_name(mesh.stem + SUFFIX)
    if not path.is_file():
        return Sidecar()
    try:
        return Sidecar.model_validate_json(read_bytes(path))
    except ValidationError as error:
        raise AssetError(f"{path} {_explained(error)} Correct it, or remove the file.") from None


def _explained(error: ValidationError) -> str:
    """Describes the first error in one sentence."""
    first = error.errors()[0]
    # Without the names that pydantic adds for the branches of a union.
    place = ".".join(str(step) for step in first["loc"] if not str(step).startswith(("constrained", "tuple[", "int")))
    if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
        return f"must only have the keys {', '.join(Sidecar.model_fields)}, got {place!r}."
    reason = first["msg"].removeprefix("Value error, ").removeprefix("Input should ")
    reason = reason if reason.startswith(("must", "be")) else f"be right: {reason[:1].lower()}{reason[1:]}"
    return f"{place or 'it'} must {reason.removeprefix('must ')}, got {str(first['input'])[:60]}."


def _rigid(matrix: Float64[np.ndarray, "4 4"]) -> bool:
    rotation = matrix[:3, :3]
    whole = np.abs(rotation @ rotation.T - np.eye(3)).max() < RIGID and np.linalg.det(rotation) > 0
    return bool(whole) and bool(np.abs(matrix[3] - (0, 0, 0, 1)).max() < RIGID)
