"""Antialiasing on a GPU: which pixels have samples that see different surfaces."""

from __future__ import annotations

import functools

import torch
from jaxtyping import Float32, Int16, Int32
from torch import Tensor

from ondr.imaging.grid import Edges, Grid
from ondr.planes import places, take_one
from ondr.raster.visibility import SampleGrid, Visibility
from ondr.runtime.compiled import maybe_compiled

Ids = tuple[Tensor, Tensor]
"""Triangle and slot of each pixel, `[batch, height, width]`."""


def grid_with_edges(
    visibility: Visibility,
    samples: SampleGrid,
    patches: Int32[Tensor, "triangle"],
    step: Float32[Tensor, "batch"],
    *,
    compile: bool = False,
) -> Grid:
    """Returns what pixels see, and their samples where these see different surfaces.

    Samples see one surface if instance and smooth patch are equal and the depth does not jump. The triangle of such a
    pixel is the one at its centre if that shows the same surface, else that of the first sample.

    The host waits for the number of edges. It has just waited in the rasterizer, so that the device has little to do
    until then.

    Args:
        visibility: What the pixels' centres see.
        samples: What 2 x 2 samples of each see.
        patches: `Bank.patches`.
        step: `silhouette_step` of the images.
        compile: Run a compiled function.
    """
    what = (visibility.triangle, visibility.slot, samples.triangle, samples.slot, samples.nearness, patches, step)
    is_edge, triangle, slot = maybe_compiled(group_samples, compile)(*what)
    pixel = is_edge.flatten().nonzero()[:, 0]
    if not len(pixel):
        return Grid(triangle, slot)
    height, width = triangle.shape[1:]
    image, row, column = places(pixel, (height, width))
    first = ((image * height + row) * 2 * width + column) * 2
    at = torch.stack([first, first + 1, first + 2 * width, first + 2 * width + 1], dim=1)
    return Grid(triangle, slot, Edges(pixel.int(), samples.triangle.flatten()[at], samples.slot.flatten()[at]))


def group_samples(
    center_triangle: Int32[Tensor, "batch height width"],
    center_slot: Int16[Tensor, "batch height width"],
    triangle: Int32[Tensor, "batch height2 width2"],
    slot: Int16[Tensor, "batch height2 width2"],
    nearness: Float32[Tensor, "batch height2 width2"] | None,
    patches: Int32[Tensor, "triangle"],
    step: Float32[Tensor, "batch"],
) -> tuple[Tensor, Tensor, Tensor]:
    """Returns which pixels have samples of different surfaces, and triangle and slot of all others."""
    planes = (triangle, slot, nearness) if nearness is not None else (triangle, slot)
    first, *others = ([plane[:, j::2, i::2] for plane in planes] for j in (0, 1) for i in (0, 1))
    alike = [_alike(first, other, patches, step) for other in others]
    is_one = functools.reduce(torch.logical_and, alike)
    inside = _alike(first[:2], [center_triangle, center_slot], patches, step)
    return ~is_one, torch.where(inside, center_triangle, first[0]), first[1].clone()


def _alike(one: list[Tensor], other: list[Tensor], patches: Tensor, step: Tensor) -> Tensor:
    """Returns where triangle, slot and perhaps nearness are of one surface, or both of none."""
    smooth = take_one(patches, one[0].clamp_min(0)) == take_one(patches, other[0].clamp_min(0))
    if len(one) == 3:
        smooth = smooth & ((one[2] - other[2]).abs() <= step[:, None, None] * one[2])
    return (one[1] == other[1]) & ((one[0] == other[0]) | smooth)
