"""Whole images from hand-made scenes: what reaches them, with and without antialiasing, and their gradients."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import trimesh

from ondr.config import Config
from ondr.imaging.exposure import BLUR
from ondr.imaging.pipeline import develop, scene_needs_grad
from ondr.imaging.sight import Sight, see
from ondr.raster.visibility import Fragments, Visibility
from ondr.scene import Structure
from tests.scenes import background, cast, effects, pose, scene
from tests.worlds import bank_from_meshes, pinhole, place

SIZE = (32, 32)
BATCH = 2


def config(**sections) -> Config:
    return Config(image_size=SIZE, render={"compile": False, **sections.pop("render", {})}, **sections)


def world(**changes):
    """Returns a white sphere before grey, and what it covers by ray casting, as fragments of whole pixels."""
    mesh = trimesh.creation.icosphere(3)
    bank = bank_from_meshes([mesh])
    at = pose(0, 0, 4)
    intrinsics = pinhole(40.0, *SIZE, batch=BATCH)
    triangle = cast(mesh, at, intrinsics[0], SIZE)[0].repeat(BATCH, 1, 1)
    pixel = (triangle.flatten() >= 0).nonzero()[:, 0]
    seen = Fragments(
        pixel=pixel.int(),
        triangle=triangle.flatten()[pixel],
        instance=(pixel // (SIZE[0] * SIZE[1])).int(),
        mask=torch.full((len(pixel),), 15, dtype=torch.uint8),
    )
    slot = torch.where(triangle >= 0, 0, -1).to(torch.int16)
    sight = Sight(Visibility(triangle, slot, torch.zeros(BATCH, 1, dtype=torch.int32)), seen)
    made = scene(intrinsics, background=background(BATCH, color=(0.2140, 0.2140, 0.2140)), **changes)
    return bank, place(bank, [[0]] * BATCH, at.repeat(BATCH, 1, 1, 1)), made, sight


def test_background_and_a_frontally_lit_white_surface():
    images = develop(*world(), config())
    assert images.shape == (BATCH, 3, *SIZE)
    # 0.214 of the light is 0.5 in sRGB. At the centre of the image light, normal and viewer are within 1 degree.
    torch.testing.assert_close(images[:, :, 0, 0], torch.full((BATCH, 3), 0.5), rtol=0, atol=1e-3)
    torch.testing.assert_close(images[:, :, 16, 16], torch.ones(BATCH, 3), rtol=0, atol=2e-3)


def test_only_the_image_that_drew_a_blur_is_blurred():
    bank, instances, made, sight = world(effects=effects(BATCH, blur_sigma=torch.tensor([0.0, 1.5])))
    blurred = replace(
        made,
        structure=Structure(made.structure.mesh, {BLUR: (1,)}, {BLUR: 3.0}),
    )
    sharp = develop(bank, instances, made, sight, config())
    images = develop(bank, instances, blurred, sight, config())
    assert torch.equal(images[0], sharp[0])
    assert (images[1] - sharp[1]).abs().max() > 0.05


def test_both_engines_give_the_same_images():
    drawn = effects(BATCH, brightness=1.2, contrast=0.9, saturation=1.3, hue_degrees=10.0, noise_std=0.02)
    what = world(effects=drawn)
    fused, kornia = (develop(*what, config(photometric={"engine": engine})) for engine in ("fused", "kornia"))
    # The fused one's sRGB is within 0.009 / 255, and contrast and saturation enlarge that.
    torch.testing.assert_close(fused, kornia, rtol=0, atol=0.05 / 255)


def test_gradients_reach_the_scene_and_do_not_change_the_image():
    bank, instances, made, sight = world()
    ambient = made.lights.ambient.clone().requires_grad_()
    lit = replace(made, lights=replace(made.lights, ambient=ambient))
    assert scene_needs_grad(bank, lit)
    assert not scene_needs_grad(bank, made)
    images = develop(bank, instances, lit, sight, config())
    torch.testing.assert_close(images.detach(), develop(bank, instances, made, sight, config()), rtol=0, atol=1e-4)
    images.sum().backward()
    assert (ambient.grad > 0).all()
    with torch.no_grad():
        assert not scene_needs_grad(bank, lit)


@pytest.mark.parametrize("antialias", [True, False])
def test_see_finds_what_ray_casting_finds(antialias: bool):
    bank, instances, made, sight = world()
    found = see(bank, instances, made, config(render={"antialias": antialias}))
    agree = (found.visibility.slot == sight.visibility.slot).float().mean()
    assert agree > 0.995
    assert isinstance(found.seen, Fragments)
    assert int(found.seen.mask.max()) == 15
    partial = (found.seen.mask < 15).any()
    assert bool(partial) == antialias
