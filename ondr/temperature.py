"""Colour temperature: the tint of light in kelvin."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

NEUTRAL_KELVIN = 6500.0
"""Temperature without a tint, near sRGB's white point, daylight of 6504 K."""
RGB_FROM_XYZ = ((3.2406, -1.5372, -0.4986), (-0.9689, 1.8758, 0.0415), (0.0557, -0.2040, 1.0570))
LUMINANCE = (0.2126, 0.7152, 0.0722)


def planckian_xy(kelvin: Float[Tensor, "*shape"]) -> tuple[Float[Tensor, "*shape"], Float[Tensor, "*shape"]]:
    """Returns the chromaticity (CIE 1931 x, y) of a black body, 1667 to 25000 K.

    Source: Kang et al. 2002, "Design of advanced color temperature control system for HDTV applications" (cubic
        splines).
    """
    t = 1000 / kelvin
    warm = ((-0.2661239 * t - 0.2343589) * t + 0.8776956) * t + 0.179910
    cold = ((-3.0258469 * t + 2.1070379) * t + 0.2226347) * t + 0.240390
    x = torch.where(kelvin <= 4000, warm, cold)
    glowing = ((-1.1063814 * x - 1.34811020) * x + 2.18555832) * x - 0.20219683
    bulb = ((-0.9549476 * x - 1.37418593) * x + 2.09137015) * x - 0.16748867
    day = ((3.0817580 * x - 5.87338670) * x + 3.75112997) * x - 0.37001483
    return x, torch.where(kelvin <= 2222, glowing, torch.where(kelvin <= 4000, bulb, day))


def tint(kelvin: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape 3"]:
    """Returns linear RGB factors of luminance 1; exactly 1, 1, 1 at `NEUTRAL_KELVIN`.

    Negative values are clamped: below 1900 K, blue is outside sRGB's gamut.

    Source: IEC 61966-2-1 (RGB from XYZ, luminance).
    """
    relative = (_rgb(kelvin) / _rgb(torch.full_like(kelvin, NEUTRAL_KELVIN))).clamp_min(0).unbind(-1)
    brightness = sum(w * c for w, c in zip(LUMINANCE, relative, strict=True))
    return torch.stack([c / brightness for c in relative], dim=-1)


def _rgb(kelvin: Tensor) -> Tensor:
    x, y = planckian_xy(kelvin)
    rows = (a * x + b * y + c * (1 - x - y) for a, b, c in RGB_FROM_XYZ)
    return torch.stack([row / y for row in rows], dim=-1)
