"""The background."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from ondr.laws import Law
from ondr.quantity import quantity
from ondr.settings.section import POSITIVE, Color, Section

SOURCES = ("photo", "texture", "noise", "color", "gradient", "panorama")


class Background(Section):
    """The background: what is seen behind everything."""

    photos: Path | None = Field(default=None, description="folder of photos; null: no photos")
    photo_size: Literal[64, 128, 256, 512, 1024] = Field(
        default=512, description="photos are resampled to squares of this side, pixels"
    )
    max_photos: int = Field(default=500, ge=1, description="largest number of photos kept on the device")
    panoramas: Path | None = Field(
        default=None, description="folder of equirectangular panoramas, including .hdr; null: no panoramas"
    )
    panorama_size: Literal[256, 512, 1024, 2048] = Field(
        default=1024, description="panoramas are resampled to squares of this side, pixels"
    )
    source: Law = quantity(
        {"choice": ["photo", "panorama", "texture", "noise", "color"], "weights": [0.7, 0.7, 0.15, 0.1, 0.05]},
        "what the background is; sources without images are left out",
        kind="one_of",
        options=SOURCES,
    )
    photo: Law = quantity("uniform", "which photo", kind="one_of")
    texture: Law = quantity("uniform", "which texture of materials.textures", kind="one_of")
    noise: Law = quantity("uniform", "which noise tile", kind="one_of")
    crop: Law = quantity(
        [0.5, 1], "size of the part of a photo that fills the image, as a share of its side", low=0.01, high=1
    )
    crop_x: Law = quantity([0, 1], "place of the crop, from left to right", low=0, high=1)
    crop_y: Law = quantity([0, 1], "place of the crop, from top to bottom", low=0, high=1)
    mirror: Law = quantity({"bernoulli": 0.5}, "whether a photo is mirrored", kind="bool")
    flip_vertical: Law = quantity(False, "whether a photo is upside down", kind="bool", neutral=0)
    panorama: Law = quantity("uniform", "which panorama, as the background and for lights.environment", kind="one_of")
    panorama_yaw_degrees: Law = quantity(
        [0, 360], "rotation of a panorama about the vertical", unit="degrees", low=-360, high=360
    )
    panorama_brightness: Law = quantity(1, "factor on the brightness of a panorama as the background", low=0, high=1e4)
    texture_scale: Law = quantity(
        {"log_uniform": [0.5, 4]}, "repeats of a tile across the image's shorter side", low=POSITIVE, high=1000
    )
    rotation_degrees: Law = quantity([0, 360], "rotation of a tile", unit="degrees", low=-360, high=360)
    color2: Color = Field(default=Color(), description="second colour of a gradient, sRGB")
    gradient_degrees: Law = quantity(
        [0, 360],
        "direction of a gradient, clockwise from downwards: at 0, color2 is at the top and color at the bottom",
        unit="degrees",
        low=-360,
        high=360,
        paper="Tobin 2017",
    )
    color: Color = Field(
        default=Color(), description="plain colour, first colour of a gradient and tint of noise tiles, sRGB"
    )
