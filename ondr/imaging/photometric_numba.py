"""Exposure on the CPU: the fast twin of `photometric.expose_planes`, in one parallel loop over images.

Each line of an image goes through all effects while it is in the L1 cache; an effect at its neutral value is skipped.
Loops over a line have no branches, so that they are vectorized.
"""

from __future__ import annotations

import typing
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64, Num
from numba import njit, prange
from torch import Tensor

from ondr.imaging.store_numba import out_buffer_of, store
from ondr.noise import normal_table
from ondr.noise_numba import NAME, as_words, noise_line
from ondr.runtime.threads_numba import numba_threads
from ondr.scene import Effects

# sRGB's curve above the knee as a polynomial in the fourth root of linear light, which takes two square roots. It is a
# minimax fit with an error of 0.009 / 255, far below what 8 bits resolve.
CURVE = tuple(np.float32(c) for c in (0.08129125, -0.33540351, 1.12259551, 0.19616652, -0.06461528))
KNEE = np.float32(0.0031308)
ZERO, HALF, ONE, TINY = np.float32(0), np.float32(0.5), np.float32(1), np.float32(1e-12)


def expose(
    linear: Float[Tensor, "batch 3 height width"],
    effects: Effects,
    *,
    seed: int,
    sample_ids: Int64[Tensor, "batch"],
    out: Num[Tensor, "batch 3 height width"],
) -> None:
    """Exposes a batch into `out`. See `photometric.expose`."""
    exposure = exposure_of(effects, seed, sample_ids)
    with numba_threads():
        _expose(linear.detach().contiguous().numpy(), exposure, *out_buffer_of(out))


class Exposure(NamedTuple):
    """Parameters of each image's exposure."""

    factors: np.ndarray
    """float32 [batch, 5]: brightness, contrast, saturation, hue in sixths of a turn, standard deviation of noise."""
    table: np.ndarray
    """`noise.normal_table`."""
    key: np.ndarray
    """uint32 [2]: the seed."""
    samples: np.ndarray
    """uint32 [batch, 2]: the sample ids."""


def exposure_of(effects: Effects, seed: int, sample_ids: Int64[Tensor, "batch"]) -> Exposure:
    """Returns the exposure in the form that kernels take. See `photometric.expose`."""
    hue = effects.hue_degrees / 60
    factors = torch.stack([effects.brightness, effects.contrast, effects.saturation, hue, effects.noise_std], dim=1)
    return Exposure(factors.detach().float().numpy(), normal_table().numpy(), *as_words(seed, sample_ids))


@typing.no_type_check
@njit(parallel=True, fastmath={"contract", "nsz", "arcp"}, error_model="numpy", cache=True)
def _expose(linear, exposure, out, channels_last, is_bfloat16):
    for i in prange(len(linear)):
        expose_image(linear[i], exposure, i, out[i], channels_last, is_bfloat16)


@typing.no_type_check
@njit(fastmath={"contract", "nsz", "arcp"}, error_model="numpy", cache=True)
def expose_image(linear, exposure, i, image, channels_last, is_bfloat16):
    """Exposes image i, float32 [3, height, width], into an image of the final format. See `store_numba.store`."""
    _, height, width = linear.shape
    brightness, contrast, saturation, sectors, std = exposure.factors[i]
    table, key, sample = exposure.table, exposure.key, exposure.samples[i]
    words, noise = np.empty((3, width), np.uint32), np.empty((3, width), np.float32)
    lines, stored = np.empty((3, width), np.float32), np.empty((3, width), image.dtype)
    # Lines as arrays of their own: what is known to be contiguous becomes vector instructions.
    r, g, b = lines[0], lines[1], lines[2]
    for y in range(height):
        _encode(linear[0, y], r)
        _encode(linear[1, y], g)
        _encode(linear[2, y], b)
        if brightness != ONE:
            _stretch(r, g, b, brightness, ZERO)
        if contrast != ONE:
            _stretch(r, g, b, contrast, HALF - HALF * contrast)
        if saturation != ONE:
            _saturate(r, g, b, saturation)
        if sectors != ZERO:
            _shift_hue(r, g, b, sectors)
        if std != ZERO:
            noise_line(table, NAME, key, sample, y * width, words, noise[0], noise[1], noise[2])
            _add_noise(r, noise[0], std)
            _add_noise(g, noise[1], std)
            _add_noise(b, noise[2], std)
        store(lines, stored, image, y, channels_last, is_bfloat16)


@typing.no_type_check
@njit(inline="always")
def _clamp(value):
    return min(max(value, ZERO), ONE)


@typing.no_type_check
@njit(fastmath={"contract", "nsz", "arcp"}, error_model="numpy", cache=True)
def _encode(linear, line):
    for x in range(len(line)):
        value = _clamp(linear[x])
        t = np.sqrt(np.sqrt(value))
        curve = (((CURVE[0] * t + CURVE[1]) * t + CURVE[2]) * t + CURVE[3]) * t + CURVE[4]
        line[x] = _clamp(np.float32(12.92) * value if value <= KNEE else curve)


@typing.no_type_check
@njit(fastmath={"contract", "nsz", "arcp"}, error_model="numpy", cache=True)
def _stretch(red, green, blue, factor, offset):
    for x in range(len(red)):
        red[x] = _clamp(red[x] * factor + offset)
        green[x] = _clamp(green[x] * factor + offset)
        blue[x] = _clamp(blue[x] * factor + offset)


@typing.no_type_check
@njit(fastmath={"contract", "nsz", "arcp"}, error_model="numpy", cache=True)
def _saturate(red, green, blue, factor):
    # Rounding may leave a channel that should be 0 slightly below.
    for x in range(len(red)):
        r, g, b = red[x], green[x], blue[x]
        value = max(r, g, b)
        growth = min(factor, value / max(value - min(r, g, b), TINY)) - ONE
        red[x] = max(r - (value - r) * growth, ZERO)
        green[x] = max(g - (value - g) * growth, ZERO)
        blue[x] = max(b - (value - b) * growth, ZERO)


@typing.no_type_check
@njit(inline="always")
def _ramp(sector):
    sector = sector - np.float32(6) * np.floor(sector * np.float32(1 / 6))
    return _clamp(min(sector, np.float32(4) - sector))


@typing.no_type_check
@njit(fastmath={"contract", "nsz", "arcp"}, error_model="numpy", cache=True)
def _shift_hue(red, green, blue, sectors):
    for x in range(len(red)):
        r, g, b = red[x], green[x], blue[x]
        value = max(r, g, b)
        span = value - min(r, g, b)
        inverse = ONE / max(span, TINY)
        at_green, at_blue = (b - r) * inverse + np.float32(2), (r - g) * inverse + np.float32(4)
        sector = (g - b) * inverse if value == r else (at_green if value == g else at_blue)
        sector += sectors
        red[x] = max(value - span * _ramp(sector + np.float32(5)), ZERO)
        green[x] = max(value - span * _ramp(sector + np.float32(3)), ZERO)
        blue[x] = max(value - span * _ramp(sector + ONE), ZERO)


@typing.no_type_check
@njit(fastmath={"contract", "nsz", "arcp"}, error_model="numpy", cache=True)
def _add_noise(line, noise, std):
    for x in range(len(line)):
        line[x] = _clamp(line[x] + noise[x] * std)
