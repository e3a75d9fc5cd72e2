"""Types and layouts of images: what the definition makes of values, against numpy, and that layouts change no value."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from ondr.pixel_format import DTYPES, FLOATS, PixelFormat, as_bytes, as_floats, converted

FORMATS = [PixelFormat(dtype, last) for dtype in DTYPES.values() for last in (False, True)]


def images() -> Tensor:
    return torch.rand(2, 3, 5, 7, generator=torch.Generator().manual_seed(0))


def test_bytes_are_rounded_and_clamped() -> None:
    values = torch.tensor([-0.1, 0, 0.499 / 255, 0.501 / 255, 127.4 / 255, 254.6 / 255, 1, 1.5])
    assert converted(values, torch.uint8).tolist() == [0, 0, 0, 1, 127, 255, 255, 255]


def test_halves_are_numpys() -> None:
    values = images()
    assert np.array_equal(converted(values, torch.float16).numpy(), values.numpy().astype(np.float16))
    # A bfloat16 is the upper half of a float32: no other is nearer.
    error = (converted(values, torch.bfloat16).float() - values).abs()
    assert (error <= values * 2**-8).all()


def test_bytes_of_halves_are_those_of_their_values() -> None:
    # In halves themselves 255 steps could not be told apart from each other's halves.
    halves = images().half()
    expected = np.rint(halves.numpy().astype(np.float64) * 255)
    assert np.array_equal(converted(halves, torch.uint8).numpy(), expected)


@pytest.mark.parametrize("pixels", FORMATS)
def test_formats_keep_what_they_can_hold(pixels: PixelFormat) -> None:
    given = images()
    made = pixels.of(given)
    assert made.shape == given.shape
    assert PixelFormat.like(made) == pixels
    assert PixelFormat.like(pixels.new_images(2, (5, 7))) == pixels
    assert pixels.of(made) is made
    assert torch.equal(pixels.stack(given.unbind(1)), made)
    # Half a step of bytes; 8 bits of a bfloat16's fraction, 11 of a float16's.
    coarse = {torch.uint8: 0.5 / 255, torch.bfloat16: 2**-9, torch.float16: 2**-12, torch.float32: 0.0}[pixels.dtype]
    torch.testing.assert_close(as_floats(made), given, rtol=0, atol=coarse + 1e-7)
    assert as_floats(made).is_contiguous()
    assert torch.equal(as_bytes(made).permute(0, 3, 1, 2), converted(made, torch.uint8))
    assert as_bytes(pixels.of(torch.ones(1, 3, 2, 2))).unique().tolist() == [255]


@pytest.mark.parametrize("pixels", [p for p in FORMATS if p.dtype.is_floating_point])
def test_floating_point_types_carry_gradients(pixels: PixelFormat) -> None:
    given = images().requires_grad_()
    pixels.of(given).float().sum().backward()
    assert torch.equal(given.grad, torch.ones_like(given))


def test_floats_are_handed_on() -> None:
    given = images()
    assert FLOATS.of(given) is given
    assert as_floats(given) is given
