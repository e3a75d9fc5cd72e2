"""Saving and going on in one process; with workers in `test_workers`, with ranks in `test_ranks`."""

from __future__ import annotations

import copy
import io
import itertools

import pytest
import torch
from torch.utils.data import DataLoader

from ondr.errors import ConfigError
from tests.loop.conftest import MakeScenes
from tests.loop.test_dataset import assert_same, ids_of


@pytest.mark.parametrize("length", [None, 3])
@pytest.mark.parametrize("consumed", [0, 1, 3, 4])
def test_a_loaded_state_goes_on_exactly(make_scenes: MakeScenes, length: int | None, consumed: int) -> None:
    def stream(scenes):
        return itertools.chain.from_iterable(iter(scenes) for _ in range(3))

    scenes = make_scenes(batches_per_epoch=length)
    whole = stream(scenes)
    for _ in range(consumed):
        last = next(whole)
    state = copy.deepcopy(scenes.state_dict())
    if consumed:
        assert state == last.state
    resumed = make_scenes(batches_per_epoch=length)
    resumed.load_state_dict(state)
    assert resumed.state_dict() == state
    for one, other in itertools.islice(zip(whole, stream(resumed), strict=False), 4):
        assert_same(one, other)
        assert one.state == other.state


def test_a_state_can_be_loaded_into_the_dataset_that_made_it(make_scenes: MakeScenes) -> None:
    scenes = make_scenes(batches_per_epoch=3)
    first = next(iter(scenes))
    assert ids_of(scenes) == list(range(6, 12))
    scenes.load_state_dict(first.state)
    assert ids_of(scenes) == [2, 3, 4, 5]
    assert ids_of(scenes) == list(range(6, 12))


def test_a_state_is_plain_and_survives_torch_save(make_scenes: MakeScenes) -> None:
    file = io.BytesIO()
    batch = next(iter(make_scenes()))
    torch.save(batch.state, file)
    file.seek(0)
    assert torch.load(file, weights_only=True) == batch.state


def test_another_batch_size_goes_on_at_the_next_id(make_scenes: MakeScenes) -> None:
    state = list(itertools.islice(make_scenes(), 3))[-1].state
    larger = make_scenes(batch_size=5)
    larger.load_state_dict(state)
    assert ids_of(itertools.islice(larger, 2)) == list(range(6, 16))


def test_another_number_of_ranks_goes_on_at_the_next_id(make_scenes: MakeScenes) -> None:
    state = list(itertools.islice(make_scenes(rank=1, world_size=2), 2))[-1].state
    assert state == list(itertools.islice(make_scenes(rank=0, world_size=2), 2))[-1].state
    parts = []
    for rank in range(3):
        scenes = make_scenes(rank=rank, world_size=3)
        scenes.load_state_dict(state)
        parts += ids_of(itertools.islice(scenes, 1))
    assert parts == list(range(8, 14))


def test_moved_parameters_come_back(make_scenes: MakeScenes) -> None:
    scenes = make_scenes(camera={"fov_degrees": [40, 50]})
    scenes.parameters["camera.fov_degrees.low"] = 49
    state = next(iter(scenes)).state
    scenes.parameters["camera.fov_degrees.low"] = 41
    fresh = make_scenes(camera={"fov_degrees": [40, 50]})
    fresh.parameters["camera.fov_degrees.high"] = 51
    fresh.load_state_dict(state)
    assert float(fresh.parameters["camera.fov_degrees.low"]) == 49
    assert float(fresh.parameters["camera.fov_degrees.high"]) == 50


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, r"state\['seed'\] must be cfg.seed = 0, got 1. Set seed to 1"),
        ({"next_id": -1}, r"state must hold whole numbers from 0, got .*'next_id': -1"),
        ({"batch": 1.5}, r"state must hold whole numbers from 0"),
        ({"parameters": {"camera.fov": [1]}}, r"parameters\['camera.fov'\] must be the parameter of a law"),
        (
            {"worker": {"workers": 2, "stride": 2, "next_batch": 0}},
            "state of a worker must come back to as many",
        ),
    ],
)
def test_states_are_checked(make_scenes: MakeScenes, change: dict, message: str) -> None:
    scenes = make_scenes()
    with pytest.raises(ConfigError, match=message):
        scenes.load_state_dict({**scenes.state_dict(), **change})


@pytest.mark.parametrize(("state", "got"), [({"epoch": 1}, r"\['epoch'\]"), (7, "int")])
def test_something_else_is_no_state(make_scenes: MakeScenes, state, got: str) -> None:
    with pytest.raises(ConfigError, match=rf"state must be batch.state or what ds.state_dict\(\) returned, got {got}"):
        make_scenes().load_state_dict(state)


def test_state_dict_is_refused_once_workers_have_rendered(make_scenes: MakeScenes) -> None:
    scenes = make_scenes(batches_per_epoch=2)
    states = [batch.state for batch in DataLoader(scenes, num_workers=1)]
    with pytest.raises(ConfigError, match=r"num_workers=0.*batch.state.*torchdata's StatefulDataLoader"):
        scenes.state_dict()
    scenes.load_state_dict(states[0])
    assert scenes.state_dict() == states[0]


# torchdata 0.11 calls what torch 2.13 deprecates.
@pytest.mark.filterwarnings("ignore:'set_vital' is deprecated")
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("length", [None, 5])
def test_torchdata_goes_on_exactly(make_scenes: MakeScenes, workers: int, length: int | None) -> None:
    stateful = pytest.importorskip("torchdata.stateful_dataloader")

    def loader():
        return stateful.StatefulDataLoader(make_scenes(batches_per_epoch=length), num_workers=workers)

    whole = loader()
    iterator = iter(whole)
    for _ in range(3):
        next(iterator)
    state = copy.deepcopy(whole.state_dict())
    resumed = loader()
    resumed.load_state_dict(state)
    continued = iter(resumed)
    for _ in range(2):
        assert_same(next(iterator), next(continued))
    if length:
        assert ids_of(resumed) == list(range(10, 20))


@pytest.mark.filterwarnings("ignore:'set_vital' is deprecated")
def test_torchdata_goes_on_after_a_finished_pass(make_scenes: MakeScenes) -> None:
    stateful = pytest.importorskip("torchdata.stateful_dataloader")
    for workers in (0, 2):
        whole = stateful.StatefulDataLoader(make_scenes(batches_per_epoch=3), num_workers=workers)
        assert ids_of(whole) == list(range(6))
        resumed = stateful.StatefulDataLoader(make_scenes(batches_per_epoch=3), num_workers=workers)
        resumed.load_state_dict(whole.state_dict())
        assert ids_of(resumed) == list(range(6, 12))
