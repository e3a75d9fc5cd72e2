"""The points that a GPU shades: pixels that see one surface, at their centre, and the samples of all others.

Most pixels that see anything see one smooth surface, which is shaded once. Where the samples of a pixel see different
surfaces, or some see none, each is shaded.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
from jaxtyping import Float32, Int16, Int32, UInt8
from torch import Tensor

from ondr.planes import places, take_one
from ondr.raster.visibility import SampleGrid, Visibility
from ondr.runtime.compiled import maybe_compiled

SAMPLES_2X2 = ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))
"""Positions of the 2 x 2 samples within a pixel, row by row."""

NOTHING, WHOLE, EDGE = 0, 1, 2
"""What the samples of a pixel see: no surface, one, or several."""


@dataclass(frozen=True)
class ShadingPoints:
    """Points of a batch's images: the centres of pixels, then the samples of edges, pixel by pixel."""

    pixel: Int32[Tensor, "point"]
    """(image * height + y) * width + x."""
    triangle: Int32[Tensor, "point"]
    """Row of the bank's triangles; -1 for none."""
    slot: Int16[Tensor, "point"]
    """Which of the image's instances; -1 for none."""
    sample: UInt8[Tensor, "point"]
    """Where in the pixel: from 1, which of `SAMPLES_2X2`; 0: its centre."""
    edges: int = 0
    """Number of pixels whose samples are the last points, `len(SAMPLES_2X2)` of each."""


def points_of_centers(visibility: Visibility) -> ShadingPoints:
    """Returns the pixels that see a surface, at their centre: images without antialiasing. The host waits for their
    number."""
    triangle, slot = visibility.triangle.flatten(), visibility.slot.flatten()
    return _centers((triangle >= 0).nonzero()[:, 0], triangle, slot)


def points_of_samples(
    visibility: Visibility,
    samples: SampleGrid,
    patches: Int32[Tensor, "triangle"],
    step: Float32[Tensor, "batch"],
    *,
    compile: bool = False,
) -> ShadingPoints:
    """Returns the pixels that see one surface, and the samples of edges.

    Samples see one surface if instance and smooth patch are equal and the depth does not jump. The triangle of such a
    pixel is the one at its centre if that shows the same surface, else that of the first sample.

    The host waits for the numbers of both. It has just waited in the rasterizer, so that the device has little left to
    do.

    Args:
        visibility: What the pixels' centres see.
        samples: What 2 x 2 samples of each see.
        patches: `Bank.patches`.
        step: `silhouette_step` of the images.
        compile: Run a compiled function.
    """
    what = (visibility.triangle, visibility.slot, samples.triangle, samples.slot, samples.nearness, patches, step)
    kind, triangle, slot = maybe_compiled(group_samples, compile)(*what)
    centers = _centers((kind == WHOLE).flatten().nonzero()[:, 0], triangle.flatten(), slot.flatten())
    edge = (kind == EDGE).flatten().nonzero()[:, 0]
    height, width = kind.shape[1:]
    image, row, column = places(edge, (height, width))
    first = ((image * height + row) * 2 * width + column) * 2
    at = torch.stack([first, first + 1, first + 2 * width, first + 2 * width + 1], dim=1).flatten()
    number = torch.arange(1, 1 + len(SAMPLES_2X2), dtype=torch.uint8, device=edge.device)
    return ShadingPoints(
        pixel=torch.cat([centers.pixel, edge.int().repeat_interleave(len(SAMPLES_2X2))]),
        triangle=torch.cat([centers.triangle, samples.triangle.flatten()[at]]),
        slot=torch.cat([centers.slot, samples.slot.flatten()[at]]),
        sample=torch.cat([centers.sample, number.repeat(len(edge))]),
        edges=len(edge),
    )


def _centers(pixel: Tensor, triangle: Tensor, slot: Tensor) -> ShadingPoints:
    return ShadingPoints(pixel.int(), triangle[pixel], slot[pixel], torch.zeros_like(pixel, dtype=torch.uint8))


def group_samples(
    center_triangle: Int32[Tensor, "batch height width"],
    center_slot: Int16[Tensor, "batch height width"],
    triangle: Int32[Tensor, "batch height2 width2"],
    slot: Int16[Tensor, "batch height2 width2"],
    nearness: Float32[Tensor, "batch height2 width2"] | None,
    patches: Int32[Tensor, "triangle"],
    step: Float32[Tensor, "batch"],
) -> tuple[Tensor, Tensor, Tensor]:
    """Returns what the samples of each pixel see, uint8, and triangle and slot of those that see one surface."""
    planes = (triangle, slot, nearness) if nearness is not None else (triangle, slot)
    first, *others = ([plane[:, j::2, i::2] for plane in planes] for j in (0, 1) for i in (0, 1))
    is_one = functools.reduce(torch.logical_and, [_alike(first, other, patches, step) for other in others])
    kind = torch.where(is_one, torch.where(first[0] >= 0, WHOLE, NOTHING), EDGE)
    inside = _alike(first[:2], [center_triangle, center_slot], patches, step)
    return kind.to(torch.uint8), torch.where(inside, center_triangle, first[0]), first[1].clone()


def _alike(one: list[Tensor], other: list[Tensor], patches: Tensor, step: Tensor) -> Tensor:
    """Returns where triangle, slot and perhaps nearness are of one surface, or both of none."""
    smooth = take_one(patches, one[0].clamp_min(0)) == take_one(patches, other[0].clamp_min(0))
    if len(one) == 3:
        smooth = smooth & ((one[2] - other[2]).abs() <= step[:, None, None] * one[2])
    return (one[1] == other[1]) & ((one[0] == other[0]) | smooth)
