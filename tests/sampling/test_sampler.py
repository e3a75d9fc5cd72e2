"""Scenes: every draw follows its law, depends on nothing but its key, and can be overridden."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from ondr.config import Config
from ondr.errors import ConfigError, say_once
from ondr.leaves import leaves_of
from ondr.parameters import Parameters
from ondr.sampling import Sampler, sample_scene
from ondr.scene import Scene
from tests.sampling.tiny import tiny_assets

ASSETS = tiny_assets()
# One fixed seed each: a law whose p-value falls below this is wrong, not unlucky.
ALARM = 1e-4


def scene(cfg: Config | None = None, ids: range | list[int] = range(16), **overrides: object) -> Scene:
    return sample_scene(cfg or Config(), ASSETS, torch.tensor(list(ids)), overrides=overrides or None)


def same(a: Scene, b: Scene) -> bool:
    return torch.equal(a.draws.packed, b.draws.packed) and torch.equal(a.poses.translation, b.poses.translation)


def test_a_sample_does_not_depend_on_its_batch() -> None:
    together = scene(ids=range(8))
    for i in (5, 0, 7):
        alone = scene(ids=[i])
        assert torch.equal(together.draws.packed[i], alone.draws.packed[0])
        # To the last bit, whether an operation takes numbers by vectors or one by one.
        for a, b in zip(leaves_of(together.rows(slice(i, i + 1))), leaves_of(alone), strict=True):
            assert torch.equal(a, b)


def test_seed_zero_is_a_seed() -> None:
    assert not same(scene(Config(seed=0)), scene(Config(seed=1)))


def test_large_ids_and_seeds_are_ids_and_seeds() -> None:
    ids = [0, 2**32, 2**40 + 1]
    drawn = scene(Config(seed=2**64 - 1), ids).draws["camera.fov_degrees"]
    assert len(set(drawn.tolist())) == 3


def test_changing_one_law_changes_no_other_draw() -> None:
    plain, other = (
        scene(),
        scene(Config(lights={"count": [1, 9]}, objects={"count": [1, 12]}, camera={"fov_degrees": 50})),
    )
    changed = {"camera.fov_degrees", "lights.count", "objects.count"}
    for name in set(plain.draws) - changed - plain.draws.derived:
        a, b = plain.draws[name], other.draws[name]
        slots = a.shape[1] if a.ndim > 1 else None
        assert torch.equal(a, b if slots is None else b[:, :slots]), name


def test_global_random_states_are_untouched() -> None:
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()
    scene()
    assert torch.equal(before, torch.get_rng_state())
    assert np.array_equal(numpy_before, np.random.get_state()[1])


CONTINUOUS = {
    "camera.fov_degrees": stats.uniform(40, 30),
    "camera.roll_degrees": stats.uniform(-20, 40),
    "objects.screen_size": stats.uniform(0.1, 0.5),
    "objects.position.x": stats.uniform(0.05, 0.9),
    "lights.intensity": stats.loguniform(0.3, 3),
    "lights.distance": stats.loguniform(1.5, 6),
    "distractors.size": stats.loguniform(0.3, 2),
    "photometric.noise_std": stats.uniform(0, 0.03),
}


@pytest.fixture(scope="module")
def many() -> Scene:
    return scene(ids=range(4000))


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_draws_follow_their_laws(many: Scene, name: str) -> None:
    values = many.draws[name]
    for slot in range(values.shape[1]) if values.ndim > 1 else [None]:
        sample = values if slot is None else values[:, slot]
        assert stats.kstest(sample.double().numpy(), CONTINUOUS[name].cdf).pvalue > ALARM, slot


DISCRETE = {
    "objects.count": dict.fromkeys(range(1, 7), 1 / 6),
    "distractors.count": dict.fromkeys(range(11), 1 / 11),
    "objects.label": dict.fromkeys(range(3), 1 / 3),
    "distractors.shape": dict.fromkeys(range(10), 0.1),
    "objects.material.source": {0: 0.6, 1: 0.25, 2: 0.15},
    "distractors.material.source": {1: 0.6, 2: 0.4},
    "objects.material.texture": dict.fromkeys(range(4), 0.25),
    "background.source": {0: 0.7, 1: 0.15, 2: 0.1, 3: 0.05},
    "background.photo": dict.fromkeys(range(3), 1 / 3),
    "lights.directional": {0: 0.7, 1: 0.3},
}


@pytest.mark.parametrize("name", DISCRETE)
def test_discrete_draws_follow_their_laws(many: Scene, name: str) -> None:
    values, expected = many.draws[name].flatten(), DISCRETE[name]
    counts = [int((values == v).sum()) for v in expected]
    assert sum(counts) == len(values)
    assert stats.chisquare(counts, [p * len(values) for p in expected.values()]).pvalue > ALARM


def test_every_file_of_a_class_is_equally_likely(many: Scene) -> None:
    mesh = many.poses.mesh[:, 0]
    counts = [int((mesh == row).sum()) for row in range(6)]
    expected = np.array([1 / 3, 1 / 6, 1 / 6, 1 / 9, 1 / 9, 1 / 9]) * len(mesh)
    assert stats.chisquare(counts, expected).pvalue > ALARM


def test_rotations_are_uniform_on_so3(many: Scene) -> None:
    """Axes of a uniform rotation are uniform on the sphere; its angle has the density (1 - cos a) / pi."""
    rotation = many.poses.rotation[:, 0].double()
    torch.testing.assert_close(rotation @ rotation.mT, torch.eye(3).double().expand_as(rotation), atol=1e-5, rtol=0)
    assert torch.linalg.det(rotation).min() > 0.999
    for i in range(3):
        for j in range(3):  # An entry is a coordinate of a point that is uniform on the sphere: uniform in -1..1.
            assert stats.kstest(rotation[:, i, j].numpy(), stats.uniform(-1, 2).cdf).pvalue > ALARM
    angle = torch.arccos(((rotation.diagonal(dim1=1, dim2=2).sum(-1) - 1) / 2).clamp(-1, 1)).numpy()
    assert stats.kstest(angle, lambda a: (a - np.sin(a)) / np.pi).pvalue > ALARM


def test_yaw_turns_about_the_vertical() -> None:
    rotation = scene(Config(objects={"rotation": "yaw"})).poses.rotation[:, 0]
    torch.testing.assert_close(rotation[:, 2], torch.tensor([0.0, 0.0, 1.0]).expand(16, 3))
    assert rotation[:, 0, 0].std() > 0.3


def test_an_absent_object_has_no_mesh(many: Scene) -> None:
    slots = torch.arange(6)
    assert torch.equal(many.poses.mesh[:, :6] >= 0, slots < many.draws["objects.count"][:, None])
    assert torch.equal(many.poses.mesh[:, 6:] >= 6, torch.arange(10) < many.draws["distractors.count"][:, None])
    assert torch.equal(many.structure.mesh, many.poses.mesh)


def test_flying_objects_have_their_place_and_size_in_the_image(many: Scene) -> None:
    """Independent arithmetic: similar triangles, and a projection written out."""
    height, width = 256, 256
    k, camera = many.camera.intrinsics, many.camera.camera_from_world
    at = torch.einsum("bij,bsj->bsi", camera[:, :3, :3], many.poses.translation) + camera[:, None, :3, 3]
    x = at[..., 0] / at[..., 2] * k[:, None, 0, 0] + k[:, None, 0, 2]
    y = at[..., 1] / at[..., 2] * k[:, None, 1, 1] + k[:, None, 1, 2]
    # float32 at coordinates of some hundred pixels.
    torch.testing.assert_close(x[:, :6], many.draws["objects.position.x"] * width, atol=1e-2, rtol=0)
    torch.testing.assert_close(y[:, 6:], many.draws["distractors.position.y"] * height, atol=1e-2, rtol=0)
    longest = ASSETS.bank.extent.amax(1)[many.poses.mesh.clamp_min(0)] * many.poses.scale[..., 0]
    share = longest / at[..., 2] * k[:, None, 0, 0] / min(height, width)
    torch.testing.assert_close(share[:, :6], many.draws["objects.screen_size"], rtol=1e-4, atol=0)
    torch.testing.assert_close(at[:, :6, 2], many.draws["objects.distance"], rtol=1e-5, atol=0)


@pytest.mark.parametrize(("unit", "metres"), [("m", 1.0), ("cm", 0.01), ("mm", 0.001)])
def test_the_size_of_a_file_is_in_its_unit(unit: str, metres: float) -> None:
    poses = scene(Config(objects={"unit": unit, "label": "bolt"})).poses
    torch.testing.assert_close(poses.scale[:, 0], torch.full((16, 3), metres))


@pytest.mark.parametrize(
    ("objects", "said"), [({"unit": "m"}, ""), ({"unit": "mm"}, "0.0003"), ({"size": [0.0002, 0.1]}, "0.0002")]
)
def test_objects_that_would_be_too_near_to_be_drawn_are_said(
    objects: dict, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    say_once.cache_clear()
    scene(Config(objects=objects))
    assert caplog.text.count("nothing nearer to the camera than 0.001 m is drawn") == bool(said)
    assert not said or f"the smallest object is {said} m large" in caplog.text


def test_unit_size_and_drawn_size() -> None:
    unit = scene(Config(objects={"unit": "unit", "label": "nut"}))
    longest = ASSETS.bank.extent.amax(1)[unit.poses.mesh[:, 0]]
    torch.testing.assert_close(unit.poses.scale[:, 0, 0] * longest, torch.ones(16))
    drawn = scene(Config(objects={"size": 0.25, "label": "nut"}))
    torch.testing.assert_close(drawn.poses.scale[:, 0, 0] * longest, torch.full((16,), 0.25))
    assert "objects.size" in unit.draws.derived
    assert "objects.size" not in drawn.draws.derived


@pytest.mark.parametrize(
    ("settings", "median"),
    [
        ({"unit": "unit"}, 1.0),
        ({"unit": "cm"}, 0.02),  # the longest sides are 1, 2, 2, 0.3, 3 and 4
        ({"size": [0.2, 0.4]}, 0.3),
        ({"size": {"choice": [0.1, 0.3]}}, 0.2),
    ],
)
def test_distractors_are_measured_by_the_objects(settings: dict, median: float) -> None:
    made = scene(Config(objects=settings))
    torch.testing.assert_close(made.poses.scale[:, 6:, 0], made.draws["distractors.size"] * median)


def test_lights_surround_the_scene(many: Scene) -> None:
    lights = many.lights
    absent = torch.arange(4) >= many.draws["lights.count"][:, None]
    assert (lights.color[absent] == 0).all()
    directional = lights.position[..., 3] == 0
    torch.testing.assert_close(lights.position[directional][:, :3].norm(dim=1), torch.ones(int(directional.sum())))
    elevation = torch.rad2deg(torch.asin(lights.position[directional][:, 2].clamp(-1, 1)))
    drawn = many.draws["lights.elevation_degrees"][directional]
    torch.testing.assert_close(elevation, drawn, atol=0.05, rtol=0)  # asin near 90 degrees in float32


def test_a_photo_crop_stays_inside_the_photo_and_keeps_its_aspect() -> None:
    cfg = Config(image_size=[128, 256], background={"source": "photo"})
    made = scene(cfg, range(500))
    corners = torch.tensor([[0.0, 0, 1], [256, 0, 1], [0, 128, 1], [256, 128, 1]])
    uv = torch.einsum("bij,cj->bci", made.background.uv_from_pixel, corners)
    assert uv.min() >= 0
    assert uv.max() <= 1
    aspect = torch.tensor(ASSETS.photo_aspects)[made.draws["background.photo"]]
    across = (uv[:, 1, 0] - uv[:, 0, 0]).abs() * aspect / (uv[:, 2, 1] - uv[:, 0, 1]).abs()
    torch.testing.assert_close(across, torch.full((500,), 2.0), rtol=1e-4, atol=0)
    assert set(made.background.texture.tolist()) == set(ASSETS.photos)


def test_sources_without_images_are_left_out() -> None:
    bare = dataclasses.replace(ASSETS, photos=range(0), photo_aspects=(), foreign_textures=range(0))
    made = sample_scene(Config(), bare, torch.arange(300))
    assert set(made.draws["background.source"].tolist()) == {2, 3}
    assert set(made.draws["objects.material.source"].flatten().tolist()) == {0, 2}
    with pytest.raises(ConfigError, match="background.source must choose something that is there"):
        sample_scene(Config(background={"source": "photo"}), bare, torch.arange(3))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"objects": {"label": "mugg"}},
            "objects.label must choose from bolt, mug, nut, got 'mugg'. Did you mean 'mug'",
        ),
        (
            {"distractors": {"shapes": ["cube"], "shape": "torus"}},
            "distractors.shape must choose from cube, got 'torus'",
        ),
        ({"objects": {"instance": "file1"}}, "objects.instance must be uniform"),
    ],
)
def test_names_that_the_assets_lack_are_errors(settings: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        scene(Config(**settings))


def test_label_weights_are_by_name() -> None:
    made = scene(Config(objects={"label": {"choice": ["nut", "bolt"], "weights": [3, 1]}}), range(2000))
    share = (made.draws["objects.label"] == 2).double().mean()
    assert share == pytest.approx(0.75, abs=0.02)  # 12,000 draws: a standard deviation is 0.004.


def test_overrides_replace_only_what_they_name() -> None:
    plain, replay = scene(), scene(**{"lights.intensity": 0.5})
    assert (replay.draws["lights.intensity"] == 0.5).all()
    for name in set(plain.draws) - {"lights.intensity"}:
        assert torch.equal(plain.draws[name], replay.draws[name]), name


def test_overrides_take_a_value_for_each_image_or_slot() -> None:
    each = scene(**{"camera.fov_degrees": torch.linspace(40, 60, 16), "objects.count": torch.arange(16) % 6})
    torch.testing.assert_close(each.draws["camera.fov_degrees"], torch.linspace(40, 60, 16))
    assert torch.equal(each.draws["objects.count"], torch.arange(16) % 6)
    slots = torch.rand(16, 6, generator=torch.Generator().manual_seed(0))
    assert torch.equal(scene(**{"objects.position.x": slots}).draws["objects.position.x"], slots)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("lights.intensty", 1.0, "must name a draw. Did you mean 'lights.intensity'"),
        ("objects.distance", 1.0, "it follows from others"),
        ("objects.count", 7, "must be whole numbers from 0 to 6"),
        ("objects.label", 1.5, "must be whole numbers from 0 to 2"),
        ("lights.intensity", torch.zeros(3), "must be a number, .16. or .16, 4."),
        ("photometric.blur_sigma", torch.ones(5), "must be a number or .16., got .5."),
        ("camera.fov_degrees", float("nan"), "must be finite"),
        ("camera.fov_degrees", 200, "must lie within 1 and 170 degrees, got 200"),
        ("lights.intensity", torch.tensor(-1.0), "must lie within 0 and 10000, got -1.0"),
    ],
)
def test_a_wrong_override_is_an_error(name: str, value: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        scene(**{name: value})


def test_moved_parameters_take_effect_and_are_differentiable() -> None:
    cfg = Config()
    sampler, parameters = Sampler(cfg, ASSETS), Parameters(cfg)
    ids = torch.arange(64)
    low = torch.tensor(0.3, requires_grad=True)
    parameters["photometric.brightness.low"] = low
    moved = sampler.sample(ids, parameters).effects.brightness
    assert moved.min() < 0.6
    moved.sum().backward()
    u = sampler.plan.words(0, ids).all[:, sampler.plan.draws["photometric.brightness"].words.start, 0]
    expected = (1 - (u.double() + 0.5) / 2**32).sum()  # d(low + u (high - low)) / d low
    torch.testing.assert_close(low.grad.double(), expected, rtol=1e-4, atol=0)


def test_the_largest_blur_follows_the_law_and_overrides() -> None:
    cfg = Config(photometric={"blur_sigma": [0.5, 2.0]})
    sampler, parameters, ids = Sampler(cfg, ASSETS), Parameters(cfg), torch.arange(2)
    assert sampler.sample(ids, parameters).structure.largest["photometric.blur_sigma"] == 2.0
    parameters["photometric.blur_sigma.high"] = 3.0
    assert sampler.sample(ids, parameters).structure.largest["photometric.blur_sigma"] == 3.0
    more = sampler.sample(ids, parameters, overrides={"photometric.blur_sigma": torch.tensor([1.0, 7.0])})
    assert more.structure.largest["photometric.blur_sigma"] == 7.0


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"background.photo": 3}, r"overrides\['background.photo'\] must be one of 0, 1, 2, got 3"),
        ({"background.photo": -1}, r"must be one of 0, 1, 2, got -1"),
        ({"background.source": 5}, r"must be one of 0, 1, 2, 3, 4, got 5"),
        ({"background.source": "panorama"}, r"must be one of photo, texture, noise, color, gradient, got 'panorama'"),
        ({"lights.intensity": "bright"}, r"overrides\['lights.intensity'\] must be a number or a tensor, got 'bright'"),
    ],
)
def test_only_what_there_is_can_be_put_in_place_of_a_choice(override: dict[str, Any], message: str):
    with pytest.raises(ConfigError, match=message):
        scene(ids=[0, 1], **override)


def test_a_choice_can_be_named():
    assert scene(ids=[0, 1], **{"background.source": "noise"}).draws["background.source"].tolist() == [2, 2]
