"""Antialiased composition: shaded surfaces over the background, in linear light.

This definition is in torch and differentiable; `compose_numba` does the same faster.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.imaging.background import BackgroundTables, background_planes
from ondr.planes import add_product
from ondr.raster.visibility import SAMPLES, Fragments


def coverage(mask: Tensor) -> Tensor:
    """Returns the share of a pixel's samples in a mask."""
    return sum((mask >> j & 1 for j in range(len(SAMPLES))), torch.zeros_like(mask)) / len(SAMPLES)


def compose(
    fragments: Fragments, colors: Float[Tensor, "3 fragment"], tables: BackgroundTables, size: tuple[int, int]
) -> Float[Tensor, "batch 3 height width"]:
    """Adds up fragments, weighted by their share of the pixel, over the background.

    Args:
        fragments: The batch's.
        colors: Linear RGB of each fragment.
        tables: The backgrounds'.
        size: Height and width.

    Returns:
        Linear RGB.
    """
    height, width = size
    batch = len(tables.color)
    weight = coverage(fragments.mask).to(colors.dtype)
    rows = torch.cat([colors * weight, weight[None]])
    total = rows.new_zeros(4, batch * height * width).index_add(1, fragments.pixel, rows)
    *front, covered = total.view(4, batch, height, width)
    behind = background_planes(tables, size)
    return torch.stack([add_product(f, b, 1 - covered) for f, b in zip(front, behind, strict=True)], dim=1)
