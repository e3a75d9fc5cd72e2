"""A crate whose labels are known by hand, and a set of a cube and a pyramid in every format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ondr.batch import Batch
from ondr.config import Config
from ondr.export import FORMATS, write
from ondr.export.formats.base import Source
from ondr.loop.dataset import RandomizedScenes
from tests.export.crate import crate_source
from tests.loop.tiny import tiny_config, write_meshes

COUNT = 7
"""Three chunks and a half: the last one is not full."""


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """What all images of the crate have in common."""
    return crate_source(tmp_path_factory.mktemp("crate"))


@pytest.fixture(scope="session")
def cfg(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Images of 48 x 64 pixels with no to three objects, two to a chunk."""
    meshes = write_meshes(tmp_path_factory.mktemp("meshes"))
    objects = {"meshes": meshes, "count": [0, 3], "unit": "cm"}
    outputs = ["boxes", "labels", "depth", "instances", "visibility", "boxes_amodal"]
    return tiny_config(meshes, image_size=(48, 64), objects=objects, outputs=outputs, seed=10)


@pytest.fixture(scope="session")
def sets(cfg: Config, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Returns the folder of an uninterrupted set of `COUNT` images, made by this process alone, by its format."""
    root = tmp_path_factory.mktemp("sets")
    for name in FORMATS:
        write(cfg, root / name, name, COUNT, workers=0)
    return lambda name: root / name


@pytest.fixture(scope="session")
def batch(cfg: Config) -> Batch:
    """The images of the sets, with all labels that a format asks for."""
    outputs = sorted({*cfg.outputs, *(name for form in FORMATS.values() for name in form.outputs)} - {"ignored"})
    return RandomizedScenes(cfg.with_overrides([f"outputs=[{', '.join(outputs)}]"])).render(range(COUNT))


def tree(folder: Path) -> dict[str, bytes]:
    """Returns all files below a folder, by their paths."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
