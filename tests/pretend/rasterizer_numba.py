"""A rasterizer of a few lines that keeps nvdiffrast's contract: what it is given, where, and what it returns."""

from __future__ import annotations

import numpy as np
import torch
from numba import njit
from torch import Tensor

from tests.pretend.device import Pretended

MOST_IMAGES, LONGEST = 256, 2048


def rasterize(
    context: object, pos: Tensor, tri: Tensor, resolution: tuple[int, int], ranges: Tensor, grad_db: bool = True
) -> tuple[Tensor, Tensor]:
    """Stands for `nvdiffrast.torch.rasterize` in range mode."""
    height, width = resolution
    for tensor, dtype, columns in ((pos, torch.float32, 4), (tri, torch.int32, 3)):
        assert isinstance(tensor, Pretended)
        assert tensor.dtype == dtype
        assert tensor.is_contiguous()
        assert tensor.dim() == 2
        assert tensor.shape[1] == columns
        assert len(tensor)
    assert type(ranges) is Tensor
    assert ranges.dtype == torch.int32
    assert ranges.is_contiguous()
    assert 0 < len(ranges) <= MOST_IMAGES
    assert type(height) is int
    assert type(width) is int
    assert max(height, width) <= LONGEST
    found, depth = np.zeros((len(ranges), height, width), np.int32), np.zeros((len(ranges), height, width))
    corners = pos.on_cpu.numpy()[tri.on_cpu.numpy()].astype(np.float64)
    assert ranges[:, 1].sum() <= len(corners)
    _draw(corners, ranges.numpy(), found, depth)
    out = torch.zeros(*found.shape, 4)
    out[..., 2] = torch.from_numpy(depth)
    out[..., 3] = torch.from_numpy(found)
    return Pretended(out), Pretended(torch.zeros_like(out))


def covered_pixels(
    soup: object, instances: int, size: tuple[int, int], weights: Tensor | None = None, *, compile: bool = False
) -> Tensor:
    """Stands for `cover_triton.covered_pixels`."""
    corners = soup.corners.on_cpu.numpy().astype(np.float64)
    owner = soup.instance.on_cpu.numpy()
    slots = 1 if weights is None else instances // len(weights)
    weighed = np.ones((1, *size), np.int32) if weights is None else weights.on_cpu.numpy()
    covered = np.zeros(instances, np.int32)
    for instance in range(instances):
        mine = corners[owner == instance]
        found = np.zeros((1, *size), np.int32)
        _draw(mine, np.array([[0, len(mine)]], np.int32), found, np.zeros(found.shape))
        covered[instance] = weighed[instance // slots if weights is not None else 0][found[0] > 0].sum()
    return Pretended(torch.from_numpy(covered))


@njit
def _draw(corners, ranges, found, depths):  # type: ignore[no-untyped-def]
    """Writes which triangle each pixel sees, from 1, and its z / w: in homogeneous coordinates, the least in -1..1."""
    _, height, width = found.shape
    for image in range(len(ranges)):
        nearest = np.full((height, width), np.inf)
        for t in range(ranges[image, 0], ranges[image, 0] + ranges[image, 1]):
            c = corners[t]
            x, y, z, w = c[:, 0], c[:, 1], c[:, 2], c[:, 3]
            ax, ay, aw = y[1] * w[2] - y[2] * w[1], w[1] * x[2] - w[2] * x[1], x[1] * y[2] - x[2] * y[1]
            bx, by, bw = y[2] * w[0] - y[0] * w[2], w[2] * x[0] - w[0] * x[2], x[2] * y[0] - x[0] * y[2]
            cx, cy, cw = y[0] * w[1] - y[1] * w[0], w[0] * x[1] - w[1] * x[0], x[0] * y[1] - x[1] * y[0]
            det = x[0] * ax + y[0] * ay + w[0] * aw
            if det == 0:
                continue
            left, right, top, bottom = 0, width - 1, 0, height - 1
            if w.min() > 0:
                left = max(left, int(np.floor((np.min(x / w) + 1) * width / 2 - 0.5)))
                right = min(right, int(np.ceil((np.max(x / w) + 1) * width / 2 - 0.5)))
                top = max(top, int(np.floor((np.min(y / w) + 1) * height / 2 - 0.5)))
                bottom = min(bottom, int(np.ceil((np.max(y / w) + 1) * height / 2 - 0.5)))
            for row in range(top, bottom + 1):
                v = (2 * row + 1) / height - 1
                for column in range(left, right + 1):
                    u = (2 * column + 1) / width - 1
                    a, b, g = (ax * u + ay * v + aw) / det, (bx * u + by * v + bw) / det, (cx * u + cy * v + cw) / det
                    if a < 0 or b < 0 or g < 0:
                        continue
                    depth = a * z[0] + b * z[1] + g * z[2]
                    if -1 <= depth <= 1 and depth <= nearest[row, column]:
                        nearest[row, column] = depth
                        found[image, row, column], depths[image, row, column] = t + 1, depth
