"""Lights as they are sampled: neutral is absent, tints, sky and ground, the environment as its panorama is turned."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ondr.config import Config
from ondr.errors import ConfigError
from ondr.harmonics import turned
from ondr.sampling import sample_scene
from ondr.sampling.lights import sample_environment
from ondr.scene import Lights
from ondr.temperature import tint
from tests.sampling.tiny import tiny_assets

ASSETS = tiny_assets()


def lights(ids: range = range(8), **settings: object) -> Lights:
    return sample_scene(Config(lights=settings), ASSETS, torch.tensor(list(ids))).lights


def test_what_is_off_is_not_there():
    drawn = lights(sky={"color": {"r": 0.5}}, shadow_softness=0.1)
    fields = ("upward", "harmonics", "environment", "environment_radiance", "environment_yaw_degrees")
    assert [getattr(drawn, name) for name in (*fields, "shadow_strength", "shadow_softness")] == [None] * 7


def test_a_neutral_temperature_changes_nothing_and_another_tints_each_light_for_itself():
    plain, same, tinted = (
        lights(),
        lights(temperature_kelvin={"choice": [6500]}),
        lights(temperature_kelvin=[2000, 9000]),
    )
    assert torch.equal(plain.color, same.color)
    drawn = sample_scene(Config(lights={"temperature_kelvin": [2000, 9000]}), ASSETS, torch.arange(8)).draws
    torch.testing.assert_close(tinted.color, plain.color * tint(drawn["lights.temperature_kelvin"]))
    assert drawn["lights.temperature_kelvin"][:, 0].std() > 500


def test_sky_and_ground():
    sky, ground = {"r": 0.2, "g": 0.4, "b": 1.0}, {"r": 0.8, "g": 0.6, "b": 0.0}
    drawn = lights(ambient=0.3, sky={"strength": 2, "color": sky}, ground={"strength": 0.5, "color": ground})
    above, below = torch.tensor([0.4, 0.8, 2.0]), torch.tensor([0.4, 0.3, 0.0])
    torch.testing.assert_close(drawn.ambient + drawn.upward, (0.3 + above).expand(8, 3))
    torch.testing.assert_close(drawn.ambient - drawn.upward, (0.3 + below).expand(8, 3))


def test_a_sky_that_is_there_only_sometimes_leaves_the_other_images_alone():
    plain, some = lights(), lights(sky={"strength": {"probability": 0.5, "law": [0.5, 1]}})
    without = (some.upward == 0).all(1)
    assert 0 < without.sum() < 8
    assert torch.equal(plain.ambient[without], some.ambient[without])


def test_shadows_are_known_on_the_host():
    cfg = Config(lights={"shadow_strength": {"probability": 0.5, "law": [0.5, 1]}, "shadow_softness": 0.02})
    drawn = sample_scene(cfg, ASSETS, torch.arange(16))
    rows = drawn.structure.rows["lights.shadow_strength"]
    assert 0 < len(rows) < 16
    assert (drawn.lights.shadow_strength > 0).nonzero()[:, 0].tolist() == list(rows)
    assert (drawn.lights.shadow_softness == 0.02).all()


def test_the_environment_is_the_panorama_of_the_background_turned_with_it(unchecked: None):
    draws = {
        "background.panorama": torch.tensor([1.0, 0.0, 1.0]),
        "background.panorama_yaw_degrees": torch.tensor([30.0, 0.0, -90.0]),
        "lights.environment": torch.tensor([2.0, 0.5, 0.0]),
    }
    harmonics = torch.randn(2, 9, 3, generator=torch.Generator().manual_seed(0))
    scale = torch.tensor([1.0, 40.0])
    assets = replace(ASSETS, panoramas=range(5, 7), panorama_harmonics=harmonics, panorama_scale=scale)
    fields = sample_environment(draws, assets, {"lights.environment"})
    assert fields["environment"].tolist() == [6, 5, 6]
    assert fields["environment_radiance"].tolist() == [80, 0.5, 0]
    assert torch.equal(fields["environment_yaw_degrees"], draws["background.panorama_yaw_degrees"])
    expected = turned(harmonics[[1, 0, 1]], torch.tensor([30.0, 0.0, -90.0])) * torch.tensor([2, 0.5, 0])[:, None, None]
    torch.testing.assert_close(fields["harmonics"], expected)
    assert sample_environment(draws, assets, set()) == {}


def test_an_environment_without_panoramas_is_an_error():
    with pytest.raises(ConfigError, match=r"lights.environment must be 0 without panoramas.*Set background.panoramas"):
        lights(environment=[0, 1])
    assert lights(environment=0).harmonics is None
