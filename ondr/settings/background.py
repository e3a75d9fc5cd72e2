"""What is seen behind everything."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from ondr.laws import Law
from ondr.quantity import quantity
from ondr.settings.section import POSITIVE, Color, Section

SOURCES = ("photo", "texture", "noise", "color", "gradient", "panorama")


class Background(Section):
    """What is seen behind everything."""

    photos: Path | None = Field(default=None, description="folder of photos; null: none")
    photo_size: Literal[64, 128, 256, 512, 1024] = Field(
        default=512, description="side a photo is resampled to, pixels"
    )
    max_photos: int = Field(default=500, ge=1, description="how many photos are kept on the device")
    panoramas: Path | None = Field(
        default=None, description="folder of equirectangular panoramas, .hdr among them; null: none"
    )
    panorama_size: Literal[256, 512, 1024, 2048] = Field(
        default=1024, description="side a panorama is resampled to, pixels"
    )
    source: Law = quantity(
        {"choice": ["photo", "panorama", "texture", "noise", "color"], "weights": [0.7, 0.7, 0.15, 0.1, 0.05]},
        "where the background comes from; a source without images counts for nothing",
        kind="one_of",
        options=SOURCES,
    )
    photo: Law = quantity("uniform", "which photo", kind="one_of")
    texture: Law = quantity("uniform", "which of materials.textures", kind="one_of")
    noise: Law = quantity("uniform", "which noise tile", kind="one_of")
    crop: Law = quantity([0.5, 1], "part of a photo that fills the image, as a share of its side", low=0.01, high=1)
    crop_x: Law = quantity([0, 1], "place of the crop, from left to right", low=0, high=1)
    crop_y: Law = quantity([0, 1], "place of the crop, from top to bottom", low=0, high=1)
    mirror: Law = quantity({"bernoulli": 0.5}, "whether a photo is mirrored", kind="bool")
    flip_vertical: Law = quantity(False, "whether a photo stands on its head", kind="bool", neutral=0)
    panorama: Law = quantity("uniform", "which panorama, behind everything and for lights.environment", kind="one_of")
    panorama_yaw_degrees: Law = quantity(
        [0, 360], "rotation of a panorama about the vertical", unit="degrees", low=-360, high=360
    )
    panorama_brightness: Law = quantity(
        1, "brightness of a panorama that is seen behind everything, a factor on the file's own", low=0, high=1e4
    )
    texture_scale: Law = quantity(
        {"log_uniform": [0.5, 4]}, "repeats of a tile across the shorter side", low=POSITIVE, high=1000
    )
    rotation_degrees: Law = quantity([0, 360], "rotation of a tile", unit="degrees", low=-360, high=360)
    color2: Color = Field(default=Color(), description="colour at the other end of a gradient, sRGB")
    gradient_degrees: Law = quantity(
        [0, 360],
        "direction of a gradient, clockwise from downwards: at 0, color2 is above and color below",
        unit="degrees",
        low=-360,
        high=360,
        paper="Tobin 2017",
    )
    color: Color = Field(default=Color(), description="plain colour, and tint of noise tiles, sRGB")
