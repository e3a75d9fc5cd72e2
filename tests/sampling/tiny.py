"""A few meshes and texture rows, enough to sample scenes of."""

from __future__ import annotations

import dataclasses

import torch
import trimesh

from ondr.assets.bank import Assets
from ondr.settings import SHAPES
from tests.worlds import bank_from_meshes


def tiny_assets() -> Assets:
    """Returns 3 classes with 1, 2 and 3 files, every distractor shape, 4 tiles, 2 noise tiles and 3 photos."""
    sides = [(1, 1, 1), (1, 2, 1), (2, 2, 2), (0.1, 0.2, 0.3), (3, 1, 1), (1, 1, 4)]
    meshes = [trimesh.creation.box(s) for s in sides] + [trimesh.creation.box((1, 1, 1)) for _ in SHAPES]
    bank = dataclasses.replace(bank_from_meshes(meshes), textures=torch.zeros(10, 2, dtype=torch.int32))
    return Assets(
        bank=bank,
        class_names=("bolt", "mug", "nut"),
        mesh_files=tuple(f"file{i}" for i in range(6)),
        mesh_paths=tuple(f"/nowhere/file{i}" for i in range(6)),
        mesh_labels=(0, 1, 1, 2, 2, 2),
        distractors={shape: 6 + i for i, shape in enumerate(SHAPES)},
        foreign_textures=range(1, 5),
        noise_textures=range(5, 7),
        photos=range(7, 10),
        photo_aspects=(1.5, 1.0, 0.5),
    )
