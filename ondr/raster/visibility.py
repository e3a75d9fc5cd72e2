"""The types that every rasterizer returns."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float, Float32, Int16, Int32, UInt8
from torch import Tensor


@dataclass(frozen=True)
class Visibility:
    """Which triangle each pixel centre sees, and how many pixels each instance would cover alone."""

    triangle: Int32[Tensor, "batch height width"]
    """Row of the bank's triangles; -1 for none."""
    slot: Int16[Tensor, "batch height width"]
    """Which of the image's instances; -1 for none."""
    covered: Int32[Tensor, "batch slot"]
    """Pixels inside the image that the instance would cover alone, or the sum of their weights."""


@dataclass(frozen=True)
class SampleGrid:
    """What 2 x 2 samples of each pixel see, as an image of twice the size."""

    triangle: Int32[Tensor, "batch height2 width2"]
    """Row of the bank's triangles; -1 for none."""
    slot: Int16[Tensor, "batch height2 width2"]
    """Which of the image's instances; -1 for none."""
    nearness: Float32[Tensor, "batch height2 width2"] | None = None
    """1 / depth, 1/metres; 0 for none. None: it is not known, as on the CPU and through a lens."""


@dataclass(frozen=True)
class Fragments:
    """The surfaces that the pixels' samples see, as one flat list in the order of pixels.

    A pixel has four samples (`SAMPLES`) for antialiasing. Samples that see one smooth surface make one fragment.
    """

    pixel: Int32[Tensor, "fragment"]
    """(image * height + y) * width + x."""
    triangle: Int32[Tensor, "fragment"]
    """Row of the bank's triangles."""
    instance: Int32[Tensor, "fragment"]
    """image * S + slot."""
    mask: UInt8[Tensor, "fragment"]
    """Bit j: sample j of the pixel sees it. A fragment with 15 covers the whole pixel and is shaded at its centre, any
    other at the mean position of its samples. Samples in no fragment see the background."""


SAMPLES = ((0.375, 0.125), (0.875, 0.375), (0.125, 0.625), (0.625, 0.875))
"""Sample positions within a pixel, x and y: a rotated grid, so that horizontal and vertical edges get four steps."""

STEP_PX = 4.0
"""If the depths of two samples of one smooth patch differ by more pixel widths than this, a silhouette lies between."""


def silhouette_step(intrinsics: Float[Tensor, "batch 3 3"]) -> Float32[Tensor, "batch"]:
    """Returns the relative difference of 1 / depth above which a silhouette lies between two samples of a pixel."""
    (a, b), (c, d) = (row.unbind(-1) for row in intrinsics.detach().double()[:, :2, :2].unbind(1))
    return (STEP_PX / (a * d - b * c).abs().sqrt()).float()
