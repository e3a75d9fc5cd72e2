"""What a rasterizer answers: the types that every backend returns."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Int16, Int32, UInt8
from torch import Tensor


@dataclass(frozen=True)
class Visibility:
    """Which triangle each pixel centre sees, and how many pixels each instance would cover alone."""

    triangle: Int32[Tensor, "batch height width"]
    """Row of the bank's triangles; -1 for none."""
    slot: Int16[Tensor, "batch height width"]
    """Which of the image's instances; -1 for none."""
    covered: Int32[Tensor, "batch slot"]
    """Pixels inside the image that the instance would cover alone, each as often as it counts."""


@dataclass(frozen=True)
class Fragments:
    """The surfaces that the pixels' samples see, as one flat list, ordered by pixel.

    A pixel has four samples (`SAMPLES`) for antialiasing. Samples that see one smooth surface make one fragment.
    """

    pixel: Int32[Tensor, "fragment"]
    """(image * height + y) * width + x."""
    triangle: Int32[Tensor, "fragment"]
    """Row of the bank's triangles."""
    instance: Int32[Tensor, "fragment"]
    """image * S + slot."""
    mask: UInt8[Tensor, "fragment"]
    """Bit j: sample j of the pixel sees it. 15: the whole pixel, shaded at its centre; otherwise shaded at the mean
    position of its samples. The pixel's background has the samples that no fragment has."""


SAMPLES = ((0.375, 0.125), (0.875, 0.375), (0.125, 0.625), (0.625, 0.875))
"""Sample positions within a pixel, x and y: a rotated grid, so that horizontal and vertical edges get four steps."""
