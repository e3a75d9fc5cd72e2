"""Gaussian blur of linear light, on the images that drew one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.device import upload

REACH = 3.0
"""Standard deviations that the kernel reaches to; 0.3 % of a Gaussian lies beyond."""


def blur(
    linear: Float[Tensor, "batch 3 height width"],
    sigma: Float[Tensor, "batch"],
    rows: Sequence[int],
    largest_sigma: float,
) -> Float[Tensor, "batch 3 height width"]:
    """Blurs some of the images of a batch, mirrored at the border.

    Args:
        linear: Linear RGB.
        sigma: Standard deviations in pixels.
        rows: Which images; the others are left as they are.
        largest_sigma: The largest that can be drawn, in pixels. On a GPU it fixes the size of all kernels, so that the
            device need not be asked; on the CPU an image's kernel is as large as its own blur needs.
    """
    if not rows:
        return linear
    if linear.device.type == "cpu":
        reaches = {row: _radius(value) for row, value in zip(rows, sigma.detach()[list(rows)].tolist(), strict=True)}
    else:
        reaches = dict.fromkeys(rows, _radius(largest_sigma))
    for radius in sorted(set(reaches.values())):
        index = upload(torch.tensor([row for row in rows if reaches[row] == radius]), linear.device)
        linear = linear.index_copy(0, index, _blurred(linear[index], sigma[index], radius))
    return linear


def _radius(sigma: float) -> int:
    return max(math.ceil(REACH * sigma), 1)


def _blurred(images: Tensor, sigma: Tensor, radius: int) -> Tensor:
    from kornia.filters import filter2d_separable, get_gaussian_kernel1d

    # Mirroring cannot reach beyond the image.
    radius = min(radius, min(images.shape[-2:]) - 1)
    kernel = get_gaussian_kernel1d(2 * radius + 1, sigma[:, None].to(images.dtype))
    return filter2d_separable(images, kernel, kernel, border_type="reflect")
