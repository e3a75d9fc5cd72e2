"""Effects on the images that drew them: neutral where they are neutral, what kornia says, and noise as configured."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

import ondr
from ondr.config import Config
from ondr.imaging import development, optics, row_effects
from ondr.imaging.row_effects import DEVELOPMENT, LENS, SENSOR

CPU = torch.device("cpu")
STRONG = {
    "chromatic_aberration": 4.0,
    "defocus_radius": 3.0,
    "motion_blur_length": 9.0,
    "vignetting": 0.8,
    "exposure_stops": 1.0,
    "white_balance_kelvin": 3500.0,
    "shot_noise": 0.1,
    "read_noise_std": 0.05,
    "gamma": 2.0,
    "grayscale": 1.0,
    "salt_and_pepper": 0.05,
    "sharpen": 4.0,
    "posterize_bits": 3.0,
    "jpeg_quality": 10.0,
}
PLAIN = ["image_size=[64, 80]", "classes=[mug]", "render.compile=false", "photometric.blur_sigma=0"]


@functools.cache
def scenes(*overrides: str) -> ondr.RandomizedScenes:
    return ondr.RandomizedScenes(Config().with_overrides([*PLAIN, *overrides]))


def images(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


def test_every_effect_is_tried_here() -> None:
    assert set(STRONG) == {*LENS, *SENSOR, *DEVELOPMENT}


@pytest.mark.parametrize("name", STRONG)
def test_an_effect_runs_on_the_images_that_drew_it_alone(name: str) -> None:
    values = torch.tensor([STRONG[name], Config().quantities()[f"photometric.{name}"][1].neutral, STRONG[name]])
    plain = scenes().render([4, 5, 6]).images
    changed = scenes().render([4, 5, 6], overrides={f"photometric.{name}": values}).images
    assert torch.equal(plain[1], changed[1])
    assert ((plain - changed)[[0, 2]].abs().mean(dim=(1, 2, 3)) > 1e-3).all()
    assert 0 <= changed.min() <= changed.max() <= 1


def test_an_effect_that_cannot_be_is_absent() -> None:
    effects = scenes().sample([0]).effects
    assert all(getattr(effects, name) is None for name in STRONG)
    law = "photometric.jpeg_quality={probability: 0.5, law: [30, 90]}"
    scene = scenes(law).sample(range(200))
    assert 60 < len(scene.structure.rows["photometric.jpeg_quality"]) < 140


NEUTRAL: list[tuple[Callable[..., Tensor], tuple[float, ...]]] = [
    (optics.aberrate, (0.0,)),
    (lambda i, v: optics.defocus(i, v, 3.0), (0.0,)),
    (lambda i, v: optics.motion_blur(i, v, v * 0, 9.0), (0.0,)),
    (optics.vignette, (0.0,)),
    (optics.balance, (6500.0,)),
    (development.fade_to_grey, (0.0,)),
    (development.sharpen, (0.0,)),
    (development.posterize, (8.0,)),
]


@pytest.mark.parametrize(("effect", "neutral"), NEUTRAL)
def test_neutral_values_leave_an_image_as_it_is(effect: Callable[..., Tensor], neutral: tuple[float, ...]) -> None:
    # Eight bits, so that posterization at eight bits changes nothing.
    before = (images(2, 3, 20, 24) * 255).round() / 255
    after = effect(before, torch.tensor(neutral * 2))
    torch.testing.assert_close(after, before, rtol=0, atol=2e-6)


def test_a_disk_spreads_a_point_over_its_area() -> None:
    point = torch.zeros(1, 3, 41, 41)
    point[..., 20, 20] = 1
    spread = optics.defocus(point, torch.tensor([6.0]), 8.0)[0, 0]
    assert spread.sum().item() == pytest.approx(1, abs=1e-5)
    # The middle has one over the disk's area; half a pixel of rim is 1 / 6 of that at most.
    assert spread[20, 20].item() == pytest.approx(1 / (np.pi * 6**2), rel=0.1)
    assert spread[20, 28] == 0


def test_motion_spreads_a_point_along_its_line() -> None:
    point = torch.zeros(1, 3, 41, 41)
    point[..., 20, 20] = 1
    spread = optics.motion_blur(point, torch.tensor([10.0]), torch.tensor([0.0]), 12.0)[0, 0]
    assert spread.sum().item() == pytest.approx(1, abs=1e-5)
    assert spread[20, 15:26].sum().item() == pytest.approx(1, abs=1e-5)
    diagonal = optics.motion_blur(point, torch.tensor([10.0]), torch.tensor([45.0]), 12.0)[0, 0]
    assert diagonal[23, 23] > 0.05 > diagonal[17, 23]


def test_shot_noise_grows_with_the_root_of_light() -> None:
    flat = torch.stack([torch.full((3, 100, 100), level) for level in (0.1, 0.4, 0.9)])
    noisy = optics.shot_noise(flat, torch.full((3,), 0.05), 1, torch.arange(3))
    deviation = (noisy - flat).std(dim=(1, 2, 3))
    # 30,000 values each: the standard deviation is known to 0.4 %; four of them.
    torch.testing.assert_close(deviation, 0.05 * torch.tensor([0.1, 0.4, 0.9]).sqrt(), rtol=0.02, atol=0)


def test_read_noise_is_the_same_in_dark_and_light() -> None:
    flat = torch.stack([torch.full((3, 100, 100), level) for level in (0.3, 0.9)])
    deviation = (optics.read_noise(flat, torch.full((2,), 0.05), 1, torch.arange(2)) - flat).std(dim=(1, 2, 3))
    torch.testing.assert_close(deviation, torch.full((2,), 0.05), rtol=0.02, atol=0)


def test_salt_and_pepper_hit_the_share_of_pixels_they_should() -> None:
    flat = torch.full((1, 3, 200, 200), 0.5)
    hit = development.salt_and_pepper(flat, torch.tensor([0.1]), 1, torch.tensor([7]))
    # 40,000 pixels: four standard deviations of a share of 0.05 are 0.0044.
    assert (hit == 0).all(dim=1).double().mean().item() == pytest.approx(0.05, abs=0.0044)
    assert (hit == 1).all(dim=1).double().mean().item() == pytest.approx(0.05, abs=0.0044)
    assert set(hit.unique().tolist()) == {0.0, 0.5, 1.0}


@pytest.mark.parametrize("name", ["sharpen", "salt_and_pepper"])
def test_the_fast_twins_do_what_the_definitions_do(name: str) -> None:
    before, kept = images(3, 3, 21, 37), images(3, 3, 21, 37)
    more = (2**63 + 5, torch.tensor([0, 7, 2**40 + 5])) if name == "salt_and_pepper" else ()
    effect, values = getattr(development, name), torch.tensor([0.0, 0.3, 1.0])
    fast = effect(before, values, *more)
    with torch.enable_grad():
        defined = effect(before.clone().requires_grad_(), values, *more).detach()
    # Sums of nine values in another order; what is hit is the same bits.
    torch.testing.assert_close(fast, defined, rtol=0, atol=1e-6 if name == "sharpen" else 0)
    assert torch.equal(before, kept)
    strided = before.transpose(2, 3).contiguous().transpose(2, 3)
    assert torch.equal(effect(strided, values, *more), fast)
    empty = (more[0], more[1][:0]) if more else ()
    assert effect(before[:0], values[:0], *empty).shape == (0, 3, 21, 37)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_images_are_taken_as_many_at_once_as_there_are_threads(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_effects, "thread_count", lambda: threads)
    assert list(row_effects._parts((), CPU)) == []
    parts = list(row_effects._parts((0, 2, 3, 5, 9), CPU))
    assert [row for part in parts for row in part] == [0, 2, 3, 5, 9]
    assert max(map(len, parts)) == threads
    # A GPU has no such cache, and what autograd sees is one step.
    for device in (torch.device("cuda"), None):
        assert list(row_effects._parts((0, 2, 3), device)) == [[0, 2, 3]]


def test_sharpen_and_posterize_are_kornias() -> None:
    from kornia.enhance import posterize, sharpness

    before = (images(2, 3, 20, 24) * 255).round() / 255
    torch.testing.assert_close(
        development.sharpen(before, torch.tensor([1.0, 3.0])), sharpness(before, torch.tensor([2.0, 4.0]))
    )
    ours = development.posterize(before, torch.tensor([3.0, 3.0]))
    # kornia truncates to bytes, which may be one lower.
    torch.testing.assert_close(ours, posterize(before, 3), rtol=0, atol=33 / 255)
    assert (ours - posterize(before, 3)).abs().gt(1e-3).double().mean() < 0.05


def test_both_jpeg_codecs_agree() -> None:
    smooth = torch.nn.functional.interpolate(images(2, 3, 6, 6), size=(48, 48), mode="bicubic").clamp(0, 1)
    quality = torch.tensor([30.0, 80.0])
    with torch.enable_grad():
        differentiable = development.jpeg(smooth.clone().requires_grad_(), quality).detach()
    difference = (differentiable - development.jpeg(smooth, quality)).abs()
    # Both round 8 x 8 blocks; where colour is interpolated between them they differ more.
    assert difference.mean() < 0.02


def test_vignetting_takes_its_share_in_the_corners() -> None:
    dark = optics.vignette(torch.ones(1, 3, 101, 201), torch.tensor([0.6]))
    assert dark[0, 0, 50, 100] == 1
    assert dark[0, 0, 0, 0].item() == pytest.approx(0.4, abs=1e-5)
