"""Gaussian noise for every pixel and channel, with the same bits on every device.

One Philox call gives a pixel four words; each channel's word picks an entry of a table of the inverse normal CDF. It is
a table because logarithms and cosines are rounded differently from device to device. `noise_numba` does the same faster
on the CPU.
"""

from __future__ import annotations

import functools

import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from ondr.planes import Vector, take_one
from ondr.rng import MASK, name_key, philox

KEY = name_key("photometric.noise")
TABLE_BITS = 12
"""4,096 entries reach 3.7 standard deviations and take 16 KiB, which stay in the L1 cache."""
SHIFT = 32 - TABLE_BITS


@functools.cache
def normal_table(device: torch.device | str = "cpu") -> Float32[Tensor, "4096"]:
    """Returns standard normal values at equally likely steps, scaled to unit variance."""
    steps = (torch.arange(2**TABLE_BITS, dtype=torch.float64) + 0.5) / 2**TABLE_BITS
    values = torch.special.ndtri(steps)
    return (values / values.square().mean().sqrt()).float().to(device)


def noise_at(table: Float32[Tensor, "4096"], seed: int, sample_id: Tensor, pixel: Tensor, key: int = KEY) -> Vector:
    """Returns three planes of independent standard normal noise.

    Args:
        table: `normal_table` on the device of the others.
        seed: 64 bits.
        sample_id: Id of each pixel's image, int64, any shape.
        pixel: row * width + column, int64, of a shape that can be broadcast to that.
        key: `rng.name_key` of the noisy quantity's name.
    """
    words = philox((sample_id & MASK, sample_id >> 32 & MASK, torch.full_like(sample_id, key), pixel), seed)
    return tuple(take_one(table, word >> SHIFT) for word in words[:3])


def noise_planes(
    table: Float32[Tensor, "4096"], seed: int, sample_ids: Int64[Tensor, "batch"], size: tuple[int, int], key: int = KEY
) -> Vector:
    """Returns the noise of a batch of images as three planes `[batch, height, width]`. See `noise_at`."""
    height, width = size
    pixel = torch.arange(height * width, device=sample_ids.device).view(1, height, width)
    return noise_at(table, seed, sample_ids[:, None, None], pixel, key)


def noise_images(
    seed: int, sample_ids: Int64[Tensor, "batch"], size: tuple[int, int], key: int
) -> Float32[Tensor, "batch 3 height width"]:
    """Returns the noise of a batch as images on the device of the sample ids, on the CPU by the fast twin.

    Args:
        seed: 64 bits.
        sample_ids: Ids of the images.
        size: Height and width.
        key: `rng.name_key` of the noisy quantity's name.
    """
    if sample_ids.device.type == "cpu":
        from ondr import noise_numba

        return noise_numba.noise_images(seed, sample_ids, size, key)
    return torch.stack(noise_planes(normal_table(sample_ids.device), seed, sample_ids, size, key), dim=1)
