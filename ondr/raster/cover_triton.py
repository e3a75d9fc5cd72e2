"""Triton kernels that count the pixels that each instance would cover alone, on nvdiffrast's grid of sub-pixels.

Most triangles are a few pixels large: `_mark_small` does 32 of them at a time, one in each lane, and lists those that
are larger, which `_mark_large` does one by one with 32 columns at a time.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from jaxtyping import Int32
from torch import Tensor

from ondr.runtime.compiled import maybe_compiled

from .bits import WORD, count_bits, weigh_bits
from .limits import NEAR_METRES
from .soup import Soup

# Triangles that a program of `_mark_small` does at a time, and the longest side in pixels of a small one.
LANES, SMALL = 32, 16
# Programs of `_mark_large`, and rows that one does at a time, with which 18 programs fit a multiprocessor of an H100.
PROGRAMS, ROWS = 4096, 2


def covered_pixels(
    soup: Soup,
    instances: int,
    size: tuple[int, int],
    weights: Int32[Tensor, "image height width"] | None = None,
    *,
    compile: bool = False,
) -> Int32[Tensor, "instance"]:
    """Returns how many pixel centres inside the image each instance covers.

    Triangles that nvdiffrast draws unclipped are counted exactly, on its own grid. Those that it clips are tested
    without rounding, in homogeneous coordinates.

    Args:
        soup: The triangles.
        instances: How many instances there are.
        size: Height and width.
        weights: Weight of each pixel of the images that the instances belong to; None: 1.
        compile: Run a compiled function.
    """
    (height, width), device, total = size, soup.points.device, len(soup.kind)
    words = -(-width // WORD)
    bits = torch.zeros(instances, height, words, dtype=torch.int32, device=device)
    large = torch.empty(total, dtype=torch.int32, device=device)
    number = torch.zeros(1, dtype=torch.int32, device=device)
    # Triton launches on the current device, which need not be the bank's.
    with torch.cuda.device_of(bits):
        _mark_small[(triton.cdiv(total, LANES),)](
            soup.points, soup.kind, soup.instance, bits, large, number, total, height, width, words,
            LANES, SMALL, num_warps=1,
        )  # fmt: skip
        _mark_large[(PROGRAMS,)](
            soup.points, soup.corners, soup.kind, soup.instance, bits, large, number, height, width, words,
            1 / NEAR_METRES, PROGRAMS, ROWS, num_warps=1,
        )  # fmt: skip
    if weights is not None:
        return weigh_bits(bits, weights)
    covered: Tensor = maybe_compiled(_sum_of_bits, compile)(bits)
    return covered


def _sum_of_bits(bits: Tensor) -> Tensor:
    return count_bits(bits).flatten(1).sum(dim=1, dtype=torch.int32)


@triton.jit
def _mark_small(  # type: ignore[no-untyped-def]
    points, kind, owner, bits, large, number, total, height, width, words, LANES: tl.constexpr, SMALL: tl.constexpr
):
    """Sets the bits of the pixel centres that small triangles cover, and lists the others that are drawn.

    Integer edge functions at 1/16 pixel with the top-left rule, from the first pixel of each triangle on.
    """
    t = tl.program_id(0) * LANES + tl.arange(0, LANES)
    how = tl.load(kind + t, mask=t < total, other=0)
    p, snapped = points + 6 * t.to(tl.int64), how == 1
    x0, y0 = tl.load(p, mask=snapped, other=0), tl.load(p + 1, mask=snapped, other=0)
    x1, y1 = tl.load(p + 2, mask=snapped, other=0), tl.load(p + 3, mask=snapped, other=0)
    x2, y2 = tl.load(p + 4, mask=snapped, other=0), tl.load(p + 5, mask=snapped, other=0)
    least_x, most_x = tl.minimum(x0, tl.minimum(x1, x2)), tl.maximum(x0, tl.maximum(x1, x2))
    least_y, most_y = tl.minimum(y0, tl.minimum(y1, y2)), tl.maximum(y0, tl.maximum(y1, y2))
    left, right = tl.maximum((least_x + 7) >> 4, 0), tl.minimum((most_x - 8) >> 4, width - 1)
    top, bottom = tl.maximum((least_y + 7) >> 4, 0), tl.minimum((most_y - 8) >> 4, height - 1)
    seen = snapped & (left <= right) & (top <= bottom)
    small = seen & (most_x - least_x < 16 * SMALL) & (most_y - least_y < 16 * SMALL)
    _list(large, number, t, (seen & (small == 0)) | (how == 2))

    # Relative to the centre of the first pixel, all numbers of a small triangle are small.
    x0, x1, x2 = x0 - left * 16 - 8, x1 - left * 16 - 8, x2 - left * 16 - 8
    y0, y1, y2 = y0 - top * 16 - 8, y1 - top * 16 - 8, y2 - top * 16 - 8
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    small, sign = small & (area != 0), tl.where(area > 0, 1, -1)
    a, a_right, a_down = _edge_at(x1, y1, x2, y2, sign)
    b, b_right, b_down = _edge_at(x2, y2, x0, y0, sign)
    c, c_right, c_down = _edge_at(x0, y0, x1, y1, sign)
    place = bits + (tl.load(owner + t, mask=small, other=0) * height + top) * words + (left >> 5)
    rows, columns = tl.where(small, bottom - top + 1, 0), tl.where(small, right - left + 1, 0)
    most_columns = tl.max(columns, axis=0)
    for row in range(tl.max(rows, axis=0)):
        i, j, k = a, b, c
        found = tl.zeros((LANES,), tl.int32)
        for column in range(most_columns):
            found |= tl.where(((i | j | k) >= 0) & (column < columns), 1 << column, 0)
            i, j, k = i + a_right, j + b_right, k + c_right
        # A row of a small triangle lies in one word or in two.
        both = tl.where(row < rows, found, 0).to(tl.int64) << (left & 31)
        here, after = both.to(tl.int32), (both >> 32).to(tl.int32)
        tl.atomic_or(place + row * words, here, mask=here != 0, sem="relaxed")
        tl.atomic_or(place + row * words + 1, after, mask=after != 0, sem="relaxed")
        a, b, c = a + a_down, b + b_down, c + c_down


@triton.jit
def _list(into, number, values, chosen):  # type: ignore[no-untyped-def]
    """Appends values to a list."""
    ones = chosen.to(tl.int32)
    more = tl.sum(ones, axis=0)
    if more > 0:
        first = tl.atomic_add(number, more, sem="relaxed")
        tl.store(into + first + tl.cumsum(ones, axis=0) - 1, values, mask=chosen)


@triton.jit
def _edge_at(xa, ya, xb, yb, sign):  # type: ignore[no-untyped-def]
    """Returns an edge function at the first pixel, not negative inside, and its steps to the right and downwards."""
    dx, dy = (xb - xa) * sign, (yb - ya) * sign
    closed = (dy < 0) | ((dy == 0) & (dx > 0))
    return dy * xa - dx * ya - tl.where(closed, 0, 1), dy * -16, dx * 16


@triton.jit
def _mark_large(  # type: ignore[no-untyped-def]
    points, corners, kind, owner, bits, large, number, height, width, words, max_inverse,
    PROGRAMS: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    """Sets the bits of the pixel centres that the listed triangles cover."""
    for i in range(tl.program_id(0), tl.load(number), PROGRAMS):
        t = tl.load(large + i).to(tl.int64)
        mask = bits + tl.load(owner + t) * height * words
        if tl.load(kind + t) == 1:
            _mark_snapped(points + 6 * t, mask, height, width, words, ROWS)
        else:
            _mark_clipped(corners + 12 * t, mask, height, width, words, max_inverse, ROWS)


@triton.jit
def _mark_snapped(p, mask, height, width, words, ROWS: tl.constexpr):  # type: ignore[no-untyped-def]
    """Integer edge functions at 1/16 pixel with the top-left rule."""
    x0, y0 = tl.load(p).to(tl.int64), tl.load(p + 1).to(tl.int64)
    x1, y1 = tl.load(p + 2).to(tl.int64), tl.load(p + 3).to(tl.int64)
    x2, y2 = tl.load(p + 4).to(tl.int64), tl.load(p + 5).to(tl.int64)
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    if area != 0:
        sign = tl.where(area > 0, 1, -1)
        left = tl.maximum((tl.minimum(x0, tl.minimum(x1, x2)) + 7) >> 4, 0).to(tl.int32)
        right = tl.minimum((tl.maximum(x0, tl.maximum(x1, x2)) - 8) >> 4, width - 1).to(tl.int32)
        top = tl.maximum((tl.minimum(y0, tl.minimum(y1, y2)) + 7) >> 4, 0).to(tl.int32)
        bottom = tl.minimum((tl.maximum(y0, tl.maximum(y1, y2)) - 8) >> 4, height - 1).to(tl.int32)
        if left <= right:
            for y in range(top, bottom + 1, ROWS):
                for word in range(left >> 5, (right >> 5) + 1):
                    rows, columns = y + tl.arange(0, ROWS), word * 32 + tl.arange(0, 32)
                    v, u = (rows * 16 + 8).to(tl.int64)[:, None], (columns * 16 + 8).to(tl.int64)[None, :]
                    inside = _edge(x1, y1, x2, y2, u, v, sign) & _edge(x2, y2, x0, y0, u, v, sign)
                    inside = inside & _edge(x0, y0, x1, y1, u, v, sign)
                    _set(mask, inside, rows, columns, word, height, width, words)


@triton.jit
def _edge(xa, ya, xb, yb, u, v, sign):  # type: ignore[no-untyped-def]
    """Whether points lie on the inner side of an edge, or on it where it is a top or left edge."""
    dx, dy = (xb - xa) * sign, (yb - ya) * sign
    closed = (dy < 0) | ((dy == 0) & (dx > 0))
    return dx * (v - ya) - dy * (u - xa) >= tl.where(closed, 0, 1)


@triton.jit
def _mark_clipped(p, mask, height, width, words, max_inverse, ROWS: tl.constexpr):  # type: ignore[no-untyped-def]
    """Homogeneous edge functions: inside where all barycentric weights are positive, behind the near plane."""
    x0, y0, w0 = _in_pixels(p, height, width)
    x1, y1, w1 = _in_pixels(p + 4, height, width)
    x2, y2, w2 = _in_pixels(p + 8, height, width)
    ax, ay, aw = y1 * w2 - y2 * w1, x2 * w1 - x1 * w2, x1 * y2 - x2 * y1
    bx, by, bw = y2 * w0 - y0 * w2, x0 * w2 - x2 * w0, x2 * y0 - x0 * y2
    cx, cy, cw = y0 * w1 - y1 * w0, x1 * w0 - x0 * w1, x0 * y1 - x1 * y0
    det = x0 * ax + y0 * ay + w0 * aw
    if det != 0:
        # Without a division, which takes twenty instructions and as many registers: only signs and a sum are asked for.
        sign, most = tl.where(det > 0, 1.0, -1.0).to(tl.float64), tl.abs(det) * max_inverse
        ax, ay, aw = ax * sign, ay * sign, aw * sign
        bx, by, bw = bx * sign, by * sign, bw * sign
        cx, cy, cw = cx * sign, cy * sign, cw * sign
        for y in range(0, height, ROWS):
            for word in range(0, words):
                rows, columns = y + tl.arange(0, ROWS), word * 32 + tl.arange(0, 32)
                v, u = (rows.to(tl.float64) + 0.5)[:, None], (columns.to(tl.float64) + 0.5)[None, :]
                a, b, c = ax * u + ay * v + aw, bx * u + by * v + bw, cx * u + cy * v + cw
                # The weights' sum is |det| / z.
                inside = (a >= 0) & (b >= 0) & (c >= 0) & (a + b + c <= most)
                _set(mask, inside, rows, columns, word, height, width, words)


@triton.jit
def _in_pixels(p, height, width):  # type: ignore[no-untyped-def]
    """Loads x w, y w and w of a corner, x and y in pixels."""
    x, y, w = tl.load(p).to(tl.float64), tl.load(p + 1).to(tl.float64), tl.load(p + 3).to(tl.float64)
    return (x + w) * (width * 0.5), (y + w) * (height * 0.5), w


@triton.jit
def _set(mask, inside, rows, columns, word, height, width, words):  # type: ignore[no-untyped-def]
    """Sets bits of a block of pixels."""
    inside = inside & (rows < height)[:, None] & (columns < width)[None, :]
    lane = columns - word * 32
    value = tl.sum(tl.where(inside, (tl.full(inside.shape, 1, tl.int32) << lane[None, :]), 0), axis=1)
    tl.atomic_or(mask + rows * words + word, value, mask=value != 0, sem="relaxed")
