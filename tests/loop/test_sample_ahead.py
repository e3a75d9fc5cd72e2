"""Scenes that are drawn for several batches at once are those of each batch, and nothing outdated is handed out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ondr.leaves import leaves_of
from ondr.loop.dataset import RandomizedScenes
from ondr.loop.sample_ahead import IMAGES, SampleAhead
from ondr.parameters import Parameters
from ondr.sampling import Sampler
from ondr.scene import Scene
from tests.loop.conftest import MakeScenes

SIZE = 32
MOST = IMAGES // SIZE


class Counted(Sampler):
    """Remembers how many batches each draw was for."""

    def __init__(self, scenes: RandomizedScenes) -> None:
        super().__init__(scenes.cfg, scenes.assets)
        self.batches: list[int] = []

    def sample(self, sample_ids: Tensor, parameters: Parameters, **options: Any) -> Scene:
        self.batches.append(len(sample_ids) // SIZE)
        return super().sample(sample_ids, parameters, **options)


def batch(k: int, ranks: int = 1) -> range:
    return range(k * ranks * SIZE, (k * ranks + 1) * SIZE)


def equal(a: Scene, b: Scene) -> bool:
    pairs = zip(leaves_of(a), leaves_of(b), strict=True)
    alike = all(torch.equal(x.nan_to_num(7), y.nan_to_num(7)) for x, y in pairs)
    return alike and torch.equal(a.draws.packed, b.draws.packed) and a.structure.rows == b.structure.rows


def test_the_scenes_are_those_of_each_batch(make_scenes: MakeScenes) -> None:
    scenes = make_scenes(photometric={"noise_std": {"probability": 0.5, "law": [0, 0.1]}})
    sampler, ranks = Counted(scenes), 3
    ahead = SampleAhead(sampler, scenes.parameters)
    for k in range(9):
        ids = batch(k, ranks)
        assert equal(ahead.scene(ids, ranks * SIZE), scenes.sample(ids))
    assert sampler.batches == [1, 2, MOST, MOST]


def test_nothing_drawn_by_outdated_laws_is_handed_out(make_scenes: MakeScenes) -> None:
    scenes = make_scenes()
    sampler = Counted(scenes)
    ahead = SampleAhead(sampler, scenes.parameters)
    for k in range(2):
        ahead.scene(batch(k), SIZE)
    scenes.parameters["camera.fov_degrees.low"] = 69.0
    assert ahead.scene(batch(2), SIZE).draws["camera.fov_degrees"].min() >= 69
    assert ahead.scene(batch(3), SIZE).draws["camera.fov_degrees"].min() >= 69
    assert sampler.batches == [1, 2, 1, 2]


def test_laws_that_gradients_may_move_are_read_for_every_batch(make_scenes: MakeScenes) -> None:
    scenes = make_scenes()
    low = torch.tensor(40.0, requires_grad=True)
    scenes.parameters["camera.fov_degrees.low"] = low
    sampler = Counted(scenes)
    ahead = SampleAhead(sampler, scenes.parameters)
    for k in range(3):
        assert ahead.scene(batch(k), SIZE).draws["camera.fov_degrees"].min() >= float(low.detach())
        with torch.no_grad():
            low += 9
    assert sampler.batches == [1, 1, 1]


def test_batches_that_others_took_cost_one_draw_each(make_scenes: MakeScenes) -> None:
    scenes = make_scenes()
    sampler = Counted(scenes)
    ahead = SampleAhead(sampler, scenes.parameters)
    for k in (0, 2, 4, 6, 8):
        assert equal(ahead.scene(batch(k), SIZE), scenes.sample(batch(k)))
    assert sampler.batches == [1, 2, 1, 2, 1]


def test_a_batch_keeps_no_other_in_memory(make_scenes: MakeScenes) -> None:
    scenes = make_scenes()
    ahead = SampleAhead(Counted(scenes), scenes.parameters)
    drawn = [ahead.scene(batch(k), SIZE) for k in range(3)][2]
    for handed_on in (drawn.draws.packed, drawn.sample_ids):
        assert handed_on.untyped_storage().nbytes() == handed_on.nbytes
