"""Noise for every pixel and channel on the CPU: the fast twin of `noise`, with the same bits."""

from __future__ import annotations

import typing

import numpy as np
import torch
from jaxtyping import Float32, Int64
from numba import njit, prange
from torch import Tensor

from ondr.noise import KEY, SHIFT, normal_table
from ondr.rng import MASK, MULTIPLIERS, ROUNDS, WEYL
from ondr.runtime.threads_numba import numba_threads

M0, M1 = (np.uint64(m) for m in MULTIPLIERS)
W0, W1 = (np.uint32(w) for w in WEYL)
NAME, DROPPED = np.uint32(KEY), np.uint32(SHIFT)


def noise_images(
    seed: int, sample_ids: Int64[Tensor, "some"], size: tuple[int, int], key: int
) -> Float32[Tensor, "some 3 height width"]:
    """Returns the noise of images. See `noise.noise_planes`."""
    noise = torch.empty(len(sample_ids), 3, *size)
    with numba_threads():
        _fill(noise.numpy(), normal_table().numpy(), *as_words(seed, sample_ids), np.uint32(key))
    return noise


def as_words(seed: int, sample_ids: Int64[Tensor, "batch"]) -> tuple[np.ndarray, np.ndarray]:
    """Returns a seed, uint32 [2], and sample ids, uint32 [batch, 2], as kernels take them."""
    samples = torch.stack([sample_ids & MASK, sample_ids >> 32 & MASK], dim=1)
    return np.array([seed & MASK, seed >> 32 & MASK], np.uint32), samples.numpy().astype(np.uint32)


@typing.no_type_check
@njit(parallel=True, error_model="numpy", cache=True)
def _fill(noise, table, key, samples, name):
    batch, _, height, width = noise.shape
    for i in prange(batch):
        words, image = np.empty((3, width), np.uint32), noise[i]
        for y in range(height):
            noise_line(table, name, key, samples[i], y * width, words, image[0, y], image[1, y], image[2, y])


@typing.no_type_check
@njit(inline="always")
def philox(c0, c1, c2, c3, k0, k1):
    """Encrypts one counter with one key, all 32-bit words. See `rng.philox`."""
    for _ in range(ROUNDS):
        p0, p1 = np.uint64(c0) * M0, np.uint64(c2) * M1
        c0, c2 = np.uint32(p1 >> np.uint64(32)) ^ c1 ^ k0, np.uint32(p0 >> np.uint64(32)) ^ c3 ^ k1
        c1, c3 = np.uint32(p1), np.uint32(p0)
        k0, k1 = np.uint32(k0 + W0), np.uint32(k1 + W1)
    return c0, c1, c2, c3


@typing.no_type_check
@njit(cache=True)
def noise_line(table, name, key, sample, first, words, red, green, blue):
    """Fills three lines with the noise of a row of pixels.

    Args:
        table: `noise.normal_table`.
        name: `rng.name_key` of the noisy quantity's name, uint32.
        key: The seed's two words.
        sample: The sample id's two words.
        first: Number of the row's first pixel.
        words: Scratch, uint32, three lines.
        red: Written.
        green: Written.
        blue: Written.
    """
    c0, c1, k0, k1 = sample[0], sample[1], key[0], key[1]
    # The table look-ups, which do not vectorize well, have a loop of their own, so that the cipher is vectorized.
    for x in range(len(red)):
        r, g, b, _ = philox(c0, c1, name, np.uint32(first + x), k0, k1)
        words[0, x], words[1, x], words[2, x] = r >> DROPPED, g >> DROPPED, b >> DROPPED
    for x in range(len(red)):
        red[x], green[x], blue[x] = table[words[0, x]], table[words[1, x]], table[words[2, x]]
