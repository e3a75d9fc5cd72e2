"""Development on the CPU: the fast twins of the effects of `development` on single pixels or their neighbours."""

from __future__ import annotations

import typing

import numpy as np
import torch
from jaxtyping import Float, Int64
from numba import njit, prange
from torch import Tensor

from ondr.noise_numba import as_words, philox
from ondr.runtime.threads_numba import numba_threads

ZERO, ONE, HALF = np.float32(0), np.float32(1), np.uint32(2**31)
SIDE, MIDDLE = np.float32(1 / 13), np.float32(5 / 13)
"""Weights of kornia's smoothing kernel, that of Pillow."""


def sharpen(
    images: Float[Tensor, "some 3 height width"], amount: Float[Tensor, "some"]
) -> Float[Tensor, "some 3 height width"]:
    """See `development.sharpen`."""
    sharp = torch.empty_like(images, memory_format=torch.contiguous_format)
    with numba_threads():
        _sharpen(images.detach().contiguous().numpy(), amount.detach().numpy(), sharp.numpy())
    return sharp


def salt_and_pepper(
    images: Float[Tensor, "some 3 height width"],
    share: Float[Tensor, "some"],
    seed: int,
    sample_ids: Int64[Tensor, "some"],
    name: int,
) -> Float[Tensor, "some 3 height width"]:
    """See `development.salt_and_pepper`; `name` is its key."""
    changed = images.detach().clone(memory_format=torch.contiguous_format)
    threshold = (share.detach().double() * 2.0**32).numpy()
    with numba_threads():
        _salt_and_pepper(changed.numpy(), threshold, *as_words(seed, sample_ids), np.uint32(name))
    return changed


@typing.no_type_check
@njit(parallel=True, fastmath={"contract", "nsz"}, error_model="numpy", cache=True)
def _sharpen(images, amount, sharp):
    batch, channels, height, _ = images.shape
    for plane in prange(batch * channels):
        i, c = plane // channels, plane % channels
        image, out = images[i, c], sharp[i, c]
        out[0], out[height - 1] = image[0], image[height - 1]
        for y in range(1, height - 1):
            _sharpen_line(image[y - 1], image[y], image[y + 1], amount[i], out[y])


@typing.no_type_check
@njit(fastmath={"contract", "nsz"}, error_model="numpy", cache=True)
def _sharpen_line(above, here, below, amount, out):
    last = len(here) - 1
    out[0], out[last] = here[0], here[last]
    for x in range(1, last):
        around = above[x - 1] + above[x] + above[x + 1] + here[x - 1] + here[x + 1]
        around += below[x - 1] + below[x] + below[x + 1]
        smooth = min(max(around * SIDE + here[x] * MIDDLE, ZERO), ONE)
        out[x] = min(max(here[x] + (here[x] - smooth) * amount, ZERO), ONE)


@typing.no_type_check
@njit(parallel=True, error_model="numpy", cache=True)
def _salt_and_pepper(images, threshold, key, samples, name):
    batch, _, height, width = images.shape
    for i in prange(batch):
        c0, c1, k0, k1 = samples[i, 0], samples[i, 1], key[0], key[1]
        image, words = images[i], np.empty((2, width), np.uint32)
        for y in range(height):
            # In a loop of its own, so that the cipher is vectorized: few pixels are hit.
            for x in range(width):
                words[0, x], words[1, x], _, _ = philox(c0, c1, name, np.uint32(y * width + x), k0, k1)
            for x in range(width):
                if np.float64(words[0, x]) < threshold[i]:
                    color = ONE if words[1, x] >= HALF else ZERO
                    image[0, y, x], image[1, y, x], image[2, y, x] = color, color, color
