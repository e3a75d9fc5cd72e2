"""Workers of a DataLoader: the same stream, whatever their number, however they are started or stopped."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader

from ondr.batch import Batch
from ondr.errors import BackendError, ConfigError
from ondr.loop.dataset import RandomizedScenes
from ondr.pixel_format import PixelFormat
from tests.loop.conftest import MakeScenes
from tests.loop.test_dataset import assert_same, ids_of
from tests.loop.tiny import tiny_config

# DataLoader warns where it makes more workers than there are cores; two are too few for some of these tests.
pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create 3 worker processes:UserWarning")


def error_of(loader: Iterable[Batch]) -> Exception:
    """Returns what a loader raises, without the traceback: it would hold the iterator until it is collected with its
    own queues, whose workers DataLoader then waits for in vain, 5 seconds each.
    """
    try:
        list(itertools.islice(loader, 10))
    except Exception as error:
        return error.with_traceback(None)
    raise AssertionError("the loader raised nothing")


@pytest.mark.parametrize("workers", [1, 2])
def test_same_bits_whatever_the_number_of_workers(make_scenes: MakeScenes, workers: int) -> None:
    outputs = ["boxes", "labels", "mesh_ids", "visibility", "depth", "instances"]
    settings = {"batches_per_epoch": 3, "outputs": outputs, "photometric": {"noise_std": 0.02}}
    # DataLoader gives each worker one thread.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    alone = list(DataLoader(make_scenes(**settings)))
    torch.set_num_threads(threads)
    shared = list(DataLoader(make_scenes(**settings), num_workers=workers))
    for one, other in zip(alone, shared, strict=True):
        assert_same(one, other)
        assert one.state == other.state


@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("length", [3, 4])
def test_passes_never_repeat_an_image(make_scenes: MakeScenes, persistent: bool, length: int) -> None:
    loader = DataLoader(make_scenes(batches_per_epoch=length), num_workers=2, persistent_workers=persistent)
    found = [ids_of(loader) for _ in range(3)]
    assert found == [list(range(p * length * 2, (p + 1) * length * 2)) for p in range(3)]


@pytest.mark.parametrize("persistent", [False, True])
def test_an_endless_stream_goes_on_in_order_without_repeating(make_scenes: MakeScenes, persistent: bool) -> None:
    loader = DataLoader(make_scenes(), num_workers=2, persistent_workers=persistent, prefetch_factor=2)
    found: list[int] = []
    for count in (1, 3, 2):
        part = ids_of(itertools.islice(loader, count))
        # What was rendered ahead is skipped, so parts begin later, but each is in order and without a gap.
        assert part == list(range(part[0], part[0] + 2 * count))
        assert not found or part[0] > found[-1]
        found += part
    assert len(set(found)) == len(found)


def test_the_count_survives_another_number_of_workers(make_scenes: MakeScenes) -> None:
    scenes = make_scenes(batches_per_epoch=3)
    found = [ids_of(DataLoader(scenes, num_workers=n)) for n in (2, 0, 3, 1, 3)]
    assert found == [list(range(6 * p, 6 * p + 6)) for p in range(5)]


def test_looking_at_the_first_batch_costs_one_pass(make_scenes: MakeScenes) -> None:
    scenes = make_scenes(batches_per_epoch=3)
    for number in range(3):
        first = next(iter(DataLoader(scenes, num_workers=3)))
        assert first.state["pass"] == number
    assert ids_of(DataLoader(scenes, num_workers=3)) == list(range(18, 24))


def test_a_seed_before_every_pass_changes_nothing(make_scenes: MakeScenes) -> None:
    scenes = make_scenes(batches_per_epoch=2)
    found = []
    for _ in range(3):
        torch.manual_seed(0)
        found += ids_of(DataLoader(scenes, num_workers=2))
    assert found == list(range(12))


def test_fixed_repeats_pass_0(make_scenes: MakeScenes) -> None:
    loader = DataLoader(make_scenes(fixed=True, batches_per_epoch=3), num_workers=2)
    assert [ids_of(loader) for _ in range(2)] == [list(range(6))] * 2


def test_a_preview_before_workers(make_scenes: MakeScenes) -> None:
    scenes = make_scenes()
    preview = scenes.render([2, 3])
    looked = next(iter(scenes))
    shared = list(itertools.islice(DataLoader(scenes, num_workers=2), 2))
    assert looked.sample_ids.tolist() == [0, 1]
    assert torch.equal(shared[0].targets.boxes, preview.targets.boxes)
    assert ids_of(shared) == [2, 3, 4, 5]


@pytest.mark.parametrize("length", [None, 5])
@pytest.mark.parametrize(("before", "after"), [(2, 2), (2, 0), (0, 3)])
def test_a_batch_is_where_another_run_goes_on(
    make_scenes: MakeScenes, length: int | None, before: int, after: int
) -> None:
    whole = iter(DataLoader(make_scenes(batches_per_epoch=length), num_workers=before))
    state = [next(whole) for _ in range(3)][-1].state
    scenes = make_scenes(batches_per_epoch=length)
    scenes.load_state_dict(state)
    for one, other in zip(itertools.islice(whole, 2), DataLoader(scenes, num_workers=after), strict=False):
        assert one.sample_ids.tolist() == other.sample_ids.tolist()
        assert one.state == other.state
        assert torch.equal(one.targets.boxes, other.targets.boxes)


def test_a_state_can_be_loaded_between_passes_of_persistent_workers(make_scenes: MakeScenes) -> None:
    scenes = make_scenes(batches_per_epoch=3)
    loader = DataLoader(scenes, num_workers=2, persistent_workers=True)
    states = [batch.state for batch in loader]
    ids_of(loader)
    scenes.load_state_dict(states[0])
    assert [ids_of(loader) for _ in range(2)] == [[2, 3, 4, 5], list(range(6, 12))]


def test_a_moved_parameter_reaches_workers(make_scenes: MakeScenes) -> None:
    scenes = make_scenes(camera={"fov_degrees": [40, 50]})
    stream = iter(DataLoader(scenes, num_workers=1, prefetch_factor=1))
    next(stream)
    scenes.parameters["camera.fov_degrees.low"] = 49
    rendered_ahead, later = next(stream), list(itertools.islice(stream, 3))[-1]
    assert later.state["parameters"] == {"camera.fov_degrees.low": [49]}
    assert (later.draws["camera.fov_degrees"] >= 49).all()
    assert rendered_ahead.sample_ids.tolist() == [2, 3]


def test_two_endless_readers_at_once_are_refused(make_scenes: MakeScenes) -> None:
    scenes = make_scenes()
    first = iter(DataLoader(scenes, num_workers=1))
    next(first)
    next(iter(scenes))
    with pytest.raises(ConfigError, match="endless stream with workers must be read by one iterator at a time"):
        raise error_of(first)


class _SlowInWorker1:
    """Delays the start of worker 1, as a busy machine may."""

    def __call__(self, worker: int) -> None:
        time.sleep(0.5 * worker)


def test_a_worker_that_never_began_does_not_lag_behind(make_scenes: MakeScenes) -> None:
    scenes = make_scenes()
    first = next(iter(DataLoader(scenes, num_workers=2, worker_init_fn=_SlowInWorker1())))
    second = list(itertools.islice(DataLoader(scenes, num_workers=2, worker_init_fn=_SlowInWorker1()), 3))
    numbers = ids_of(second)
    assert numbers == list(range(numbers[0], numbers[0] + 6))
    assert numbers[0] > int(first.sample_ids[-1])


def test_spawned_workers_load_the_assets_and_share_the_count(meshes: Path) -> None:
    scenes = RandomizedScenes(tiny_config(meshes, batches_per_epoch=2, camera={"fov_degrees": [40, 50]}))
    scenes.parameters["camera.fov_degrees.low"] = 49
    loader = DataLoader(scenes, num_workers=1, multiprocessing_context="spawn", persistent_workers=True)
    expected = scenes.render([0, 1])
    first = list(loader)
    scenes.parameters["camera.fov_degrees.low"] = 49.5
    second = list(loader)
    assert torch.equal(first[0].draws.packed, expected.draws.packed)
    assert [ids_of(first), ids_of(second)] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert second[0].state["parameters"] == {"camera.fov_degrees.low": [49.5]}
    assert ids_of(scenes) == [8, 9, 10, 11]


def test_workers_on_cuda_are_refused_at_once(make_scenes: MakeScenes) -> None:
    scenes = make_scenes()
    scenes.device = torch.device("cuda", 0)
    with pytest.raises(BackendError, match=r"num_workers must be 0 on cuda:0.*Use num_workers=0"):
        raise error_of(DataLoader(scenes, num_workers=1))


def test_too_many_workers_are_refused(make_scenes: MakeScenes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ondr.loop.progress.SLOTS", 2)
    with pytest.raises(ConfigError, match="num_workers must be at most 1, got 2"):
        raise error_of(DataLoader(make_scenes(batches_per_epoch=2), num_workers=2))


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_a_worker_keeps_type_and_layout(meshes: Path, context: str) -> None:
    scenes = RandomizedScenes(tiny_config(meshes, batches_per_epoch=3, images_dtype="uint8", channels_last=True))
    here = [scenes.render(range(2 * i, 2 * i + 2)).images for i in range(3)]
    there = [batch.images for batch in DataLoader(scenes, num_workers=1, multiprocessing_context=context)]
    for own, from_worker in zip(here, there, strict=True):
        assert PixelFormat.like(from_worker) == scenes.cfg.pixel_format
        assert torch.equal(own, from_worker)


def test_a_batch_from_a_worker_is_whole(make_scenes: MakeScenes) -> None:
    (batch,) = DataLoader(make_scenes(batches_per_epoch=1), num_workers=1)
    assert isinstance(batch, Batch)
    assert batch.images.is_shared()
    assert batch.draws["camera.fov_degrees"].shape == (2,)
