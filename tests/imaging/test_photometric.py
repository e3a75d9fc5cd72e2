"""Exposure: kornia and Pillow as oracles of the definition, the numba twin against it, neutral values."""

from __future__ import annotations

from dataclasses import replace

import kornia
import numpy as np
import pytest
import torch

from ondr.color import brighten, linear_from_srgb, saturate, shift_hue, srgb_from_linear, stretch
from ondr.imaging import photometric, photometric_numba
from ondr.noise import noise_planes, normal_table
from tests.scenes import effects

BATCH, SIZE = 6, (20, 33)
IDS = torch.arange(100, 100 + BATCH)
NUMBA_TOLERANCE = 0.05 / 255
"""Its sRGB is within 0.009 / 255; contrast and saturation up to 2 each enlarge that."""
KORNIA_TOLERANCE = 2e-5
"""Both are float32, in another order of operations; saturation divides by small differences of channels."""


def linear() -> torch.Tensor:
    """Returns light from 0 to above 1, greys and pure colours included."""
    light = torch.rand(BATCH, 3, *SIZE, generator=torch.Generator().manual_seed(0)) ** 2 * 1.3
    light[:, :, 0] = torch.linspace(0, 1, SIZE[1])
    light[:, :, 1] = torch.eye(3)[:, torch.arange(SIZE[1]) % 3]
    light[:, :, 2] = 0
    light[:, :, 3] = torch.linspace(0, 0.006, SIZE[1])
    return light


CASES = {
    "neutral": {},
    "brightness": {"brightness": torch.linspace(0, 2, BATCH)},
    "contrast": {"contrast": torch.linspace(0, 2, BATCH)},
    "saturation": {"saturation": torch.linspace(0, 2, BATCH)},
    "hue": {"hue_degrees": torch.linspace(-180, 180, BATCH)},
    "noise": {"noise_std": torch.linspace(0, 0.2, BATCH)},
}
CASES["all"] = {name: torch.roll(values, i) for i, case in enumerate(CASES.values()) for name, values in case.items()}


def expose(engine: photometric.Engine = "fused", light: torch.Tensor | None = None, **case: torch.Tensor):
    light = linear() if light is None else light
    return photometric.expose(light, effects(BATCH, **case), seed=9, sample_ids=IDS, engine=engine)


def defined(**case: torch.Tensor) -> torch.Tensor:
    return photometric.expose_fused(linear(), effects(BATCH, **case), normal_table(), 9, IDS)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_numba_equals_the_definition(case: dict[str, torch.Tensor]):
    torch.testing.assert_close(expose(**case), defined(**case), rtol=0, atol=NUMBA_TOLERANCE)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_kornia_equals_the_definition(case: dict[str, torch.Tensor]):
    torch.testing.assert_close(expose("kornia", **case), defined(**case), rtol=0, atol=KORNIA_TOLERANCE)


@pytest.mark.parametrize(
    ("ours", "theirs", "factors"),
    [
        (brighten, kornia.enhance.adjust_brightness_accumulative, (0, 0.7, 1, 1.9)),
        (saturate, kornia.enhance.adjust_saturation, (0, 0.5, 1, 3)),
        (shift_hue, lambda image, f: kornia.enhance.adjust_hue(image, torch.deg2rad(f)), (-170, -20, 0, 95)),
    ],
)
def test_each_effect_is_kornias(ours, theirs, factors):
    image, factor = linear()[:4].clamp(0, 1), torch.tensor(factors).float()
    got = torch.stack(ours(image.unbind(1), factor[:, None, None]), dim=1)
    torch.testing.assert_close(got, theirs(image, factor), rtol=0, atol=KORNIA_TOLERANCE)


def test_contrast_is_about_mid_grey():
    image = torch.full((1, 2, 2), 0.7)
    assert stretch((image,), torch.tensor(1.5))[0].allclose(torch.tensor(0.8))
    assert stretch((torch.full((2,), 0.5),), torch.tensor(9.0))[0].eq(0.5).all()
    assert stretch((torch.tensor([0.1, 0.9]),), torch.tensor(9.0))[0].tolist() == [0, 1]


@pytest.mark.parametrize("engine", ["fused", "kornia"])
def test_neutral_is_srgb(engine: photometric.Engine):
    expected = kornia.color.linear_rgb_to_rgb(linear().clamp(0, 1))
    torch.testing.assert_close(expose(engine), expected, rtol=0, atol=0.02 / 255)
    assert expose(engine).min() >= 0
    assert expose(engine).max() <= 1


def test_neutral_definition_is_srgb_to_the_last_bits():
    # The way to HSV and back costs some roundings.
    torch.testing.assert_close(defined(), srgb_from_linear(linear()), rtol=0, atol=1e-6)


def test_srgb_and_back():
    values = torch.linspace(0, 1, 1001)
    torch.testing.assert_close(linear_from_srgb(srgb_from_linear(values)), values, rtol=0, atol=1e-6)
    assert srgb_from_linear(torch.tensor(0.5)).item() == pytest.approx(0.735357, abs=1e-5)


def test_numba_srgb_error():
    ramp = torch.linspace(0, 1, 3 * 8 * 10000).view(1, 3, 8, 10000)
    neutral = effects(1)
    got = torch.empty_like(ramp)
    photometric_numba.expose(ramp, neutral, seed=0, sample_ids=torch.tensor([0]), out=got)
    exact = srgb_from_linear(ramp.double())
    assert (got - exact).abs().max() < 0.01 / 255


@pytest.mark.parametrize("engine", ["fused", "kornia"])
def test_noise_is_added_where_it_was_drawn(engine: photometric.Engine):
    grey = torch.full((BATCH, 3, *SIZE), 0.2)
    std = torch.tensor([0, 0.02, 0, 0.05, 0, 0])
    difference = expose(engine, grey, noise_std=std) - expose(engine, grey)
    planes = torch.stack(noise_planes(normal_table(), 9, IDS, SIZE), dim=1)
    torch.testing.assert_close(difference, planes * std[:, None, None, None], rtol=0, atol=1e-6)


@pytest.mark.parametrize("engine", ["fused", "kornia"])
def test_batched_equals_one_by_one(engine: photometric.Engine):
    together = expose(engine, **CASES["all"])
    for i in range(BATCH):
        row = slice(i, i + 1)
        alone = {
            name: values[row] for name, values in vars(effects(BATCH, **CASES["all"])).items() if values is not None
        }
        one = replace(effects(1), **alone)
        got = photometric.expose(linear()[row], one, seed=9, sample_ids=IDS[row], engine=engine)
        # torch's vector instructions round the last few elements of a tensor in another way.
        torch.testing.assert_close(got[0], together[i], rtol=0, atol=0 if engine == "fused" else 1e-6)


@pytest.mark.parametrize("engine", ["fused", "kornia"])
def test_input_is_left_alone_and_an_empty_batch_works(engine: photometric.Engine):
    given = linear()
    expose(engine, given, **CASES["all"])
    assert torch.equal(given, linear())
    nothing = photometric.expose(given[:0], effects(0), seed=0, sample_ids=IDS[:0], engine=engine)
    assert nothing.shape == (0, 3, *SIZE)


def test_a_strided_input():
    strided = linear().permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    assert torch.equal(expose(light=strided, **CASES["all"]), expose(**CASES["all"]))


def test_gradients():
    light = torch.rand(1, 3, 2, 3, dtype=torch.float64) * 0.5 + 0.1
    values = {"brightness": 1.1, "contrast": 0.9, "saturation": 1.2, "hue_degrees": 20.0, "noise_std": 0.01}
    factors = [torch.tensor([v], dtype=torch.float64, requires_grad=True) for v in values.values()]

    def evaluate(light: torch.Tensor, *factors: torch.Tensor) -> torch.Tensor:
        drawn = replace(effects(1), **dict(zip(values, factors, strict=True)))
        return photometric.expose(light, drawn, seed=0, sample_ids=torch.tensor([3]))

    assert torch.autograd.gradcheck(evaluate, (light.requires_grad_(), *factors))


def test_global_random_state_is_untouched():
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    expose(**CASES["all"])
    defined(**CASES["all"])
    assert torch.equal(before[0], torch.get_rng_state())
    np.testing.assert_array_equal(before[1], np.random.get_state()[1])


def test_no_channel_ends_below_zero() -> None:
    """Saturated colours and a hue of 0 or 1: what is to be 0 is rounded, and no noise is added that would clamp it."""
    linear = torch.rand(8, 3, 64, 64, generator=torch.Generator().manual_seed(4))
    linear[:, 2] *= 1e-3
    for name, value in (("saturation", 1.3), ("saturation", 5.0), ("hue_degrees", 8.0), ("hue_degrees", -0.3)):
        drawn = effects(8, **{name: value})
        images = photometric.expose(linear, drawn, seed=0, sample_ids=torch.arange(8), engine="fused")
        assert images.min() >= 0, name
        assert images.max() <= 1, name
