"""RandomizedScenes alone, without a DataLoader: passes, ids, overrides, ownership, gradients, pickling."""

from __future__ import annotations

import itertools
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from ondr.batch import Batch
from ondr.errors import ConfigError
from ondr.loop.dataset import RandomizedScenes
from tests.loop.conftest import MakeScenes


def ids_of(batches) -> list[int]:
    return [i for batch in batches for i in batch.sample_ids.tolist()]


def assert_same(first: Batch, second: Batch) -> None:
    """The same bits in images, targets and draws."""
    assert torch.equal(first.sample_ids, second.sample_ids)
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.draws.packed, second.draws.packed)
    assert first.targets.names() == second.targets.names()
    for name in first.targets.names():
        assert torch.equal(getattr(first.targets, name), getattr(second.targets, name)), name


def test_a_batch_is_what_the_design_says(make_scenes: MakeScenes) -> None:
    scenes = make_scenes(outputs=["boxes", "labels", "mesh_ids", "visibility", "depth", "instances", "intrinsics"])
    batch = next(iter(scenes))
    assert batch.images.shape == (2, 3, 32, 32)
    assert batch.images.dtype == torch.float32
    assert 0 <= batch.images.min() < batch.images.max() <= 1
    assert batch.sample_ids.tolist() == [0, 1]
    assert batch.targets.boxes.shape == (2, 2, 4)
    assert batch.targets.labels.dtype == batch.targets.mesh_ids.dtype == torch.int64
    assert batch.targets.depth.shape == (2, 1, 32, 32)
    assert batch.targets.instances.dtype == torch.int16
    assert batch.targets.intrinsics.shape == (2, 3, 3)
    assert batch.targets.normals is None
    assert batch.draws["camera.fov_degrees"].shape == (2,)
    assert batch.draws["objects.screen_size"].shape == (2, 2)
    assert scenes.class_names == ("cube", "pyramid")
    assert [str(file).endswith("one.obj") for file in scenes.mesh_files] == [True, True]


@pytest.mark.parametrize("epochs", [None, 0, 5])
def test_passes_never_repeat_an_image(make_scenes: MakeScenes, epochs: int | None) -> None:
    scenes = make_scenes(batches_per_epoch=3)
    found = []
    for _ in range(2):
        if epochs is not None:
            scenes.set_epoch(epochs)
        found += ids_of(scenes)
    assert found == list(range(12))


def test_a_pass_that_was_left_is_not_taken_up_again(make_scenes: MakeScenes) -> None:
    scenes = make_scenes(batches_per_epoch=3)
    next(iter(scenes))
    assert ids_of(scenes) == list(range(6, 12))


def test_an_endless_stream_goes_on_after_the_last_batch(make_scenes: MakeScenes) -> None:
    scenes = make_scenes()
    assert ids_of(itertools.islice(scenes, 3)) == list(range(6))
    assert ids_of(itertools.islice(scenes, 2)) == list(range(6, 10))


@pytest.mark.parametrize("length", [None, 3])
def test_two_iterators_at_once_share_no_image(make_scenes: MakeScenes, length: int | None) -> None:
    scenes = make_scenes(batches_per_epoch=length)
    pairs = list(itertools.islice(zip(scenes, scenes, strict=False), 3))
    found = ids_of(batch for pair in pairs for batch in pair)
    assert sorted(found) == list(range(12))


@pytest.mark.parametrize("length", [None, 2])
def test_fixed_repeats_pass_0(make_scenes: MakeScenes, length: int | None) -> None:
    scenes = make_scenes(fixed=True, batches_per_epoch=length)
    first, second = (list(itertools.islice(scenes, 2)) for _ in range(2))
    assert ids_of(first) == [0, 1, 2, 3]
    for one, other in zip(first, second, strict=True):
        assert_same(one, other)


def test_ranks_share_the_stream(make_scenes: MakeScenes) -> None:
    parts = [ids_of(make_scenes(rank=rank, world_size=2, batches_per_epoch=2)) for rank in range(2)]
    assert parts == [[0, 1, 4, 5], [2, 3, 6, 7]]


def test_rank_comes_from_torchrun(make_scenes: MakeScenes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert next(iter(make_scenes())).sample_ids.tolist() == [2, 3]
    assert next(iter(make_scenes(rank=0, world_size=1))).sample_ids.tolist() == [0, 1]
    monkeypatch.setenv("RANK", "3")
    with pytest.raises(ConfigError, match="rank must be from 0 to world_size - 1 = 2, got 3"):
        next(iter(make_scenes()))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rank": 0}, r"rank and world_size must be given together, got rank=0, world_size=None"),
        ({"world_size": 2}, r"rank and world_size must be given together, got rank=None, world_size=2"),
        ({"rank": 2, "world_size": 2}, r"rank must be from 0 to world_size - 1 = 1, got 2"),
        ({"rank": -1, "world_size": 2}, r"rank must be from 0 to world_size - 1 = 1, got -1"),
    ],
)
def test_ranks_are_checked(make_scenes: MakeScenes, given: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_scenes(**given)


def test_len_is_that_of_a_pass(make_scenes: MakeScenes) -> None:
    assert len(make_scenes(batches_per_epoch=3)) == 3
    with pytest.raises(TypeError, match=r"endless stream has no len\(\). Set cfg.batches_per_epoch"):
        len(make_scenes())


def test_a_dataset_is_built_from_a_config() -> None:
    with pytest.raises(ConfigError, match=r"cfg must be a Config, got str. Use Config.load\(path\)"):
        RandomizedScenes("task.yaml")


def test_render_repeats_the_images_of_a_stream(make_scenes: MakeScenes) -> None:
    scenes = make_scenes()
    batches = list(itertools.islice(scenes, 2))
    assert_same(scenes.render(batches[1].sample_ids), batches[1])
    assert_same(scenes.render([2, 3]), batches[1])
    assert_same(scenes.render(scenes.sample([2, 3])), batches[1])
    assert scenes.render(3).sample_ids.tolist() == [3]
    assert scenes.render(np.int64(3)).sample_ids.tolist() == [3]
    assert ids_of(itertools.islice(scenes, 1)) == [4, 5]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([-1], r"ids must be one or more whole numbers from 0 to 2\*\*63 - 1, got \[-1\]"),
        ([], r"ids must be one or more whole numbers from 0 to 2\*\*63 - 1, got \[\]"),
        ([0.5], r"ids must be one or more whole numbers from 0 to 2\*\*63 - 1, got \[0.5\]"),
        ([2**63], r"ids must be one or more whole numbers from 0 to 2\*\*63 - 1, got \[9223372036854775808\]"),
        ("12", r"ids must be one or more whole numbers from 0 to 2\*\*63 - 1, got 12"),
        (None, r"ids must be one or more whole numbers from 0 to 2\*\*63 - 1, got None"),
        (torch.zeros(2, 2), r"ids must be one or more whole numbers from 0"),
    ],
)
def test_ids_are_checked(make_scenes: MakeScenes, ids, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_scenes().render(ids)


def test_an_override_changes_one_thing_only(make_scenes: MakeScenes) -> None:
    scenes = make_scenes()
    plain, dark = scenes.render([0, 1]), scenes.render([0, 1], overrides={"lights.intensity": 0.01})
    assert (dark.draws["lights.intensity"] == 0.01).all()
    assert not torch.equal(dark.images, plain.images)
    assert torch.equal(dark.targets.boxes, plain.targets.boxes)
    assert_same(scenes.render(scenes.sample([0, 1], overrides={"lights.intensity": 0.01})), dark)


def test_overrides_are_checked(make_scenes: MakeScenes) -> None:
    scenes = make_scenes()
    with pytest.raises(ConfigError, match=r"overrides\['lights.intensty'\] must name a draw"):
        scenes.sample([0], overrides={"lights.intensty": 1})
    with pytest.raises(ConfigError, match=r"overrides must be given with ids, got \['lights.intensity'\] with a Scene"):
        scenes.render(scenes.sample([0]), overrides={"lights.intensity": 1})


def test_seed_0_is_a_seed(make_scenes: MakeScenes) -> None:
    zero, one = make_scenes(seed=0).render([0]), make_scenes(seed=1).render([0])
    assert not torch.equal(zero.draws["camera.fov_degrees"], one.draws["camera.fov_degrees"])


def test_a_held_batch_is_never_written_again(make_scenes: MakeScenes) -> None:
    stream = iter(make_scenes(outputs=["boxes", "labels", "depth", "normals", "instances"]))
    held = next(stream)
    copy = pickle.loads(pickle.dumps(held))
    for _ in range(3):
        next(stream)
    assert_same(held, copy)


def test_global_random_states_are_untouched(make_scenes: MakeScenes) -> None:
    torch.manual_seed(3)
    np.random.seed(3)
    of_torch, of_numpy = torch.get_rng_state(), np.random.get_state()[1].copy()
    first = next(iter(make_scenes()))
    torch.manual_seed(4)
    np.random.seed(4)
    assert_same(next(iter(make_scenes())), first)
    torch.manual_seed(3)
    np.random.seed(3)
    next(iter(make_scenes()))
    assert torch.equal(torch.get_rng_state(), of_torch)
    assert (np.random.get_state()[1] == of_numpy).all()


def test_a_moved_parameter_takes_effect_with_the_next_batch(make_scenes: MakeScenes) -> None:
    scenes = make_scenes(camera={"fov_degrees": [40, 50]})
    stream = iter(scenes)
    before = next(stream)
    scenes.parameters["camera.fov_degrees.low"] = 49
    after = next(stream)
    assert before.state["parameters"] == {}
    assert after.state["parameters"] == {"camera.fov_degrees.low": [49]}
    assert (before.draws["camera.fov_degrees"] < 49).any()
    assert (after.draws["camera.fov_degrees"] >= 49).all()


def test_effects_have_their_gradient_where_they_are_neutral_too(make_scenes: MakeScenes) -> None:
    scenes = make_scenes()
    neutral = {draw.name: draw.neutral or 0.0 for draw in scenes._sampling.plan.draws.values() if draw.gated}
    plain = scenes.render([0, 1], overrides=neutral).images
    for name, value in neutral.items():
        leaf = torch.full((2,), float(value), requires_grad=True)
        images = scenes.render([0, 1], overrides=neutral | {name: leaf}).images
        # One way of shading with gradients, one without: a hundredth of a step of 8 bits.
        torch.testing.assert_close(images, plain, rtol=0, atol=1e-4, msg=name)
        (gradient,) = torch.autograd.grad(images.sum(), leaf, allow_unused=True)
        assert gradient is None or gradient.isfinite().all(), name
        if name in ("photometric.exposure_stops", "photometric.gamma", "photometric.vignetting"):
            step = 1e-2
            ends = [scenes.render([0, 1], overrides=neutral | {name: value + s}).images.double() for s in (step, 0)]
            expected = (ends[0] - ends[1]).sum() / step
            torch.testing.assert_close(gradient.sum().double(), expected, rtol=0.05, atol=0)


def test_gradients_reach_a_scene_but_not_the_stream(make_scenes: MakeScenes) -> None:
    scenes = make_scenes(photometric={"noise_std": 0})
    scene = scenes.sample([0, 1])
    ambient = scene.lights.ambient.clone().requires_grad_()
    lit = replace(scene, lights=replace(scene.lights, ambient=ambient))
    scenes.render(lit).images.sum().backward()
    assert ambient.grad.abs().sum() > 0
    scenes.parameters["lights.intensity.high"] = torch.tensor(2.5, requires_grad=True)
    assert not next(iter(scenes)).images.requires_grad
    with torch.no_grad():
        assert not scenes.render(lit).images.requires_grad


def test_pickles_as_config_and_state(make_scenes: MakeScenes) -> None:
    scenes = make_scenes(camera={"fov_degrees": [40, 50]})
    list(itertools.islice(scenes, 2))
    scenes.parameters["camera.fov_degrees.low"] = 49
    pickled = pickle.dumps(scenes)
    assert len(pickled) < 20_000
    again = pickle.loads(pickled)
    assert again.state_dict() == scenes.state_dict()
    one, other = next(iter(again)), next(iter(scenes))
    assert one.state == other.state
    assert_same(one, other)


def test_a_worker_being_spawned_is_told_its_rank_and_a_rank_is_not(
    make_scenes: MakeScenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ondr.loop.dataset.get_spawning_popen", lambda: object())
    assert make_scenes().__getstate__()["_ranks"] is None
    assert make_scenes(rank=1, world_size=2).__getstate__()["_ranks"] == (1, 2)
    monkeypatch.setattr("ondr.loop.dataset.joined_rank", lambda: (2, 4))
    assert make_scenes().__getstate__()["_ranks"] == (2, 4)
