"""Laws that move with the sample index, take turns, or hold only sometimes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from ondr.config import Config
from ondr.errors import ConfigError
from ondr.geometry import rotation_from_quaternion
from ondr.laws import Views
from ondr.parameters import Parameters
from ondr.sampling import Sampler
from ondr.scene import Scene
from tests.sampling.tiny import tiny_assets

ASSETS = tiny_assets()


def sample(ids: Any, *overrides: str, moved: dict[str, float] | None = None, **given: Any) -> Scene:
    cfg = Config().with_overrides(overrides)
    parameters = Parameters(cfg)
    for name, value in (moved or {}).items():
        parameters[name] = value
    return Sampler(cfg, ASSETS).sample(torch.as_tensor(ids), parameters, **given)


def test_a_schedule_moves_a_law_with_the_sample_index() -> None:
    schedule = "camera.fov_degrees={from: [40, 50], to: [80, 110], samples: 1000}"
    ids = [0, 250, 1000, 10**12]
    u = sample(ids, "camera.fov_degrees=[2, 3]").draws["camera.fov_degrees"].double() - 2
    share = torch.tensor([0, 0.25, 1, 1], dtype=torch.float64)
    low, high = 40 + 40 * share, 50 + 60 * share
    got = sample(ids, schedule).draws["camera.fov_degrees"].double()
    # The uniforms were read from a float32 near 2.
    torch.testing.assert_close(got, low + u * (high - low), rtol=0, atol=2e-5)


def test_both_ends_of_a_schedule_can_be_moved() -> None:
    schedule = "camera.fov_degrees={from: 40, to: 80, samples: 100}"
    got = sample([0, 50, 100], schedule, moved={"camera.fov_degrees.to.at": 60.0}).draws["camera.fov_degrees"]
    assert got.tolist() == [40.0, 50.0, 60.0]


def test_a_count_grows_on_schedule() -> None:
    many = torch.arange(1000)
    counts = [
        sample(many + k, "objects.count={from: [1, 1], to: [4, 6], samples: 1000000}").draws["objects.count"]
        for k in (0, 500_000, 10**6)
    ]
    assert counts[0].unique().tolist() == [1]
    # Half way: from 2.5 (which rounds to even, 2) or 3 to 3.5 (4).
    assert set(counts[1].tolist()) <= {2, 3, 4}
    assert counts[2].unique().tolist() == [4, 5, 6]


def test_a_probability_and_weights_move_on_schedule() -> None:
    n = 4000
    end = torch.arange(10**6, 10**6 + n)
    source = "{{choice: [noise, color], weights: {}}}"
    overrides = (
        "lights.directional={from: {bernoulli: 0}, to: {bernoulli: 1}, samples: 1000000}",
        f"background.source={{from: {source.format([1, 0])}, to: {source.format([0, 1])}, samples: 1000000}}",
    )
    for ids, share in ((torch.arange(n), 0.0), (end - 500_000, 0.5), (end, 1.0)):
        draws = sample(ids, *overrides).draws
        # Four standard deviations of n draws.
        tolerance = 4 * 0.5 / n**0.5 + n / 10**6
        assert draws["lights.directional"].double().mean().item() == pytest.approx(share, abs=tolerance)
        plain = (draws["background.source"] == 3).double().mean().item()
        assert plain == pytest.approx(share, abs=tolerance)


@pytest.mark.parametrize("first", [0, 6 * 10**10])
def test_every_option_comes_once_in_each_round(first: int) -> None:
    n = 5
    ids = torch.arange(first, first + 40 * n)
    values = sample(ids, "objects.screen_size={cycle: [0.1, 0.2, 0.3, 0.4, 0.5]}").draws["objects.screen_size"]
    start = -first % n
    rounds = values[start : start + 39 * n].reshape(39, n, -1)
    expected = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5])[None, :, None].expand_as(rounds)
    assert torch.equal(rounds.sort(dim=1).values, expected)
    assert len({tuple(r.tolist()) for r in rounds[..., 0]}) > 5, "the order changes from round to round"
    assert not torch.equal(rounds[..., 0], rounds[..., 1]), "each slot has an order of its own"


def test_classes_in_turn_come_equally_often() -> None:
    label = sample(torch.arange(300), "objects.label=cycle").draws["objects.label"]
    assert all(column.bincount(minlength=3).tolist() == [100, 100, 100] for column in label.T)


@pytest.mark.parametrize("label", ["{choice: [nut]}", "{cycle: [mug, nut]}", "cycle"])
def test_the_meshes_of_a_class_come_each_once_before_any_comes_again(label: str) -> None:
    draws = sample(torch.arange(90), f"objects.label={label}", "objects.instance=cycle").draws
    for number in (1, 2, 3):  # A class of the tiny assets has as many meshes as its number among them.
        mine = draws["objects.instance"][draws["objects.label"][:, 0] == number - 1, 0]
        rounds = mine[: len(mine) // number * number].reshape(-1, number)
        assert torch.equal(rounds.sort(dim=1).values, torch.arange(number).expand_as(rounds))


def test_views_are_corners_of_an_icosphere_seen_from_the_camera() -> None:
    law = Views(1, 6, True)
    assert law.number == 42 * 6
    ids = torch.arange(law.number)
    overrides = ("objects.rotation={views: {subdivisions: 1, in_plane: 6, cycle: true}}", "camera.roll_degrees=0")
    rotation = rotation_from_quaternion(sample(ids, *overrides).draws["objects.rotation"][:, 0]).double().numpy()
    np.testing.assert_allclose(rotation @ rotation.transpose(0, 2, 1), np.eye(3)[None].repeat(len(ids), 0), atol=1e-5)
    # What of the object faces a camera that looks along +y, each corner of the sphere for six rotations in the image.
    facing = rotation.transpose(0, 2, 1) @ np.array([0.0, -1.0, 0.0])
    corners, counts = np.unique(np.round(facing, 4) + 0.0, axis=0, return_counts=True)
    assert len(corners) == 42
    assert set(counts) == {6}


def test_a_law_that_holds_sometimes_is_neutral_otherwise() -> None:
    n = 4000
    overrides = ("photometric.brightness={probability: 0.3, law: [1.5, 2]}",)
    brightness = sample(torch.arange(n), *overrides).draws["photometric.brightness"]
    holds = brightness != 1
    assert holds.double().mean().item() == pytest.approx(0.3, abs=4 * (0.21 / n) ** 0.5)
    assert (brightness[holds] >= 1.5).all()
    always = sample(torch.arange(n), "photometric.brightness=[1.5, 2]").draws["photometric.brightness"]
    assert torch.equal(brightness[holds], always[holds]), "the value does not depend on the probability"


def test_the_host_knows_which_images_a_gated_effect_is_on() -> None:
    scene = sample(torch.arange(500), "photometric.blur_sigma={probability: 0.4, law: [0.5, 2]}")
    rows = scene.structure.rows["photometric.blur_sigma"]
    assert list(rows) == scene.draws["photometric.blur_sigma"].nonzero()[:, 0].tolist()
    assert 150 < len(rows) < 250
    assert scene.structure.largest["photometric.blur_sigma"] == 2.0


@pytest.mark.parametrize(("override", "rows"), [(0.0, 0), (1.0, 8), (torch.tensor([0, 1.0] * 4), 4)])
def test_an_override_decides_where_a_gated_effect_is_on(override: Any, rows: int) -> None:
    name = "photometric.blur_sigma"
    scene = sample(torch.arange(8), f"{name}=0", overrides={name: override})
    assert len(scene.structure.rows[name]) == rows


def test_a_gate_follows_its_schedule() -> None:
    law = "{probability: 0, law: [0.5, 2]}", "{probability: 1, law: [0.5, 2]}"
    overrides = f"photometric.blur_sigma={{from: {law[0]}, to: {law[1]}, samples: 1000}}"
    scene = sample(torch.arange(2000), overrides)
    rows = torch.tensor(scene.structure.rows["photometric.blur_sigma"])
    assert torch.equal(rows, scene.draws["photometric.blur_sigma"].nonzero()[:, 0])
    assert (rows >= 1000).sum() == 1000
    assert (rows < 500).sum() < (rows >= 500).sum() - 1000


def test_what_needs_larger_tensors_cannot_be_moved_in() -> None:
    with pytest.raises(ConfigError, match="floor.present.probability must not exceed 0, got 1"):
        sample([0], moved={"floor.present.probability": 0.5})
