"""Masks of pixels in words: counted and weighed as numpy does it on arrays of booleans."""

from __future__ import annotations

import numpy as np
import torch

from ondr.raster.bits import count_bits, weigh_bits


def test_bits_are_counted() -> None:
    words = torch.tensor([0, 1, -1, 0x7FFFFFFF, -(2**31), 0x0F0F00F0, -2], dtype=torch.int32)
    expected = [int(word & 0xFFFFFFFF).bit_count() for word in words.tolist()]
    assert count_bits(words).tolist() == expected


def test_pixels_count_as_often_as_they_are_used() -> None:
    generator = np.random.default_rng(3)
    mask = generator.random((2, 3, 5, 70)) < 0.4
    weights = generator.integers(0, 4, size=(2, 5, 70))
    padded = np.pad(mask, ((0, 0), (0, 0), (0, 0), (0, 26))).reshape(6, 5, 3, 32)
    bits = (padded.astype(np.uint64) << np.arange(32, dtype=np.uint64)).sum(-1).astype(np.uint32).view(np.int32)
    expected = (mask * weights[:, None]).sum(axis=(2, 3)).reshape(6)
    found = weigh_bits(torch.from_numpy(bits), torch.from_numpy(weights).int())
    assert found.tolist() == expected.tolist()
