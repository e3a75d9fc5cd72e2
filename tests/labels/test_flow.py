"""Optical flow: an image of the moved scene, taken back along the flow, is the image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import ondr
from ondr.assets.bank import Assets
from ondr.batch import Batch
from ondr.errors import ConfigError
from ondr.geometry import rotation_from_vector, transform
from ondr.motion import moved
from ondr.scene import Motion, Scene
from tests.labels.made import label, random_scene, through_lens

OUTPUTS = ["optical_flow", "object_coordinates", "instances", "depth", "ignored"]


def in_motion(scene: Scene, seed: int = 0) -> Scene:
    """The scene with a motion of some pixels."""
    random, (batch, count) = torch.Generator().manual_seed(seed), (len(scene.sample_ids), scene.num_objects)
    turn = rotation_from_vector(torch.randn(batch, 3, generator=random) * 0.03)
    motion = Motion(
        camera_from_camera=transform(turn, torch.randn(batch, 3, generator=random) * 0.05),
        rotation=rotation_from_vector(torch.randn(batch, count, 3, generator=random) * 0.1),
        translation=torch.randn(batch, count, 3, generator=random) * 0.05,
    )
    return replace(scene, motion=motion)


def taken_back(images: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
    """Images at the places that the flow leads to, and which of these lie inside."""
    height, width = flow.shape[-2:]
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    place = torch.stack([(x + flow[:, 0]) / width, (y + flow[:, 1]) / height], dim=-1)
    back = torch.nn.functional.grid_sample(images, 2 * place - 1, align_corners=False, padding_mode="border")
    return back, ((place > 0.02) & (place < 0.98)).all(-1)


@pytest.mark.parametrize("lens", [False, True])
@pytest.mark.parametrize("seed", range(2))
def test_the_same_point_of_the_same_object_is_seen_there(solids: Assets, seed: int, lens: bool) -> None:
    scene = in_motion(random_scene(seed), seed)
    scene = through_lens(scene, -0.2, 0.05, 0.001, -0.002, 0.0) if lens else scene
    first, second = label(scene, solids, OUTPUTS), label(moved(scene), solids, OUTPUTS)
    ids = (second.instances[:, None] == torch.arange(5)[:, None, None]).float()
    back, inside = taken_back(torch.cat([second.object_coordinates, ids], dim=1), first.optical_flow)
    # All four pixels that are mixed there see the object: it is neither hidden nor at its own edge.
    whole = torch.gather(back[:, 3:], 1, first.instances[:, None].long().clamp_min(0))[:, 0] > 0.999
    shown = whole & inside & (first.instances >= 0)
    assert shown.float().mean() > 0.1
    assert first.optical_flow.abs().amax((1, 2, 3)).min() > 2
    off = (back[:, :3] - first.object_coordinates).abs().amax(1)[shown]
    stay = (second.object_coordinates - first.object_coordinates).abs().amax(1)[shown]
    # Across an edge or a crease the mean of four pixels is off by up to one pixel, a hundredth of these objects.
    assert off.quantile(0.9) < 4e-3
    assert off.quantile(0.5) < 0.1 * stay.quantile(0.5)


def test_what_stands_still_has_no_flow(solids: Assets) -> None:
    for scene in (random_scene(0), through_lens(random_scene(0), -0.2, 0.05, 0.001, -0.002, 0.0)):
        flow = label(scene, solids, OUTPUTS).optical_flow
        # Behind a lens a pixel's triangle comes from its nearest neighbour in another image, 0.2 pixels away.
        assert flow.abs().quantile(0.99) < (1e-3 if scene.camera.distortion is None else 0.25)


def test_flow_of_a_known_motion(solids: Assets) -> None:
    # The camera goes right by 0.1: what is at depth z goes left by 100 * 0.1 / z.
    scene = random_scene(1)
    shift = transform(torch.eye(3).repeat(4, 1, 1), torch.tensor([-0.1, 0.0, 0.0]).repeat(4, 1))
    still = torch.eye(3).repeat(4, 5, 1, 1), torch.zeros(4, 5, 3)
    targets = label(replace(scene, motion=Motion(shift, *still)), solids, OUTPUTS)
    there = targets.depth[:, 0] > 0
    expected = -10 / targets.depth[:, 0][there]
    flow = targets.optical_flow.permute(0, 2, 3, 1)[there]
    assert (flow[:, 0] - expected).abs().quantile(0.99) < 1e-3
    assert flow[:, 1].abs().quantile(0.99) < 1e-3
    assert not targets.optical_flow.permute(0, 2, 3, 1)[~there].any()


def test_moved_twice_it_has_gone_twice_as_far() -> None:
    scene = in_motion(random_scene(2))
    once, twice = moved(scene).poses.translation, moved(moved(scene)).poses.translation
    torch.testing.assert_close(twice - once, once - scene.poses.translation)
    assert torch.equal(once[:, 5:], scene.poses.translation[:, 5:])


def test_a_scene_without_motion(solids: Assets) -> None:
    scene = replace(random_scene(0), motion=None)
    with pytest.raises(ConfigError, match="scene.motion must be there to move a scene, got None. Sample it with"):
        moved(scene)
    with pytest.raises(ConfigError, match="scene.motion must be there for optical_flow, got None. Sample the scene"):
        label(scene, solids, ["optical_flow"])


def dataset(**settings: object) -> ondr.RandomizedScenes:
    plain = {"exposure_stops": 0, "brightness": 1, "contrast": 1, "saturation": 1, "hue_degrees": 0, "noise_std": 0}
    cfg = ondr.Config(
        outputs=["optical_flow", "instances", "depth"],
        image_size=[96, 128],
        classes=["mug", "toy_car"],
        photometric={**plain, "blur_sigma": 0},
        render={"compile": False},
        assets={"progress": False},
        device="cpu",
        **settings,
    )
    return ondr.RandomizedScenes(cfg)


def pair(scenes: ondr.RandomizedScenes, ids: range, **overrides: float) -> tuple[Batch, Batch]:
    scene = scenes.sample(ids, {name.replace("__", "."): value for name, value in overrides.items()})
    return scenes.render(scene), scenes.render(moved(scene))


def test_the_second_image_taken_back_is_the_first() -> None:
    # Light from all around alone: what turns does not change its colour.
    scenes = dataset(lights={"count": 0, "ambient": 1.0}, distractors={"count": 3}, objects={"count": [2, 4]})
    first, second = pair(scenes, range(6))
    back, inside = taken_back(torch.cat([second.images, second.targets.depth], dim=1), first.targets.optical_flow)
    depth = first.targets.depth[:, 0]
    # Hidden afterwards, where another depth is seen there; camera and objects come nearer by some hundredths.
    shown = inside & (depth > 0) & ((back[:, 3] / depth.clamp_min(1e-3) - 1).abs() < 0.15)
    assert shown.float().mean() > 0.1
    off, stay = ((images[:, :3] - first.images).abs().mean(1)[shown].mean() for images in (back, second.images))
    assert off < 0.3 * stay
    assert off < 0.02


def test_a_panorama_moves_as_the_camera_turns(tmp_path: Path) -> None:
    random = np.random.default_rng(0).uniform(0, 255, (16, 32, 3)).astype(np.uint8)
    Image.fromarray(random).resize((512, 256), Image.Resampling.BICUBIC).save(tmp_path / "around.png")
    scenes = dataset(
        background={"panoramas": tmp_path, "source": "panorama"}, objects={"count": 0}, distractors={"count": 0}
    )
    first, second = pair(scenes, range(3), motion__camera__rotation_degrees__y=3.0)
    back, inside = taken_back(second.images, first.targets.optical_flow)
    off, stay = ((images - first.images).abs().mean(1)[inside].mean() for images in (back, second.images))
    assert first.targets.optical_flow[:, 0].mean() < -2, "the camera looks to the right"
    assert off < 0.1 * stay


def test_motion_is_drawn_only_where_it_is_asked_for() -> None:
    scenes, plain = dataset(), ondr.RandomizedScenes(ondr.Config(classes=["mug"], device="cpu"))
    assert "motion.camera.translation.x" in scenes.sample([0]).draws
    assert not [name for name in plain.sample([0]).draws if name.startswith("motion")]
    assert plain.sample([0]).motion is None


def test_what_the_draws_say_is_what_moves() -> None:
    scenes = dataset(objects={"count": 1}, distractors={"count": 0})
    names = [name for name in scenes.cfg.quantities() if name.startswith("motion.")]
    assert len(names) == 12
    still = dict.fromkeys(names, 0.0)
    scene = scenes.sample([3], {**still, "motion.camera.translation.z": 0.1})
    center = scene.poses.translation[0, 0] @ scene.camera.camera_from_world[0, :3, :3].T
    after = moved(scene)
    step = after.camera.camera_from_world[0, :3, 3] - scene.camera.camera_from_world[0, :3, 3]
    torch.testing.assert_close(step, torch.tensor([0, 0, -0.1 * center.norm().item()]))
    away = {"motion.camera.translation.x": 0.3, "motion.camera.rotation_degrees.z": 90.0}
    eye = scenes.sample([3], {**still, **away}).motion.camera_from_camera[0]
    # Seen from before, it stands to the right, and its own right points down.
    torch.testing.assert_close(eye[:3, :3].T @ -eye[:3, 3], torch.tensor([0.3 * center.norm().item(), 0, 0]))
    torch.testing.assert_close(eye[0, :3], torch.tensor([0.0, 1.0, 0.0]), rtol=0, atol=1e-6)
    turned = scenes.sample(
        [3], {**still, "motion.objects.rotation_degrees.z": 90.0, "motion.objects.translation.x": 0.5}
    )
    after = moved(turned).poses
    quarter = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    torch.testing.assert_close(after.rotation[0, 0], quarter @ turned.poses.rotation[0, 0], rtol=0, atol=1e-6)
    longest = scenes.assets.bank.extent[turned.poses.mesh[0, 0]].max() * turned.poses.scale[0, 0, 0]
    shift = after.translation[0, 0] - turned.poses.translation[0, 0]
    torch.testing.assert_close(shift, torch.tensor([0.5 * longest.item(), 0, 0]), rtol=0, atol=1e-5)
