"""Gaussian blur on the CPU: the fast twin of `blur`, in one parallel loop over the images that drew one."""

from __future__ import annotations

import typing

import numpy as np
import torch
from jaxtyping import Float, Int64
from numba import njit, prange
from torch import Tensor

from ondr.runtime.threads_numba import numba_threads


def blur(
    linear: Float[Tensor, "batch 3 height width"],
    sigma: Float[Tensor, "batch"],
    reach: Int64[Tensor, "batch"],
    in_place: bool = False,
) -> Float[Tensor, "batch 3 height width"]:
    """Blurs some of the images of a batch, mirrored at the border.

    Args:
        linear: Linear RGB.
        sigma: Standard deviations in pixels.
        reach: Pixels to each side that an image's kernel covers; 0 leaves the image as it is.
        in_place: Overwrite the images, which must be contiguous.
    """
    blurred = linear if in_place else torch.empty_like(linear, memory_format=torch.contiguous_format)
    with numba_threads():
        _blur(linear.contiguous().numpy(), half_kernels(sigma, reach).numpy(), reach.numpy(), blurred.numpy(), in_place)
    return blurred


def half_kernels(sigma: Float[Tensor, "batch"], reach: Int64[Tensor, "batch"]) -> Float[Tensor, "batch tap"]:
    """Returns the central weight of each image's kernel and those on one side of it; 0 beyond its reach."""
    tap = torch.arange(max(reach.tolist(), default=0) + 1)
    weights = torch.exp(-0.5 * (tap / sigma.clamp_min(1e-6)[:, None]).square()) * (tap <= reach[:, None])
    return weights / (2 * weights.sum(dim=1, keepdim=True) - weights[:, :1])


@typing.no_type_check
@njit(parallel=True, fastmath=True, error_model="numpy", cache=True)
def _blur(linear, weights, reach, blurred, in_place):
    for i in prange(len(linear)):
        if reach[i] == 0:
            if not in_place:
                blurred[i] = linear[i]
            continue
        blur_image(linear[i], weights[i], reach[i], blurred[i])


@typing.no_type_check
@njit(fastmath=True, error_model="numpy", cache=True)
def blur_image(linear, weights, reach, blurred):
    """Blurs an image, float32 [3, height, width], into another or itself."""
    channels, height, width = linear.shape
    across = np.empty((height, width), np.float32)
    line = np.empty(width + 2 * reach, np.float32)
    for c in range(channels):
        for y in range(height):
            _mirror(linear[c, y], reach, line)
            _across(line, weights, reach, across[y])
        for y in range(height):
            _down(across, weights, reach, y, blurred[c, y])


@typing.no_type_check
@njit(inline="always")
def _mirrored(index, size):
    """Returns the pixel that an index beyond the border mirrors to; the border pixel is not repeated."""
    index = abs(index)
    return 2 * (size - 1) - index if index >= size else index


@typing.no_type_check
@njit(cache=True)
def _mirror(row, reach, line):
    width = len(row)
    line[reach : reach + width] = row
    for x in range(reach):
        line[x] = row[_mirrored(x - reach, width)]
        line[reach + width + x] = row[_mirrored(width + x, width)]


@typing.no_type_check
@njit(fastmath=True, error_model="numpy", cache=True)
def _across(line, weights, reach, out):
    middle = weights[0]
    for x in range(len(out)):
        out[x] = line[x + reach] * middle
    for t in range(1, reach + 1):
        weight, left, right = weights[t], line[reach - t :], line[reach + t :]
        for x in range(len(out)):
            out[x] += (left[x] + right[x]) * weight


@typing.no_type_check
@njit(fastmath=True, error_model="numpy", cache=True)
def _down(plane, weights, reach, y, out):
    middle, here = weights[0], plane[y]
    for x in range(len(out)):
        out[x] = here[x] * middle
    for t in range(1, reach + 1):
        weight = weights[t]
        above, below = plane[_mirrored(y - t, len(plane))], plane[_mirrored(y + t, len(plane))]
        for x in range(len(out)):
            out[x] += (above[x] + below[x]) * weight
