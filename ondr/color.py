"""Colour transfer and the colour effects of a camera, on planes: tuples (red, green, blue) of any shape."""

from __future__ import annotations

import torch
from torch import Tensor

from ondr.planes import Vector

SRGB_KNEE = 0.0031308
"""Linear value below which sRGB is a straight line."""


def srgb_from_linear(value: Tensor) -> Tensor:
    """Encodes linear light, clamped to 0..1.

    Source: IEC 61966-2-1.
    """
    value = value.clamp(0, 1)
    curve = torch.pow(value.clamp_min(SRGB_KNEE), 1 / 2.4) * 1.055 - 0.055
    return torch.where(value <= SRGB_KNEE, value * 12.92, curve)


def linear_from_srgb(value: Tensor) -> Tensor:
    """Decodes sRGB values in 0..1 to linear light.

    Source: IEC 61966-2-1.
    """
    curve = ((value.clamp_min(12.92 * SRGB_KNEE) + 0.055) / 1.055) ** 2.4
    return torch.where(value <= 12.92 * SRGB_KNEE, value / 12.92, curve)


def brighten(color: Vector, factor: Tensor) -> Vector:
    """Multiplies, as `kornia.enhance.adjust_brightness_accumulative`."""
    return tuple((c * factor).clamp(0, 1) for c in color)


def stretch(color: Vector, factor: Tensor) -> Vector:
    """Multiplies the difference from mid-grey (0.5)."""
    offset = 0.5 - 0.5 * factor
    return tuple((c * factor + offset).clamp(0, 1) for c in color)


def chroma(color: Vector) -> tuple[Tensor, Tensor]:
    """Returns the largest channel (V of HSV) and its difference from the smallest (chroma)."""
    largest = torch.maximum(torch.maximum(color[0], color[1]), color[2])
    return largest, largest - torch.minimum(torch.minimum(color[0], color[1]), color[2])


def saturate(color: Vector, factor: Tensor) -> Vector:
    """Multiplies the S of HSV and clamps it to 1, as `kornia.enhance.adjust_saturation`.

    V and H are unchanged, so each channel's distance from V scales as S does, and the hue need not be computed.
    """
    value, span = chroma(color)
    growth = torch.minimum(factor, value / span.clamp_min(1e-12)) - 1
    return tuple(c - (value - c) * growth for c in color)


def shift_hue(color: Vector, degrees: Tensor) -> Vector:
    """Shifts the H of HSV, as `kornia.enhance.adjust_hue`.

    Source: Smith 1978, "Color gamut transform pairs". Back from HSV without a case for each sector: a channel is
        V - C * ramp, where ramp is a trapezoid over the hue.
    """
    red, green, blue = color
    value, span = chroma(color)
    inverse = span.clamp_min(1e-12).reciprocal()
    at_red, at_green, at_blue = (green - blue) * inverse, (blue - red) * inverse + 2, (red - green) * inverse + 4
    sector = torch.where(value == red, at_red, torch.where(value == green, at_green, at_blue)) + degrees / 60
    ramps = (torch.remainder(sector + start, 6.0) for start in (5.0, 3.0, 1.0))
    return tuple(value - span * torch.minimum(ramp, 4 - ramp).clamp(0, 1) for ramp in ramps)
