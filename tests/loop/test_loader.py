"""Every way in which people use a DataLoader, in one process; see `test_workers` and `test_ranks` for several."""

from __future__ import annotations

import itertools
import logging

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import ondr
from ondr.batch import Batch
from ondr.errors import BackendError, ConfigError, say_once
from ondr.loop import collate
from tests.loop.conftest import MakeScenes
from tests.loop.test_dataset import assert_same, ids_of


@pytest.mark.parametrize("options", [{}, {"batch_size": 1}, {"batch_size": None}])
def test_a_dataloader_yields_the_batch_itself(make_scenes: MakeScenes, options: dict) -> None:
    batch = next(iter(DataLoader(make_scenes(), **options)))
    assert isinstance(batch, Batch)
    assert batch.images.shape == (2, 3, 32, 32)
    assert_same(batch, next(iter(make_scenes())))


def test_nothing_is_copied(make_scenes: MakeScenes) -> None:
    scenes = make_scenes()
    batch = scenes.render([0, 1])
    assert collate.collate([batch]) is batch
    assert torch.utils.data.default_collate([batch]) is batch


def test_images_and_targets_unpack(make_scenes: MakeScenes) -> None:
    for images, targets in itertools.islice(DataLoader(make_scenes()), 2):
        assert images.ndim == 4
        assert targets.labels.shape == (2, 2)


def test_batch_size_joins_and_says_so_once(
    make_scenes: MakeScenes, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collate, "_announced", [])
    say_once.cache_clear()
    with caplog.at_level(logging.WARNING, "ondr"):
        batches = list(DataLoader(make_scenes(batches_per_epoch=6), batch_size=4))
    assert [batch.images.shape[0] for batch in batches] == [8, 4]
    assert ids_of(batches) == list(range(12))
    assert batches[0].state["next_id"] == 8
    said = [r.getMessage() for r in caplog.records if "joins" in r.getMessage()]
    assert len(said) == 1
    assert "batch_size=4) joins 4 batches of 2 images into one of 8" in said[0]
    assert "set cfg.batch_size" in said[0]


@pytest.mark.parametrize("batch_size", [1, None])
def test_len_of_a_loader_is_that_of_a_pass(make_scenes: MakeScenes, batch_size: int | None) -> None:
    loader = DataLoader(make_scenes(batches_per_epoch=3), batch_size=batch_size)
    assert len(loader) == 3
    assert len(list(loader)) == 3
    with pytest.raises(TypeError, match="endless stream has no len"):
        len(DataLoader(make_scenes(), batch_size=batch_size))


def test_loader_takes_the_options_of_a_dataloader(make_scenes: MakeScenes) -> None:
    loader = ondr.loader(make_scenes(batches_per_epoch=2), num_workers=1, prefetch_factor=1)
    assert isinstance(loader, DataLoader)
    assert ids_of(loader) == [0, 1, 2, 3]


def test_loader_refuses_other_datasets_and_workers_on_cuda(make_scenes: MakeScenes) -> None:
    with pytest.raises(ConfigError, match="loader's dataset must be RandomizedScenes, got TensorDataset"):
        ondr.loader(TensorDataset(torch.zeros(1)))
    scenes = make_scenes()
    scenes.device = torch.device("cuda", 0)
    with pytest.raises(BackendError, match=r"num_workers must be 0 on cuda:0"):
        ondr.loader(scenes, num_workers=1)


def test_accelerate_hands_the_loader_back(make_scenes: MakeScenes) -> None:
    accelerate = pytest.importorskip("accelerate")
    loader = ondr.loader(make_scenes(batches_per_epoch=2))
    model = torch.nn.Linear(1, 1)
    _, prepared = accelerate.Accelerator(cpu=True).prepare(model, loader)
    assert prepared is loader
    assert ids_of(prepared) == [0, 1, 2, 3]
