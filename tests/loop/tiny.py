"""The smallest data set that is still a whole one: two classes, one mesh each, images of 32 pixels a side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ondr.config import Config

CUBE = """
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
v 0 0 1
v 1 0 1
v 1 1 1
v 0 1 1
f 1 4 3 2
f 5 6 7 8
f 1 2 6 5
f 2 3 7 6
f 3 4 8 7
f 4 1 5 8
"""
PYRAMID = """
v 0 0 0
v 2 0 0
v 2 2 0
v 0 2 0
v 1 1 2
f 1 4 3 2
f 1 2 5
f 2 3 5
f 3 4 5
f 4 1 5
"""


def write_meshes(folder: Path) -> Path:
    """Writes a cube and a pyramid, one class each, and returns their folder."""
    for name, text in (("cube", CUBE), ("pyramid", PYRAMID)):
        (folder / name).mkdir(parents=True)
        (folder / name / "one.obj").write_text(text)
    return folder


def tiny_config(meshes: Path, **settings: Any) -> Config:
    """Returns a config for the meshes, with small batches of small images on the CPU."""
    plain: dict[str, Any] = {
        "image_size": (32, 32),
        "batch_size": 2,
        "device": "cpu",
        "objects": {"meshes": meshes, "count": [1, 2]},
        "distractors": {"count": [0, 1], "shapes": ["cube"]},
        "materials": {"textures": None},
        "render": {"compile": False},
    }
    return Config(**plain | settings)
