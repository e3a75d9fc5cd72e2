"""Writes images in their final format on the CPU: the fast twin of `pixel_format`.

Kernels convert each line while it is in the L1 cache, so that the format costs no extra pass over the images.
"""

from __future__ import annotations

import typing
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Num
from numba import njit, prange, types
from numba.extending import overload
from torch import Tensor

from ondr.pixel_format import PixelFormat
from ondr.runtime.threads_numba import numba_threads

ZERO, HALF, ONE, BYTE = np.float32(0), np.float32(0.5), np.float32(1), np.float32(255)


class OutBuffer(NamedTuple):
    """Images to write into, in the form that kernels take."""

    words: np.ndarray
    """float32, uint8, or uint16 for the bits of a half type: [batch, 3, height, width], or channels last."""
    channels_last: bool
    is_bfloat16: bool
    """Whether uint16 holds bfloat16 rather than float16."""


def out_buffer_of(out: Num[Tensor, "batch 3 height width"]) -> OutBuffer:
    """Returns images of any format in the form that kernels take, sharing their memory."""
    channels_last = PixelFormat.like(out).channels_last
    words = out.permute(0, 2, 3, 1) if channels_last else out
    if out.dtype in (torch.float16, torch.bfloat16):
        return OutBuffer(words.view(torch.int16).numpy().view(np.uint16), channels_last, out.dtype == torch.bfloat16)
    return OutBuffer(words.numpy(), channels_last, False)


def write(images: Float[Tensor, "batch 3 height width"], out: Num[Tensor, "batch 3 height width"]) -> None:
    """Writes contiguous float32 images, 0..1, into those of another format."""
    with numba_threads():
        _write(images.numpy(), *out_buffer_of(out))


@typing.no_type_check
@njit(parallel=True, error_model="numpy", cache=True)
def _write(images, out, channels_last, is_bfloat16):
    batch, _, height, width = images.shape
    for i in prange(batch):
        words = np.empty((3, width), out.dtype)
        for y in range(height):
            store(np.ascontiguousarray(images[i, :, y]), words, out[i], y, channels_last, is_bfloat16)


@typing.no_type_check
@njit(error_model="numpy", cache=True, inline="always")
def store(lines, words, image, y, channels_last, is_bfloat16):
    """Writes one line of an image.

    Args:
        lines: float32 [3, width], contiguous, 0..1.
        words: Scratch of their shape and the image's type.
        image: The image in `OutBuffer.words`.
        y: Number of the line.
        channels_last: As in `OutBuffer`.
        is_bfloat16: As in `OutBuffer`.
    """
    words = _converted(lines, words, is_bfloat16)
    if channels_last:
        red, green, blue, row = words[0], words[1], words[2], image[y].reshape(-1)
        for x in range(len(red)):
            row[3 * x], row[3 * x + 1], row[3 * x + 2] = red[x], green[x], blue[x]
    else:
        for c in range(3):
            _copy(words[c], image[c, y])


@typing.no_type_check
@njit(error_model="numpy", cache=True)
def _copy(line, out):
    # numba's slice assignment takes four times as long.
    for x in range(len(out)):
        out[x] = line[x]


def _converted(lines: np.ndarray, words: np.ndarray, is_bfloat16: bool) -> np.ndarray:
    """Converts lines to the type of `words`: one function for each type, chosen when a kernel is compiled."""
    raise NotImplementedError


@typing.no_type_check
@overload(_converted)
def _converted_by_type(lines, words, is_bfloat16):
    return {types.float32: _as_floats, types.uint8: _as_bytes, types.uint16: _as_halves}[words.dtype]


@typing.no_type_check
def _as_floats(lines, words, is_bfloat16):
    return lines


@typing.no_type_check
def _as_bytes(lines, words, is_bfloat16):
    values, out = lines.reshape(-1), words.reshape(-1)
    for x in range(len(out)):
        out[x] = np.uint8(np.int32(np.rint(min(max(values[x], ZERO), ONE) * BYTE)))
    return words


@typing.no_type_check
def _as_halves(lines, words, is_bfloat16):
    # Round to nearest even: add half a step less one to the bits, and one more where the kept part is odd.
    values, bits, out = lines.reshape(-1), lines.reshape(-1).view(np.uint32), words.reshape(-1)
    if is_bfloat16:
        for x in range(len(out)):
            out[x] = np.uint16(
                (bits[x] + np.uint32(0x7FFF) + (bits[x] >> np.uint32(16) & np.uint32(1))) >> np.uint32(16)
            )
        return words
    # Below 2^-14, float16 is subnormal, with the step that float32 has between 0.5 and 1: adding 0.5 rounds to it.
    # Values slightly below 0 become 0.
    raised = values + HALF
    steps = raised.view(np.uint32)
    for x in range(len(out)):
        odd = bits[x] >> np.uint32(13) & np.uint32(1)
        normal = (bits[x] - np.uint32(0x38000000) + np.uint32(0xFFF) + odd) >> np.uint32(13)
        small = max(steps[x], np.uint32(0x3F000000)) - np.uint32(0x3F000000)
        out[x] = np.uint16(normal if values[x] >= np.float32(2.0**-14) else small)
    return words
