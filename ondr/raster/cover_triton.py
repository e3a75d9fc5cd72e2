"""Triton kernel that counts the pixels that each instance would cover alone, on nvdiffrast's grid of sub-pixels."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from jaxtyping import Int32
from torch import Tensor

from .bits import WORD, count_bits, weigh_bits
from .limits import NEAR_METRES
from .soup import Soup

# Rows that a program does at a time. Compiled for an H100, two take 58 registers, eight 168, with which only 12 of 32
# programs fit a multiprocessor; most triangles are a few rows high.
ROWS = 2

# How a program treats its triangle.
SKIP, SNAPPED, CLIPPED = 0, 1, 2


def covered_pixels(
    soup: Soup, instances: int, size: tuple[int, int], weights: Int32[Tensor, "image height width"] | None = None
) -> Int32[Tensor, "instance"]:
    """Returns how many pixel centres inside the image each instance covers.

    Triangles that nvdiffrast draws unclipped are counted exactly, on its own grid. Those that it clips are tested
    without rounding, in homogeneous coordinates.

    Args:
        soup: The triangles.
        instances: How many instances there are.
        size: Height and width.
        weights: Weight of each pixel of the images that the instances belong to; None: 1.
    """
    height, width = size
    words = -(-width // WORD)
    bits = torch.zeros(instances, height, words, dtype=torch.int32, device=soup.points.device)
    kind = torch.where(soup.drawn, torch.where(soup.whole, SNAPPED, CLIPPED), SKIP).to(torch.int32)
    if len(kind):
        # Triton launches on the current device, which need not be the bank's.
        with torch.cuda.device_of(bits):
            _mark[(len(kind),)](
                soup.points.contiguous(), _in_pixels(soup, size), kind, soup.instance, bits,
                height, width, words, 1 / NEAR_METRES, ROWS, num_warps=1,
            )  # fmt: skip
    return count_bits(bits).flatten(1).sum(dim=1, dtype=torch.int32) if weights is None else weigh_bits(bits, weights)


def _in_pixels(soup: Soup, size: tuple[int, int]) -> Tensor:
    """Returns (x w, y w, w) of each corner, x and y in pixels."""
    x, y, _, w = soup.corners.unbind(-1)
    return torch.stack([(x + w) * (size[1] / 2), (y + w) * (size[0] / 2), w], dim=-1)


@triton.jit
def _mark(points, corners, kind, owner, bits, height, width, words, max_inverse, ROWS: tl.constexpr):  # type: ignore[no-untyped-def]
    """Sets the bits of the pixel centres that one triangle covers in the mask of its instance."""
    t = tl.program_id(0).to(tl.int64)
    how = tl.load(kind + t)
    mask = bits + tl.load(owner + t) * height * words
    if how == 1:
        _mark_snapped(points + 6 * t, mask, height, width, words, ROWS)
    if how == 2:
        _mark_clipped(corners + 9 * t, mask, height, width, words, max_inverse, ROWS)


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
    x0, y0, w0 = tl.load(p).to(tl.float64), tl.load(p + 1).to(tl.float64), tl.load(p + 2).to(tl.float64)
    x1, y1, w1 = tl.load(p + 3).to(tl.float64), tl.load(p + 4).to(tl.float64), tl.load(p + 5).to(tl.float64)
    x2, y2, w2 = tl.load(p + 6).to(tl.float64), tl.load(p + 7).to(tl.float64), tl.load(p + 8).to(tl.float64)
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
def _set(mask, inside, rows, columns, word, height, width, words):  # type: ignore[no-untyped-def]
    """Sets bits of a block of pixels."""
    inside = inside & (rows < height)[:, None] & (columns < width)[None, :]
    lane = columns - word * 32
    value = tl.sum(tl.where(inside, (tl.full(inside.shape, 1, tl.int32) << lane[None, :]), 0), axis=1)
    tl.atomic_or(mask + rows * words + word, value, mask=value != 0, sem="relaxed")
