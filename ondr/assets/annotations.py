"""Annotations of meshes as tensors: keypoints, symmetries, stencil numbers.

They come from the sidecar files beside the meshes, and only those that `cfg.outputs` needs are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64

from ondr.assets.bank import Annotations
from ondr.assets.files import MESH_SUFFIXES, MeshFile
from ondr.assets.keypoints import class_keypoints
from ondr.assets.meshes import Mesh, read_parts
from ondr.assets.sidecar import SUFFIX, Sidecar, read_sidecar
from ondr.assets.sources import made_here
from ondr.assets.symmetries import symmetry_transforms
from ondr.config import Config
from ondr.errors import AssetError, say_once


@dataclass(frozen=True)
class Note:
    """The annotations of one mesh."""

    sidecar: Sidecar
    stencil: Int64[np.ndarray, "triangle"] | None
    """The stencil number of each triangle; None: there are none."""


def read_note(file: MeshFile, mesh: Mesh) -> Note:
    """Reads the annotations of a mesh.

    Raises:
        AssetError: The sidecar cannot be used, or does not match the mesh.
    """
    sidecar = Sidecar() if made_here(file) else read_sidecar(file.path)
    if sidecar.stencil is None:
        return Note(sidecar, None)
    if isinstance(sidecar.stencil, int):
        return Note(sidecar, np.full(len(mesh.triangles), sidecar.stencil))
    face = faces_of_triangles(file.path)
    number = int(face.max()) + 1
    if len(sidecar.stencil) != number:
        raise AssetError(
            f"{file.path.with_name(file.path.stem + SUFFIX)} stencil must have a number for each of the {number} faces "
            f"of {file.path.name}, got {len(sidecar.stencil)}. Add or remove some, or give one number for all."
        )
    return Note(sidecar, np.array(sidecar.stencil)[face])


def say_strays(files: Sequence[MeshFile]) -> None:
    """Reports sidecars without a mesh, most likely because a name is misspelt."""
    for folder in sorted({file.path.parent for file in files if not made_here(file)}):
        there = list(folder.iterdir())
        stems = {path.stem for path in there if path.suffix.lower() in MESH_SUFFIXES}
        strays = sorted(p.name for p in there if p.name.endswith(SUFFIX) and p.name.removesuffix(SUFFIX) not in stems)
        if strays:
            say_once(f"{folder} has no mesh for {', '.join(strays)}: mug{SUFFIX} belongs beside mug.obj.")


def faces_of_triangles(path: Path) -> Int64[np.ndarray, "triangle"]:
    """Returns the file's face that each triangle of its mesh comes from.

    Raises:
        AssetError: The file cannot be read.
    """
    start, faces = 0, []
    for part in read_parts(path):
        faces.append(np.arange(start, start + len(part.corners)) if part.faces is None else part.faces)
        start += len(part.corners)
    return np.concatenate(faces)


def annotate(
    notes: Sequence[Note], meshes: Sequence[Mesh], labels: Sequence[int], bent: range, cfg: Config
) -> Annotations:
    """Returns the annotations that labels need, on the CPU.

    Args:
        notes: Annotations of each file.
        meshes: All meshes of the bank, those of the files first.
        labels: Class of each file.
        bent: Rows of the bank with the bent meshes of the files.
        cfg: `outputs`, `labels` and `objects.bends_degrees` are read.
    """
    asked, sidecars = set(cfg.outputs), [note.sidecar for note in notes]
    made = Annotations()
    if asked & {"keypoints", "keypoints_3d"}:
        names, places, has = class_keypoints(meshes[: len(notes)], sidecars, labels, cfg.labels.keypoints)
        made = Annotations(names, torch.from_numpy(places).float(), torch.from_numpy(has))
    return Annotations(
        keypoint_names=made.keypoint_names,
        keypoints=made.keypoints,
        has_keypoint=made.has_keypoint,
        symmetries=_symmetries(sidecars, cfg.labels.symmetry_steps) if "symmetries" in asked else None,
        stencil=_stencil(notes, meshes, bent, len(cfg.objects.bends_degrees)) if "stencil" in asked else None,
    )


def _symmetries(sidecars: Sequence[Sidecar], steps: int) -> torch.Tensor:
    each = [symmetry_transforms(one, steps) for one in sidecars]
    most = max(map(len, each))
    padded = [np.concatenate([s, np.tile(np.eye(4), (most - len(s), 1, 1))]) for s in each]
    return torch.from_numpy(np.stack(padded)).float()


def _stencil(notes: Sequence[Note], meshes: Sequence[Mesh], bent: range, bends: int) -> torch.Tensor:
    """Returns the stencil number of each of the bank's triangles; -1 for none."""
    if all(note.stencil is None for note in notes):
        say_once(f"outputs names stencil, but no mesh has one in a {SUFFIX} beside it: it is -1 everywhere.")
    rows = {row: notes[(row - bent.start) // bends] for row in bent} | dict(enumerate(notes))
    given = [rows[row].stencil if row in rows else None for row in range(len(meshes))]
    each = [np.full(len(m.triangles), -1) if s is None else s for m, s in zip(meshes, given, strict=True)]
    return torch.from_numpy(np.concatenate(each).astype(np.int32))
