"""Loads the meshes of the bank in the order of its rows: objects, distractors, surfaces, other groups, bent objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ondr.assets.annotations import Note, read_note
from ondr.assets.bending import bend
from ondr.assets.cache import read_cached
from ondr.assets.files import MeshFile
from ondr.assets.loader import Loader
from ondr.assets.meshes import Mesh, build_mesh, up_in
from ondr.assets.parts import Part, Surface
from ondr.assets.primitives import PrimitiveMesh, distractor_shapes, surface_shapes
from ondr.assets.sources import made_here, parts_of
from ondr.assets.textures import TextureStore
from ondr.config import Config

Made = tuple[Mesh, list[int]]
"""A mesh and the store's textures of its surfaces."""


class MeshList:
    """The meshes of the bank, in the order of its rows."""

    def __init__(self, made: Sequence[Made]) -> None:
        """Begins with some meshes."""
        self.meshes = [mesh for mesh, _ in made]
        self.textures = [textures for _, textures in made]

    def add(self, made: Made) -> int:
        """Adds a mesh and returns its row."""
        self.meshes.append(made[0])
        self.textures.append(made[1])
        return len(self.meshes) - 1


def _other_rows(
    others: dict[str, list[MeshFile]], loader: Loader, meshes: MeshList, store: TextureStore, cfg: Config
) -> dict[str, tuple[int, ...]]:
    """Loads the meshes of other groups, each file once, and returns their rows."""
    rows: dict[Path, int] = {}
    for group, files in others.items():
        new = [file for file in files if file.path not in rows]
        for file, (made, _) in loader.each(new, lambda file: _object(file, store, cfg, bends=False), f"{group}.meshes"):
            rows[file.path] = meshes.add(made)
    return {group: tuple(rows[f.path] for f in files if f.path in rows) for group, files in others.items()}


@dataclass(frozen=True)
class Meshes:
    """The meshes of the bank, and which row is what."""

    meshes: MeshList
    files: list[MeshFile]
    """The files of the objects of interest, whose rows come first."""
    notes: list[Note]
    """The annotations of each of those."""
    distractors: dict[str, int]
    """Rows of the distractors' shapes, by name."""
    surfaces: dict[str, int]
    """Rows of grounds, boards and walls, by name."""
    others: dict[str, tuple[int, ...]]
    """Rows of the meshes of other groups."""
    bent: range
    """Rows of the bent objects."""


def load_meshes(
    files: Sequence[MeshFile], others: dict[str, list[MeshFile]], loader: Loader, store: TextureStore, cfg: Config
) -> Meshes:
    """Loads all meshes."""
    objects = loader.each(files, lambda file: _with_note(file, store, cfg), "objects.meshes")
    meshes = MeshList([made for _, (made, _, _) in objects])
    shapes, grounds = distractor_shapes(), surface_shapes()
    distractors: dict[str, int] = {name: meshes.add(_shape(name, shapes[name], cfg)) for name in cfg.distractors.shapes}
    surfaces = {name: meshes.add(_shape(name, solid, cfg)) for name, solid in grounds.items()}
    other_rows = _other_rows(others, loader, meshes, store, cfg)
    bent = [meshes.add(made) for _, (_, all_bent, _) in objects for made in all_bent]
    return Meshes(
        meshes=meshes,
        files=[file for file, _ in objects],
        notes=[note for _, (_, _, note) in objects],
        distractors=distractors,
        surfaces=surfaces,
        others=other_rows,
        bent=span(bent),
    )


def _object(file: MeshFile, store: TextureStore, cfg: Config, *, bends: bool = True) -> tuple[Made, list[Made]]:
    """Returns a mesh, and the same bent by each of `objects.bends_degrees`."""
    crease, angles = float(cfg.assets.crease_degrees), cfg.objects.bends_degrees if bends else ()
    if cfg.assets.cache and not angles and not made_here(file):
        mesh = read_cached(file.path, crease)
        return (mesh, store.add_own([surface.image for surface in mesh.surfaces])), []
    parts = parts_of(file, cfg)
    name, up = str(file.path), up_in(file.path)
    mesh = build_mesh(name, parts, crease, up)
    textures = store.add_own([surface.image for surface in mesh.surfaces])
    bent = [build_mesh(name, bend(parts, degrees), crease, up) for degrees in angles]
    return (mesh, textures), [(made, textures) for made in bent]


def _with_note(file: MeshFile, store: TextureStore, cfg: Config) -> tuple[Made, list[Made], Note]:
    """Returns a mesh of interest, the same bent, and its annotations."""
    made, bent = _object(file, store, cfg)
    return made, bent, read_note(file, made[0])


def _shape(name: str, shape: PrimitiveMesh, cfg: Config) -> Made:
    white = Surface((1.0, 1.0, 1.0))
    part = Part(shape.vertices[shape.triangles], shape.uvs[shape.triangles].astype(np.float64), None, white)
    mesh = build_mesh(name, [part], float(cfg.assets.crease_degrees))
    return mesh, [0] * len(mesh.surfaces)


def span(rows: Sequence[int]) -> range:
    """Returns the range of consecutive rows."""
    return range(rows[0], rows[-1] + 1) if rows else range(0)
