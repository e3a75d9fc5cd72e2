"""Gaussian blur of linear light, on the images that drew it: by kornia, or on the CPU by its fast twin `blur_numba`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ondr.leaves import needs_grad
from ondr.runtime.device import upload

REACH = 3.0
"""Half the kernel's width in standard deviations; 0.3 % of a Gaussian lies beyond."""


def blur(
    linear: Float[Tensor, "batch 3 height width"],
    sigma: Float[Tensor, "batch"],
    rows: Sequence[int],
    largest_sigma: float,
    in_place: bool = False,
) -> Float[Tensor, "batch 3 height width"]:
    """Blurs some of the images of a batch, mirrored at the border.

    Args:
        linear: Linear RGB.
        sigma: Standard deviations in pixels.
        rows: Which images; the others are left as they are.
        largest_sigma: The largest that can be drawn, in pixels. On a GPU it fixes the size of all kernels, so that the
            host need not wait for values; on the CPU each image's kernel has the size that its own sigma needs.
        in_place: The images may be overwritten.
    """
    if not rows:
        return linear
    size = linear.shape[-2:]
    if linear.device.type == "cpu" and not needs_grad(linear, sigma):
        from ondr.imaging import blur_numba

        reach = reach_of(sigma, rows, size)
        return blur_numba.blur(linear.detach(), sigma.detach(), reach, in_place and linear.is_contiguous())
    return _on_rows(linear, sigma, _reaches(sigma, rows, size, largest_sigma))


def reach_of(sigma: Float[Tensor, "batch"], rows: Sequence[int], size: Sequence[int]) -> Int64[Tensor, "batch"]:
    """Returns how many pixels to each side each image's kernel covers on the CPU; 0 for one that is not blurred.

    Args:
        sigma: Standard deviations in pixels.
        rows: Which images are blurred.
        size: Height and width.
    """
    reaches = _reaches(sigma, rows, size)
    return torch.tensor([reaches.get(row, 0) for row in range(len(sigma))], dtype=torch.int64)


def _reaches(sigma: Tensor, rows: Sequence[int], size: Sequence[int], largest_sigma: float = 0.0) -> dict[int, int]:
    """Returns how many pixels to each side the kernel of each row covers, at most what mirroring the image provides."""
    most = min(size) - 1
    if sigma.device.type != "cpu":
        return dict.fromkeys(rows, min(_radius(largest_sigma), most))
    values = sigma.detach().tolist()
    return {row: min(_radius(values[row]), most) for row in rows}


def _on_rows(linear: Tensor, sigma: Tensor, reaches: dict[int, int]) -> Tensor:
    """Blurs by kornia, rows with kernels of one size together."""
    for radius in sorted(set(reaches.values())):
        index = upload(torch.tensor([row for row, reach in reaches.items() if reach == radius]), linear.device)
        linear = linear.index_copy(0, index, _blurred(linear[index], sigma[index], radius))
    return linear


def _radius(sigma: float) -> int:
    return max(math.ceil(REACH * sigma), 1)


def _blurred(images: Tensor, sigma: Tensor, radius: int) -> Tensor:
    from kornia.filters import filter2d_separable, get_gaussian_kernel1d

    kernel = get_gaussian_kernel1d(2 * radius + 1, sigma[:, None].to(images.dtype))
    return filter2d_separable(images, kernel, kernel, border_type="reflect")
