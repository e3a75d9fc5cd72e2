"""Antialiased composition of fragments on the CPU: the fast twin of `compose.compose`."""

from __future__ import annotations

import typing
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from numba import njit, prange
from torch import Tensor

from ondr.fusion.loop import Job, run
from ondr.imaging.background import BackgroundTables, PanoramaTables, place_in_panorama
from ondr.imaging.texture import LINEAR_FROM_SQUARE, level_start
from ondr.leaves import map_leaves
from ondr.planes import places
from ondr.raster.visibility import Fragments
from ondr.runtime.threads_numba import numba_threads

MASK_SHARES = np.array([bin(mask).count("1") / 4 for mask in range(16)], np.float32)
"""Share of a pixel that each mask of samples covers."""


def compose(
    fragments: Fragments,
    colors: Float[Tensor, "3 fragment"],
    tables: BackgroundTables,
    size: tuple[int, int],
    out: Float[Tensor, "batch 3 height width"] | None = None,
) -> Float[Tensor, "batch 3 height width"]:
    """Adds up fragments over the background, into `out` or new memory. See `compose.compose`."""
    linear = torch.empty(len(tables.color), 3, *size) if out is None else out
    layers = layers_of(fragments, colors, tables, size)
    with numba_threads():
        _compose(*layers, linear.numpy())
    return linear


def layers_of(
    fragments: Fragments, colors: Float[Tensor, "3 fragment"], tables: BackgroundTables, size: tuple[int, int]
) -> tuple[Front, Behind]:
    """Returns the layers in the form that kernels take. See `compose.compose`."""
    bounds = torch.arange(len(tables.color) + 1, dtype=torch.int32) * (size[0] * size[1])
    front = Front(
        pixel=fragments.pixel.numpy(),
        mask=fragments.mask.numpy(),
        colors=colors.numpy(),
        bounds=torch.searchsorted(fragments.pixel, bounds).numpy(),
    )
    return front, _behind(tables, size)


class Front(NamedTuple):
    """Fragments, sorted by their pixels."""

    pixel: np.ndarray
    """int32 [fragment]: (image * height + row) * width + column."""
    mask: np.ndarray
    """uint8 [fragment]."""
    colors: np.ndarray
    """float32 [3, fragment]: linear RGB."""
    bounds: np.ndarray
    """int64 [batch + 1]: the first fragment of each image, and the one after the last."""


class Behind(NamedTuple):
    """Backgrounds: color = texel^2 tint + dark."""

    texels: np.ndarray
    """int32 [texel]: of all textures."""
    start: np.ndarray
    """[batch]: first texel of the level in use."""
    side: np.ndarray
    """[batch]: texels along that level."""
    matrix: np.ndarray
    """float32 [batch, 2, 3]: u and v of a pixel; unused in images that show a panorama."""
    panorama: np.ndarray
    """[batch]: row of `uv`; -1 for an image without a panorama."""
    uv: np.ndarray
    """float32 [shown, 2, height, width]: u and v of the pixels' centres in panoramas."""
    tint: np.ndarray
    """float32 [batch, 3]."""
    dark: np.ndarray
    """float32 [batch, 3]."""


def _behind(tables: BackgroundTables, size: tuple[int, int]) -> Behind:
    first, log2_side, level = tables.texture.unbind(-1)
    start, side = first + level_start(log2_side, level), 1 << log2_side - level
    dark = torch.zeros_like(tables.color) if tables.dark is None else tables.dark
    tint = (tables.color - dark) * LINEAR_FROM_SQUARE
    panorama, uv = torch.full_like(first, -1), tables.color.new_zeros(0, 2, *size)
    if tables.panorama is not None:
        shown = tables.panorama.shown
        panorama[shown] = torch.arange(int(shown.sum()), dtype=panorama.dtype)
        first, log2_side, level = tables.panorama.texture.unbind(-1)
        start = torch.where(shown, first + level_start(log2_side, level), start)
        side = torch.where(shown, 1 << log2_side - level, side)
        tint = torch.where(shown[:, None], tables.panorama.frame[:, 18:] * LINEAR_FROM_SQUARE, tint)
        dark = torch.where(shown[:, None], 0, dark)
        uv = _panorama_places(tables.panorama, size)
    return Behind(
        texels=tables.texels.numpy(),
        start=start.numpy(),
        side=side.numpy(),
        matrix=tables.uv_from_pixel.contiguous().numpy(),
        panorama=panorama.numpy(),
        uv=uv.contiguous().numpy(),
        tint=tint.contiguous().numpy(),
        dark=dark.contiguous().numpy(),
    )


def _panorama_places(panorama: PanoramaTables, size: tuple[int, int]) -> Float[Tensor, "shown 2 height width"]:
    """Returns u and v of the pixels' centres in the images that show a panorama."""
    shown = map_leaves(panorama, lambda table: table[panorama.shown])
    pixel = torch.arange(len(shown.shown) * size[0] * size[1], dtype=torch.int32)
    return run(_places_at, [Job(shown, 0, len(pixel))], [pixel], size).view(2, -1, *size).transpose(0, 1)


def _places_at(panorama: PanoramaTables, pixel: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    image, row, column = places(pixel, size)
    return place_in_panorama(panorama, image, column + 0.5, row + 0.5)


@typing.no_type_check
@njit(parallel=True, fastmath=True, error_model="numpy", cache=True)
def _compose(front, behind, linear):
    for b in prange(len(linear)):
        compose_image(front, behind, b, linear[b])


@typing.no_type_check
@njit(fastmath=True, error_model="numpy", cache=True)
def compose_image(front, behind, b, image):
    """Adds up the fragments of one image over its background, into `image`, float32 [3, height, width]."""
    _, height, width = image.shape
    covered = np.zeros((height, width), np.float32)
    image[:] = 0
    _add_fragments(front, b, covered, image)
    start, side, row = behind.start[b], behind.side[b], behind.panorama[b]
    words, shares = np.empty((4, width), np.int32), np.empty((2, width), np.float32)
    for y in range(height):
        if row < 0:
            _find_texels(start, side, behind.matrix[b], y, words, shares)
        else:
            _find_texels_at(start, side, behind.uv[row, 0, y], behind.uv[row, 1, y], words, shares)
        _look_up(behind.texels, words)
        # Each line is an array of its own: known to be contiguous, it is vectorized.
        _add_background(
            words, shares, behind.tint[b], behind.dark[b], covered[y], image[0, y], image[1, y], image[2, y]
        )


@typing.no_type_check
@njit(fastmath=True, error_model="numpy", cache=True)
def _add_fragments(front, b, covered, image):
    flat_cover, flat = covered.reshape(-1), image.reshape(3, -1)
    for i in range(front.bounds[b], front.bounds[b + 1]):
        p, share = front.pixel[i] - b * covered.size, MASK_SHARES[front.mask[i]]
        flat_cover[p] += share
        for c in range(3):
            flat[c, p] += front.colors[c, i] * share


@typing.no_type_check
@njit(fastmath=True, error_model="numpy", cache=True)
def _find_texels(start, side, matrix, y, words, shares):
    half, size = np.float32(0.5), np.float32(side)
    step_u, step_v = matrix[0, 0] * size, matrix[1, 0] * size
    u0 = (matrix[0, 1] * (np.float32(y) + half) + matrix[0, 2]) * size - half + half * step_u
    v0 = (matrix[1, 1] * (np.float32(y) + half) + matrix[1, 2]) * size - half + half * step_v
    for x in range(words.shape[1]):
        _note_texels(start, side, u0 + np.float32(x) * step_u, v0 + np.float32(x) * step_v, x, words, shares)


@typing.no_type_check
@njit(fastmath=True, error_model="numpy", cache=True)
def _find_texels_at(start, side, us, vs, words, shares):
    half, size = np.float32(0.5), np.float32(side)
    for x in range(words.shape[1]):
        _note_texels(start, side, us[x] * size - half, vs[x] * size - half, x, words, shares)


@typing.no_type_check
@njit(inline="always")
def _note_texels(start, side, u, v, x, words, shares):
    keep = np.int32(side - 1)
    left, top = np.floor(u), np.floor(v)
    shares[0, x], shares[1, x] = u - left, v - top
    i, j = np.int32(left), np.int32(top)
    i, k = i & keep, (i + np.int32(1)) & keep
    upper, lower = start + (j & keep) * side, start + ((j + np.int32(1)) & keep) * side
    words[0, x], words[1, x], words[2, x], words[3, x] = upper + i, upper + k, lower + i, lower + k


@typing.no_type_check
@njit(cache=True)
def _look_up(texels, words):
    for k in range(4):
        for x in range(words.shape[1]):
            # Unsigned, so that numba need not handle negative indices.
            words[k, x] = texels[np.uint32(words[k, x])]


@typing.no_type_check
@njit(inline="always")
def _blend(a, b, c, d, shift, s, t):
    one = np.float32(1)
    upper = np.float32((a >> shift) & 255) * (one - s) + np.float32((b >> shift) & 255) * s
    lower = np.float32((c >> shift) & 255) * (one - s) + np.float32((d >> shift) & 255) * s
    root = upper * (one - t) + lower * t
    return root * root


@typing.no_type_check
@njit(fastmath=True, error_model="numpy", cache=True)
def _add_background(words, shares, tint, dark, covered, red, green, blue):
    for x in range(len(red)):
        a, b, c, d, s, t = words[0, x], words[1, x], words[2, x], words[3, x], shares[0, x], shares[1, x]
        rest = np.float32(1) - covered[x]
        red[x] += (_blend(a, b, c, d, np.int32(0), s, t) * tint[0] + dark[0]) * rest
        green[x] += (_blend(a, b, c, d, np.int32(8), s, t) * tint[1] + dark[1]) * rest
        blue[x] += (_blend(a, b, c, d, np.int32(16), s, t) * tint[2] + dark[2]) * rest
