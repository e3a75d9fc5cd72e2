"""The user's hooks between sampling and rendering, and their named uniforms."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ondr import rng
from ondr.errors import ConfigError
from ondr.loop.hooks import Uniforms
from ondr.scene import Scene
from tests.loop.conftest import MakeScenes


def dim(scene: Scene, uniform: Uniforms) -> Scene:
    factor = uniform("dim.factor")
    return replace(scene, lights=replace(scene.lights, color=scene.lights.color * factor[..., None]))


def jitter(scene: Scene, uniform: Uniforms) -> Scene:
    uniform("jitter.x", slots=3)
    return scene


def test_uniforms_are_those_of_the_key(make_scenes: MakeScenes) -> None:
    scene = make_scenes(hooks=[dim, jitter]).sample([7, 3])
    assert scene.draws["dim.factor"].shape == (2, 1)
    assert scene.draws["jitter.x"].shape == (2, 3)
    key = torch.tensor([rng.name_key("jitter.x")])
    for row, sample_id in enumerate([7, 3]):
        for slot in range(3):
            word = rng.words(0, torch.tensor([sample_id]), key, torch.tensor([slot]))[0, 0, 0]
            assert float(scene.draws["jitter.x"][row, slot]) == (int(word) // 512 + 0.5) / 2**23


def test_a_hook_changes_the_image_and_no_other_draw(make_scenes: MakeScenes) -> None:
    plain, changed = make_scenes().render([0, 1]), make_scenes(hooks=[dim]).render([0, 1])
    assert set(changed.draws) - set(plain.draws) == {"dim.factor"}
    for name in plain.draws:
        assert torch.equal(plain.draws[name], changed.draws[name])
    assert not torch.equal(plain.images, changed.images)


def test_uniforms_can_be_overridden(make_scenes: MakeScenes) -> None:
    scenes = make_scenes(hooks=[dim])
    full = scenes.render([0, 1], overrides={"dim.factor": 1.0})
    assert (full.draws["dim.factor"] == 1).all()
    assert torch.equal(full.images, make_scenes().render([0, 1]).images)
    each = scenes.sample([0, 1], overrides={"dim.factor": torch.tensor([0.25, 0.5]), "camera.fov_degrees": 50})
    assert each.draws["dim.factor"].tolist() == [[0.25], [0.5]]
    assert (each.draws["camera.fov_degrees"] == 50).all()


def test_names_are_checked(make_scenes: MakeScenes) -> None:
    with pytest.raises(ConfigError, match=r"uniform's name must be one that nothing else draws, got 'lights.count'"):
        make_scenes(hooks=[lambda scene, uniform: uniform("lights.count")]).sample([0])
    with pytest.raises(ConfigError, match="got 'dim.factor'. Put a word of your own before it"):
        make_scenes(hooks=[dim, dim]).sample([0])
    with pytest.raises(ConfigError, match=r"overrides\['dim.facto'\] must name a draw. Did you mean 'dim.factor'"):
        make_scenes(hooks=[dim]).sample([0], overrides={"dim.facto": 1})


def test_a_hook_must_return_a_scene(make_scenes: MakeScenes) -> None:
    def forgetful(scene: Scene, uniform: Uniforms) -> None:
        uniform("x")

    with pytest.raises(ConfigError, match=r"hooks must return a Scene, got NoneType from forgetful"):
        make_scenes(hooks=[forgetful]).sample([0])


@pytest.mark.parametrize("hooks", [dim, [3]])
def test_hooks_are_a_list_of_callables(make_scenes: MakeScenes, hooks: object) -> None:
    with pytest.raises(ConfigError, match=r"hooks must be a list of callables, got .*Write hooks=\[f\]"):
        make_scenes(hooks=hooks)
