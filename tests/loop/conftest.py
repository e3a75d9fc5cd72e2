"""Datasets of a cube and a pyramid for all tests of the loop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ondr import load_assets
from ondr.assets.bank import Assets
from ondr.config import Config
from ondr.loop.dataset import RandomizedScenes
from tests.loop.tiny import tiny_config, write_meshes

MakeConfig = Callable[..., Config]
MakeScenes = Callable[..., RandomizedScenes]


@pytest.fixture(scope="session")
def meshes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two classes."""
    return write_meshes(tmp_path_factory.mktemp("meshes"))


@pytest.fixture(scope="session")
def make_config(meshes: Path) -> MakeConfig:
    """Makes a config of the two classes with some settings of its own."""
    return lambda **settings: tiny_config(meshes, **settings)


@pytest.fixture(scope="session")
def shared_assets(make_config: MakeConfig) -> Assets:
    """The two meshes, loaded once."""
    return load_assets(make_config())


@pytest.fixture(scope="session")
def make_scenes(make_config: MakeConfig, shared_assets: Assets) -> MakeScenes:
    """Makes a dataset: keywords of RandomizedScenes as they are, all others are settings."""
    own = {"fixed", "rank", "world_size", "augment", "hooks"}

    def make(**keywords: Any) -> RandomizedScenes:
        options = {name: value for name, value in keywords.items() if name in own}
        settings = {name: value for name, value in keywords.items() if name not in own}
        return RandomizedScenes(make_config(**settings), assets=shared_assets, **options)

    return make
