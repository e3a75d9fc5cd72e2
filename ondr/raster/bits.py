"""Bit masks of pixels in words of 32 columns: counts and weighted sums of their bits."""

from __future__ import annotations

import torch
from jaxtyping import Int32
from torch import Tensor

WORD = 32


def count_bits(words: Int32[Tensor, "*shape"]) -> Int32[Tensor, "*shape"]:
    """Returns the number of bits set in each word.

    Source: Warren 2013, "Hacker's Delight", figure 5-2. The masks clear the sign bits of arithmetic shifts.
    """
    words = words - (words >> 1 & 0x55555555)
    words = (words & 0x33333333) + (words >> 2 & 0x33333333)
    words = (words + (words >> 4)) & 0x0F0F0F0F
    words = words + (words >> 8)
    return (words + (words >> 16)) & 0x3F


def weigh_bits(
    bits: Int32[Tensor, "instance height word"], weights: Int32[Tensor, "image height width"]
) -> Int32[Tensor, "instance"]:
    """Returns the sum of the weights of the pixels whose bits are set.

    Args:
        bits: Bit c % `WORD` of word c // `WORD` is the pixel in column c. Instances are ordered by image.
        weights: Weight of each pixel.
    """
    images, height, width = weights.shape
    padded = torch.nn.functional.pad(weights, (0, -width % WORD)).view(images, 1, height, -1, WORD)
    of_image = bits.view(images, -1, height, bits.shape[2])
    total = torch.zeros(of_image.shape[:2], dtype=torch.int64, device=bits.device)
    for lane in range(WORD):
        total += ((of_image >> lane & 1) * padded[..., lane]).sum(dim=(2, 3))
    return total.flatten().int()
