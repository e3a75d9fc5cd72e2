"""What the camera does to the picture."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ondr.laws import Law
from ondr.quantity import quantity
from ondr.settings.section import Section


class Photometric(Section):
    """What the camera does to the picture, in this order."""

    engine: Literal["fused", "kornia"] = Field(
        default="fused", description="fused: all effects in one pass; kornia: one after the other, as their reference"
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
    brightness: Law = quantity([0.8, 1.2], "factor", low=0, high=100, neutral=1)
    contrast: Law = quantity([0.8, 1.2], "factor about mid-grey", low=0, high=100, neutral=1)
    saturation: Law = quantity([0.7, 1.3], "factor", low=0, high=100, neutral=1)
    hue_degrees: Law = quantity([-8, 8], "shift of the hue", unit="degrees", low=-180, high=180, neutral=0)
    noise_std: Law = quantity(
        [0, 0.03], "standard deviation of Gaussian noise, image range 0 to 1", low=0, high=10, neutral=0
    )
