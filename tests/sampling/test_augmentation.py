"""Maps of the image: every label and every pixel follows, since they are in the camera's matrix."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch

import ondr
from ondr.assets.bank import Assets
from ondr.config import Config
from ondr.sampling.augmentation import inverse

PLAIN = (
    "image_size=[96, 128]",
    "classes=[mug, bolt, toy_car]",
    "render.compile=false",
    "render.antialias=false",
    "photometric.noise_std=0",
    "photometric.blur_sigma=0",
    "outputs=[boxes, boxes_amodal, labels, visibility, truncation, instances, depth, intrinsics]",
)
IDS = [0, 3, 5, 8]


@functools.cache
def assets() -> Assets:
    return ondr.load_assets(Config().with_overrides(PLAIN))


@functools.cache
def rendered(*overrides: str) -> ondr.Batch:
    cfg = Config().with_overrides([*PLAIN, *overrides])
    return ondr.RandomizedScenes(cfg, assets=assets()).render(IDS)


@pytest.mark.parametrize(("name", "axis"), [("flip_horizontal", -1), ("flip_vertical", -2)])
def test_a_flipped_image_is_the_image_flipped(name: str, axis: int) -> None:
    plain, flipped = rendered(), rendered(f"augmentation.{name}=true")
    # An edge through a pixel's centre belongs to the other of two pixels once mirrored.
    different = (plain.targets.instances.flip(axis) != flipped.targets.instances).double().mean()
    assert different < 1e-3
    assert ((plain.images.flip(axis) - flipped.images).abs() > 0.01).double().mean() < 5e-3
    low, high = (0, 2) if axis == -1 else (1, 3)
    side = 128 if axis == -1 else 96
    mirrored = plain.targets.boxes_amodal.clone()
    mirrored[..., low], mirrored[..., high] = (
        side - plain.targets.boxes_amodal[..., high],
        side - plain.targets.boxes_amodal[..., low],
    )
    valid = plain.targets.valid & flipped.targets.valid
    torch.testing.assert_close(flipped.targets.boxes_amodal[valid], mirrored[valid], rtol=0, atol=1e-2)
    assert (flipped.targets.intrinsics[:, 0, 0] < 0).all() == (axis == -1)


def test_a_crop_shows_its_part_at_full_size() -> None:
    plain = rendered()
    cropped = rendered("augmentation.crop=0.75", "augmentation.crop_x=0.5", "augmentation.crop_y=0.25")
    part = plain.targets.boxes_amodal - torch.tensor([16, 6, 16, 6])
    valid = plain.targets.valid & cropped.targets.valid
    assert valid.any()
    torch.testing.assert_close(cropped.targets.boxes_amodal[valid], part[valid] / 0.75, rtol=0, atol=0.02)


def test_what_is_seen_behind_goes_along() -> None:
    quiet = ("objects.count=0", "distractors.count=0", "background.source=texture", "background.texture_scale=1")
    plain, shifted = rendered(*quiet), rendered(*quiet, "augmentation.translate_x=0.25")
    torch.testing.assert_close(shifted.images[..., 32:], plain.images[..., :-32], rtol=0, atol=0.02)


def test_a_rolling_shutter_shears() -> None:
    k, sheared = (rendered(*o).targets.intrinsics for o in ((), ("camera.rolling_shutter_x=24",)))
    point = torch.tensor([[0.1, -0.2, 1.0], [0.3, 0.25, 1.0]]).T
    before, after = k @ point, sheared @ point
    torch.testing.assert_close(after[:, 0] - before[:, 0], 24 * (before[:, 1] / 96 - 0.5), rtol=0, atol=1e-3)
    torch.testing.assert_close(after[:, 1], before[:, 1])


def test_the_inverse_undoes_a_map() -> None:
    matrix = torch.tensor([[[0.7, -0.4, 3.0], [0.2, 1.3, -8.0], [0, 0, 1]]])
    np.testing.assert_allclose((inverse(matrix) @ matrix)[0], np.eye(3), atol=1e-6)


def test_box_jitter_moves_boxes_and_nothing_else() -> None:
    jitter = "labels.box_jitter={x1: [-0.1, 0.1], y1: 0, x2: 0, y2: 0}"
    plain, jittered = rendered(), rendered(jitter)
    before, after = plain.targets.boxes, jittered.targets.boxes
    assert torch.equal(before[..., 1:], after[..., 1:])
    width = (before[..., 2] - before[..., 0]).clamp_min(1)
    moved = ((after - before)[..., 0] / width)[plain.targets.valid]
    assert 0 < moved.abs().max() <= 0.1 + 1e-6
    assert torch.equal(plain.targets.boxes_amodal, jittered.targets.boxes_amodal)
    assert torch.equal(plain.images, jittered.images)
