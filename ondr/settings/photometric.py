"""What the camera does to the picture."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ondr.laws import Law
from ondr.quantity import quantity
from ondr.settings.section import Section


class Photometric(Section):
    """What the camera does to the picture, in this order; `{probability: 0.2, law: [...]}` for now and then."""

    engine: Literal["fused", "kornia"] = Field(
        default="fused", description="fused: all effects in one pass; kornia: one after the other, as their reference"
    )
    chromatic_aberration: Law = quantity(
        0, "how far red and blue part at the border", unit="pixels", low=-20, high=20, structure=True, neutral=0
    )
    defocus_radius: Law = quantity(
        0, "radius of the disk that a point becomes", unit="pixels", low=0, high=30, structure=True, neutral=0
    )
    motion_blur_length: Law = quantity(
        0, "length of the line that a point becomes", unit="pixels", low=0, high=60, structure=True, neutral=0
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
    vignetting: Law = quantity(0, "share of the light that the corners lose", low=0, high=1, structure=True, neutral=0)
    exposure_stops: Law = quantity(
        0, "linear light times 2 to this power", unit="stops", low=-10, high=10, structure=True, neutral=0
    )
    white_balance_kelvin: Law = quantity(
        6500, "light that a camera set to 6500 is in", unit="K", low=1700, high=25000, structure=True, neutral=6500
    )
    shot_noise: Law = quantity(
        0,
        "standard deviation at white, linear light; grows with the root of it",
        low=0,
        high=1,
        structure=True,
        neutral=0,
    )
    read_noise_std: Law = quantity(0, "standard deviation, linear light", low=0, high=1, structure=True, neutral=0)
    brightness: Law = quantity([0.8, 1.2], "factor", low=0, high=100, neutral=1)
    contrast: Law = quantity([0.8, 1.2], "factor about mid-grey", low=0, high=100, neutral=1)
    saturation: Law = quantity([0.7, 1.3], "factor", low=0, high=100, neutral=1)
    hue_degrees: Law = quantity([-8, 8], "shift of the hue", unit="degrees", low=-180, high=180, neutral=0)
    noise_std: Law = quantity(
        [0, 0.03], "standard deviation of Gaussian noise, image range 0 to 1", low=0, high=10, neutral=0
    )
    gamma: Law = quantity(1, "exponent on the encoded image", low=0.1, high=10, structure=True, neutral=1)
    grayscale: Law = quantity(0, "0: colour, 1: grey", low=0, high=1, structure=True, neutral=0)
    salt_and_pepper: Law = quantity(
        0, "share of the pixels that turn black or white", low=0, high=1, structure=True, neutral=0, paper="Tobin 2017"
    )
    sharpen: Law = quantity(0, "0: as it is, 1: clearly sharper", low=0, high=20, structure=True, neutral=0)
    posterize_bits: Law = quantity(8, "bits kept of each channel's eight", low=1, high=8, structure=True, neutral=8)
    jpeg_quality: Law = quantity(100, "100: not compressed", low=1, high=100, structure=True, neutral=100)
