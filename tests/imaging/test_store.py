"""Images written line by line: bit for bit what the definition in torch makes of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ondr.imaging import store_numba
from ondr.pixel_format import PixelFormat
from tests.test_pixel_format import FORMATS

SIZE = (16, 384)


def hard_values() -> torch.Tensor:
    """Returns values in 0..1 as images: ties of every type and their neighbours, tiny ones, and anything between."""
    bytes_between = (np.arange(255) + 0.5) / 255
    halves = np.arange(0x3C00, dtype=np.uint16).view(np.float16).astype(np.float64)
    halves_between = (halves[1:] + halves[:-1]) / 2
    coarse = (np.arange(0x3F80, dtype=np.uint32) << 16).view(np.float32).astype(np.float64)
    ties = np.concatenate([bytes_between, halves_between[::4], (coarse[1:] + coarse[:-1])[::4] / 2]).astype(np.float32)
    near = np.concatenate([ties, np.nextafter(ties, np.float32(0)), np.nextafter(ties, np.float32(1)), [0, 1]])
    count = int(np.ceil(len(near) / (3 * SIZE[0] * SIZE[1]))) * 3 * SIZE[0] * SIZE[1]
    rest = np.random.default_rng(0).random(count - len(near), np.float32)
    return torch.from_numpy(np.concatenate([near, rest]).astype(np.float32)).view(-1, 3, *SIZE)


@pytest.mark.parametrize("pixels", FORMATS)
def test_what_is_written_is_the_definition(pixels: PixelFormat) -> None:
    images = hard_values()
    out = pixels.new_images(len(images), SIZE)
    store_numba.write(images, out)
    expected = pixels.of(images)
    differ = out != expected
    assert not differ.any(), (images[differ][:5], out[differ][:5], expected[differ][:5])


@pytest.mark.parametrize("pixels", FORMATS)
def test_a_little_below_zero_is_nearly_zero(pixels: PixelFormat) -> None:
    out = pixels.new_images(1, SIZE)
    store_numba.write(torch.full((1, 3, *SIZE), -1e-7), out)
    assert out.float().abs().max() <= 2e-7


@pytest.mark.parametrize("pixels", FORMATS)
def test_part_of_a_batch_is_written_in_its_place(pixels: PixelFormat) -> None:
    images, out = torch.rand(2, 3, *SIZE), pixels.new_images(4, SIZE).zero_()
    store_numba.write(images, out[1:3])
    assert torch.equal(out[1:3], pixels.of(images))
    assert not out[[0, 3]].any()
    store_numba.write(images[:0], out[:0])
