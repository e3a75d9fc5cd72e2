"""Files of pictures, masks, numbers and depths, read back by Pillow."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from ondr.export import pictures
from ondr.pixel_format import as_bytes


def read(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


def test_pictures_keep_rows_columns_and_channels() -> None:
    images = torch.rand(2, 3, 4, 5)
    pixels = as_bytes(images)
    assert pixels.shape == (2, 4, 5, 3)
    found = read(pictures.encode_picture(pixels[1].contiguous(), "png"))
    # Half a step of 255, and float32.
    np.testing.assert_allclose(found / 255, images[1].permute(1, 2, 0), atol=0.5 / 255 + 1e-6)
    assert pictures.encode_picture(pixels[1].contiguous(), "jpeg")[:2] == b"\xff\xd8"


def test_masks_are_black_and_white() -> None:
    mask = torch.tensor([[True, False], [False, False]])
    assert read(pictures.encode_mask(mask)).tolist() == [[255, 0], [0, 0]]


@pytest.mark.parametrize("most", [0, 255, 256, 65535])
def test_numbers_take_as_many_bits_as_they_need(most: int) -> None:
    found = read(pictures.encode_numbers(torch.tensor([[0, most]])))
    assert found.tolist() == [[0, most]]
    assert (found.dtype == np.uint8) == (most < 256)


def test_depth_is_rounded_to_steps_and_0_where_these_end() -> None:
    depth = torch.tensor([[0, 0.0014, 65.535, 65.54]])
    assert read(pictures.encode_depth(depth, 1e-3)).tolist() == [[0, 1, 65535, 0]]


@pytest.mark.parametrize(("farthest", "unit"), [(0, 1e-4), (6.5535, 1e-4), (6.56, 1e-3), (65.6, 1e-2), (5000, 0.1)])
def test_depth_gets_the_finest_unit_that_holds_it(farthest: float, unit: float) -> None:
    depth = torch.tensor([[0, farthest]], dtype=torch.float64)
    found = pictures.depth_unit(depth, 1e-4)
    assert found == pytest.approx(unit)
    restored = read(pictures.encode_depth(depth, found))[0, 1] * found
    assert restored == pytest.approx(farthest, abs=unit / 2 + 1e-9)
