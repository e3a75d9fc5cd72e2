"""Photometric effects: what lens, sensor and processing do to the image."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ondr.laws import Law
from ondr.quantity import quantity
from ondr.settings.section import Section


class Photometric(Section):
    """Photometric effects, applied in this order; `{probability: 0.2, law: [...]}` applies one now and then."""

    engine: Literal["fused", "kornia"] = Field(
        default="fused",
        description="fused: all effects in one pass; kornia: one after the other by kornia, the reference",
    )
    chromatic_aberration: Law = quantity(
        0, "distance between red and blue at the border", unit="pixels", low=-20, high=20, structure=True, neutral=0
    )
    defocus_radius: Law = quantity(
        0, "radius of the disk that a point is spread over", unit="pixels", low=0, high=30, structure=True, neutral=0
    )
    motion_blur_length: Law = quantity(
        0, "length of the line that a point is spread over", unit="pixels", low=0, high=60, structure=True, neutral=0
    )
    motion_blur_angle_degrees: Law = quantity(
        [0, 180], "direction of that line, clockwise from the right", unit="degrees", low=-360, high=360
    )
    blur_sigma: Law = quantity(
        {"probability": 0.2, "law": [0.3, 1.5]},
        "standard deviation of a Gaussian blur",
        unit="pixels",
        low=0,
        high=20,
        structure=True,
        neutral=0,
    )
    vignetting: Law = quantity(
        0, "share of the light that is lost in the corners", low=0, high=1, structure=True, neutral=0
    )
    exposure_stops: Law = quantity(
        0,
        "exposure: linear light is multiplied by 2 to this power",
        unit="stops",
        low=-10,
        high=10,
        structure=True,
        neutral=0,
    )
    white_balance_kelvin: Law = quantity(
        6500,
        "colour temperature of the light for a camera that is balanced for 6500",
        unit="K",
        low=1700,
        high=25000,
        structure=True,
        neutral=6500,
    )
    shot_noise: Law = quantity(
        0,
        "standard deviation at white, in linear light; it grows with the square root of the light",
        low=0,
        high=1,
        structure=True,
        neutral=0,
    )
    read_noise_std: Law = quantity(0, "standard deviation, in linear light", low=0, high=1, structure=True, neutral=0)
    brightness: Law = quantity([0.8, 1.2], "factor", low=0, high=100, neutral=1)
    contrast: Law = quantity([0.8, 1.2], "factor about mid-grey", low=0, high=100, neutral=1)
    saturation: Law = quantity([0.7, 1.3], "factor", low=0, high=100, neutral=1)
    hue_degrees: Law = quantity([-8, 8], "shift of the hue", unit="degrees", low=-180, high=180, neutral=0)
    noise_std: Law = quantity(
        [0, 0.03], "standard deviation of Gaussian noise, image range 0 to 1", low=0, high=10, neutral=0
    )
    gamma: Law = quantity(1, "exponent on the encoded image", low=0.1, high=10, structure=True, neutral=1)
    grayscale: Law = quantity(0, "share of grey: 0 is in colour, 1 is grey", low=0, high=1, structure=True, neutral=0)
    salt_and_pepper: Law = quantity(
        0, "share of the pixels that turn black or white", low=0, high=1, structure=True, neutral=0, paper="Tobin 2017"
    )
    sharpen: Law = quantity(
        0, "strength of sharpening; 1 is clearly visible", low=0, high=20, structure=True, neutral=0
    )
    posterize_bits: Law = quantity(8, "bits kept of each channel's eight", low=1, high=8, structure=True, neutral=8)
    jpeg_quality: Law = quantity(
        100, "JPEG quality; 100 is not compressed", low=1, high=100, structure=True, neutral=100
    )
