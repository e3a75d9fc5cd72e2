"""numba kernel that fills one snapped triangle: exact integer edges, top-left rule, nearest wins.

Where the corners come from is left to `triangle_numba`.
"""

from __future__ import annotations

import typing
from typing import NamedTuple

import numpy as np
from numba import njit

from .lanes_numba import LANES, make_draw_lanes
from .visibility import SAMPLES

# Vertices are rounded to 1/256 pixel; edge functions are then exact integers.
SUBPIXEL_BITS = 8
SUBPIXELS = 1 << SUBPIXEL_BITS

# Sample points within a pixel in sub-pixels; they are multiples of 1/8 pixel, so exact.
CENTER = SUBPIXELS // 2
POINTS = tuple((int(x * SUBPIXELS), int(y * SUBPIXELS)) for x, y in SAMPLES)
LEAST = min(map(min, POINTS))
GREATEST = max(map(max, POINTS))

# Pixels drawn at once, as powers of two: centres by four; samples, of which each pixel has four, by two.
_LANE_BITS = 2
_PAIR_BITS = 1
_draw_row = make_draw_lanes([(CENTER + SUBPIXELS * lane, CENTER) for lane in range(LANES)])
_draw_samples = make_draw_lanes([(x + SUBPIXELS * pixel, y) for pixel in range(1 << _PAIR_BITS) for x, y in POINTS])
_ALL = (1 << LANES) - 1
# Number of bits set in each mask of four, a hexadecimal digit each.
_ONES = sum(mask.bit_count() << 4 * mask for mask in range(1 << LANES))

# Width in pixels from which finding each row's ends pays off.
_WIDE = 8
# Stands for a row's end where an edge sets none.
_FAR = 1e9
# Widens a row's ends, which are found in floating point, in pixels; exact tests follow.
_MARGIN = 0.01


class Layers(NamedTuple):
    """Depth and id buffers of an image.

    A key is (bits of 1/z as float32) << 32 | id, so that the nearest triangle has the greatest key and on equal depth
    the later one wins; 0 stands for none.
    """

    width: int
    """Pixels per row."""
    centers: np.ndarray
    """int64 [H * pitch]: keys at the pixels' centres; the pitch is the width rounded up to whole lanes."""
    samples: np.ndarray
    """int64 [H * pitch * 4]: keys at the pixels' samples; empty if they are not drawn."""
    cover: np.ndarray
    """int32 [H, pitch / 4]: slot << 4 | mask of covered centres, of the last instance to cover any of four centres."""
    weights: np.ndarray
    """int32 [H, W]: weight of each centre in the counts; [0, 0]: all are 1."""


@typing.no_type_check
@njit(cache=True, error_model="numpy", forceinline=True)
def fill(layers, slot, low, area, p0, p1, p2):
    """Draws a triangle; returns the weighted number of centres that its instance had not covered before.

    A point is inside where all three edge functions are positive, or zero on a top or left edge.

    Args:
        layers: Drawn into.
        slot: The instance.
        low: The lower half of the keys: the triangle's id.
        area: Twice the signed area in square sub-pixels, not 0.
        p0: Corner: x and y in sub-pixels, 1/z.
        p1: Corner.
        p2: Corner.
    """
    if area < 0:
        p1, p2, area = p2, p1, -area
    sampled = layers.samples.size > 0
    least, greatest = (LEAST, GREATEST) if sampled else (CENTER, CENTER)
    left = max((min(p0[0], p1[0], p2[0]) - greatest + SUBPIXELS - 1) >> SUBPIXEL_BITS, 0)
    right = min((max(p0[0], p1[0], p2[0]) - least) >> SUBPIXEL_BITS, layers.width - 1)
    top = max((min(p0[1], p1[1], p2[1]) - greatest + SUBPIXELS - 1) >> SUBPIXEL_BITS, 0)
    bottom = min((max(p0[1], p1[1], p2[1]) - least) >> SUBPIXEL_BITS, layers.cover.shape[0] - 1)
    if left > right or top > bottom:
        return 0
    x, y = left << SUBPIXEL_BITS, top << SUBPIXEL_BITS
    a, b, c = _edge(p1, p2, x, y), _edge(p2, p0, x, y), _edge(p0, p1, x, y)
    per_b, per_c = (p1[2] - p0[2]) / area, (p2[2] - p0[2]) / area
    w = (p0[2] + b[0] * per_b + c[0] * per_c, b[1] * per_b + c[1] * per_c, b[2] * per_b + c[2] * per_c)
    a, b, c = _exclusive(a), _exclusive(b), _exclusive(c)
    wide = right - left > _WIDE
    ends_a, ends_b, ends_c = _ends(a, wide, sampled), _ends(b, wide, sampled), _ends(c, wide, sampled)
    covered = 0
    for y in range(top, bottom + 1):
        row = y - top
        first, last = left, right
        if wide:
            begin = max(ends_a[0] + row * ends_a[1], ends_b[0] + row * ends_b[1], ends_c[0] + row * ends_c[1])
            end = min(ends_a[2] + row * ends_a[3], ends_b[2] + row * ends_b[3], ends_c[2] + row * ends_c[3])
            first += np.int64(max(begin - _MARGIN, -1.0) + 1.0)
            last = min(last, left + np.int64(end + _MARGIN))
        for group in range(first >> _LANE_BITS, (last >> _LANE_BITS) + 1):
            x = group << _LANE_BITS
            index = (y * layers.cover.shape[1] << _LANE_BITS) + x
            dx = x - left
            inside = _draw_row(
                layers.centers, index, low, _at(a, dx, row), _at(b, dx, row), _at(c, dx, row), _at(w, dx, row)
            )
            covered += _count(layers, slot, y, group, inside)
        if sampled:
            for pair in range(first >> _PAIR_BITS, (last >> _PAIR_BITS) + 1):
                x = pair << _PAIR_BITS
                index = ((y * layers.cover.shape[1] << _LANE_BITS) + x) * LANES
                dx = x - left
                _draw_samples(
                    layers.samples, index, low, _at(a, dx, row), _at(b, dx, row), _at(c, dx, row), _at(w, dx, row)
                )
    return covered


@typing.no_type_check
@njit(cache=True, error_model="numpy", forceinline=True)
def _edge(p, q, x, y):
    """Returns the edge function from p to q: its value at (x, y) and its increments per sub-pixel right and down."""
    right, down = p[1] - q[1], q[0] - p[0]
    return right * (x - p[0]) + down * (y - p[1]), right, down


@typing.no_type_check
@njit(cache=True, error_model="numpy", forceinline=True)
def _exclusive(edge):
    """Subtracts 1 from an edge that is neither top nor left, so that inside means >= 0 for every edge."""
    value, right, down = edge
    return value - (0 if right > 0 or (right == 0 and down > 0) else 1), right, down


@typing.no_type_check
@njit(cache=True, error_model="numpy", forceinline=True)
def _at(function, columns, rows):
    """Moves the origin of a linear function by whole pixels."""
    value, right, down = function
    return value + (columns * right + rows * down) * SUBPIXELS, right, down


@typing.no_type_check
@njit(cache=True, error_model="numpy", forceinline=True)
def _ends(edge, wide, sampled):
    """Returns the bounds that an edge sets to a row: first pixel, its change per row; last pixel, its change per row.

    They are real numbers relative to the edge function's origin, for the point of a pixel that is inside first.
    """
    value, right, down = edge
    if not wide or right == 0:
        return -_FAR, 0.0, _FAR, 0.0
    reach = CENTER * (right + down)
    if sampled:
        for point in POINTS:
            reach = max(reach, right * point[0] + down * point[1])
    zero, slope = -(value + reach) / (right * SUBPIXELS), -down / right
    if right > 0:
        return zero, slope, _FAR, 0.0
    return -_FAR, 0.0, zero, slope


@typing.no_type_check
@njit(cache=True, error_model="numpy", forceinline=True)
def _count(layers, slot, y, group, inside):
    """Records which of four centres an instance covers and returns the summed weights of the new ones."""
    beyond = (group + 1) * LANES - layers.width
    if beyond > 0:
        inside &= _ALL >> beyond
    cell = layers.cover[y, group]
    before = cell & _ALL if cell >> LANES == slot else 0
    layers.cover[y, group] = slot << LANES | before | inside
    new = inside & ~before
    if layers.weights.size == 0:
        return _ONES >> 4 * new & 15
    total = 0
    for lane in range(LANES):
        if new >> lane & 1:
            total += layers.weights[y, group * LANES + lane]
    return total
