"""Presets: each makes what its paper says, and none of its laws has collapsed."""

from __future__ import annotations

import functools

import pytest
import torch
from torch import Tensor

import ondr
from ondr.config import Config
from ondr.errors import ConfigError
from ondr.laws import Continuous, Law
from ondr.parameters import Parameters
from ondr.presets import preset_names, read_preset
from ondr.sampling import Sampler
from ondr.scene import Scene

NAMES = preset_names()
SMALL = ["classes=[mug, bolt, toy_car]", "assets.max_texture_size=64", "composed.number=10", "render.compile=false"]
"""Fewer and smaller meshes and textures: what a preset draws does not depend on them."""


@functools.cache
def sampled(name: str, number: int = 400) -> tuple[Config, Scene]:
    cfg = ondr.preset(name, SMALL)
    return cfg, Sampler(cfg, ondr.load_assets(cfg)).sample(torch.arange(number), Parameters(cfg))


def between(values: Tensor, low: float, high: float) -> bool:
    """Returns whether values stay in an interval and use most of it."""
    slack = 1e-4 * max(abs(low), abs(high))
    inside = low - slack <= float(values.min()) and float(values.max()) <= high + slack
    return inside and float(values.max() - values.min()) > 0.8 * (high - low)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_renders_what_it_promises(name: str) -> None:
    cfg = ondr.preset(name, [*SMALL, "image_size=[64, 96]", "batch_size=2"])
    batch = ondr.RandomizedScenes(cfg).render([0, 1])
    assert batch.images.shape == (2, 3, 64, 96)
    assert sorted(batch.targets.names()) == sorted(cfg.outputs)
    assert torch.isfinite(batch.images).all()
    assert batch.images.std() > 0.02


@pytest.mark.parametrize("name", NAMES)
def test_no_law_of_a_preset_has_collapsed(name: str) -> None:
    cfg, scene = sampled(name)
    for quantity, (law, _) in cfg.quantities().items():
        if isinstance(law, Law) and isinstance(law, Continuous) and law.support[0] < law.support[1]:
            values = scene.draws[quantity].flatten().contiguous()
            if values.numel():
                tenths = law.value(torch.linspace(0, 1, 11)[1:-1].to(values))
                counts = torch.bucketize(values, tenths).bincount(minlength=10)
                # At least 400 draws: fewer than 12 of an expected 40 is beyond four standard deviations.
                assert (counts > 0.03 * values.numel()).all(), (quantity, counts)


def test_tremblay() -> None:
    cfg, scene = sampled("tremblay2018")
    draws = scene.draws
    assert tuple(cfg.image_size) == (400, 1200)
    assert set(draws["objects.count"].tolist()) == set(range(1, 15))
    assert set(draws["lights.count"].tolist()) == set(range(1, 13))
    assert between(draws["camera.roll_degrees"], -30, 30)
    assert between(draws["camera.tilt_degrees"], -30, -5)
    assert 0.35 < draws["floor.present"].double().mean() < 0.65
    assert between(scene.box_jitter, -0.02, 0.02)
    assert 0.35 < (scene.camera.intrinsics[:, 0, 0] < 0).double().mean() < 0.65, "half of the images are mirrored"


def test_tobin() -> None:
    cfg, scene = sampled("tobin2017")
    draws = scene.draws
    assert tuple(cfg.image_size) == (224, 224)
    assert (draws["objects.count"] == 1).all()
    assert set(draws["distractors.count"].tolist()) == set(range(11))
    assert between(draws["camera.fov_degrees"], 42.75, 47.25)
    assert between(torch.deg2rad(draws["camera.pan_degrees"]), -0.1, 0.1)
    assert (scene.materials.texture == 0).all(), "no image anywhere: colours, gradients and checkers"
    assert "positions" in cfg.outputs


def test_valtchev() -> None:
    cfg, scene = sampled("valtchev2021")
    assert (scene.poses.translation[:, 0, :2] == 0).all(), "the subject is in the middle"
    assert between(scene.draws["camera.elevation_degrees"], 5, 90)
    assert between(scene.draws["occluders.cover"], 0.05, 0.4)
    assert cfg.num_lights == 1


SWITCHES = ("obstructors", "textures", "lighting", "sky", "pose", "subjects", "texture_subject")


def test_valtchevs_ablations_leave_out_one_part_each() -> None:
    full = ondr.preset("valtchev2021").to_dict()
    assert set(read_preset("valtchev2021")[1]) == set(SWITCHES)
    for part in SWITCHES:
        assert ondr.preset("valtchev2021", without=[part]).to_dict() != full
    with pytest.raises(ConfigError, match="without must name parts of preset valtchev2021 .*got 'light'"):
        ondr.preset("valtchev2021", without=["light"])


def test_one_subject_is_always_the_same_file() -> None:
    cfg = ondr.preset("valtchev2021", SMALL, without=["subjects"])
    scene = Sampler(cfg, ondr.load_assets(cfg)).sample(torch.arange(100), Parameters(cfg))
    assert len(scene.poses.mesh[:, 0].unique()) == 3, "one of each class"


def test_hinterstoisser() -> None:
    cfg, scene = sampled("hinterstoisser2019")
    label = scene.draws["objects.label"][:399]
    assert all(column.bincount().tolist() == [133, 133, 133] for column in label.T), "all equally often"
    assert between(scene.draws["clutter.scale"], 0.9, 1.5)
    assert between(scene.draws["occluders.cover"], 0.1, 0.3)
    assert (scene.background.texture == 0).all(), "no photo, not even of a texture"
    late = Sampler(cfg, ondr.load_assets(cfg)).sample(torch.arange(10**6, 10**6 + 50), Parameters(cfg))
    assert late.draws["objects.screen_size"].min() < 0.2 < 0.34 < scene.draws["objects.screen_size"].min(), (
        "near to far"
    )


def test_sdr() -> None:
    cfg, scene = sampled("sdr")
    assert cfg.layout == "structured"
    assert (scene.camera.camera_from_world[:, 2, 3] > 0).all(), "the camera looks at the lanes"
    assert 0.6 < len(scene.structure.rows["lights.shadow_strength"]) / 400 < 0.8


def test_ndds_has_every_annotation() -> None:
    from ondr.settings import Output

    left_out = set(Output.__args__) - set(ondr.preset("ndds").outputs)
    # What the tool does not export, and a lens that it has none of.
    more = {"amodal_masks", "stencil", "object_coordinates", "optical_flow", "symmetries", "keypoints", "keypoints_3d"}
    assert left_out == {"image_class", "distortion", "sensor_depth", *more}
