"""The look of surfaces."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from ondr.laws import Law
from ondr.quantity import quantity
from ondr.settings.section import POSITIVE, Color, Section

PATTERNS = ("gradient", "checker", "stripes", "noise", "wood", "marble", "parts")
"""Solid patterns of two colours, computed while shading: they need no uv map and no texture memory."""
SOURCES = ("own", "texture", "color", *PATTERNS)
"""What a surface's colours can come from."""
SOURCE_WORDS = (
    "one of materials.textures; color: plain; gradient, checker, stripes, noise, wood, marble: a solid pattern of "
    "color and color2; parts: a mixture of color and color2 for each material of the file"
)


class TextureOffset(Section):
    """Offset of a foreign texture, in repeats."""

    u: Law = quantity(0, "to the right", unit="repeats", low=-1000, high=1000, neutral=0)
    v: Law = quantity(0, "down", unit="repeats", low=-1000, high=1000, neutral=0)


class Material(Section):
    """The look of a surface: its colours, and how it reflects light.

    Surfaces are opaque: each sample of a pixel sees one surface.
    """

    source: Law = quantity(
        {"choice": ["own", "texture", "color"], "weights": [0.6, 0.25, 0.15]},
        f"own: the file's textures and colours; texture: {SOURCE_WORDS}",
        kind="one_of",
        options=SOURCES,
        paper="Tobin 2017, Valtchev 2021",
    )
    texture: Law = quantity("uniform", "which foreign texture", kind="one_of", paper="Tremblay 2018, Valtchev 2021")
    texture_scale: Law = quantity({"log_uniform": [0.5, 3]}, "repeats of a foreign texture", low=POSITIVE, high=1000)
    texture_rotation_degrees: Law = quantity(
        0, "clockwise rotation of a foreign texture", unit="degrees", low=-360, high=360, neutral=0
    )
    texture_offset: TextureOffset = Field(default=TextureOffset(), description="offset of a foreign texture")
    color: Color = Field(default=Color(), description="colour of a plain surface, or first colour of a pattern, sRGB")
    color2: Color = Field(default=Color(), description="second colour of a pattern, sRGB")
    pattern_scale: Law = quantity(
        {"log_uniform": [2, 8]},
        "repeats of a pattern along the longest side; a gradient always spans the thing once",
        low=POSITIVE,
        high=1e5,
    )
    pattern_turn_degrees: Law = quantity(
        [0, 360], "rotation of a pattern about the mesh's z axis", unit="degrees", low=-360, high=360
    )
    pattern_tilt_degrees: Law = quantity(
        [-90, 90], "angle between a pattern's direction and the mesh's xy plane", unit="degrees", low=-90, high=90
    )
    pattern_offset: Law = quantity(
        [0, 1],
        "which piece of a pattern: every value gives other wood, other marble, other mixtures of parts",
        low=0,
        high=1,
    )
    tint: Law = quantity([0.5, 1], "factor on the brightness of a foreign texture", low=0, high=1)
    own_hue_degrees: Law = quantity(
        0,
        "hue shift of the file's textures and colours",
        unit="degrees",
        low=-360,
        high=360,
        neutral=0,
        paper="Hinterstoisser 2019",
    )
    own_saturation: Law = quantity(
        1, "factor on the saturation of the file's textures and colours", low=0, high=100, neutral=1
    )
    own_value: Law = quantity(
        1, "factor on the value (HSV) of the file's textures and colours", low=0, high=100, neutral=1
    )
    diffuse: Law = quantity(1, "factor on the diffuse reflection", low=0, high=1, neutral=1)
    roughness: Law = quantity([0.2, 0.9], "GGX roughness", low=0.02, high=1)
    specular: Law = quantity([0.02, 0.08], "reflectance at normal incidence", low=0, high=1, paper="Tobin 2017")
    metallic: Law = quantity(
        0, "0: dielectric; 1: metal, which reflects specularly in its own colour", low=0, high=1, neutral=0
    )
    emission: Law = quantity(0, "emitted light as a factor on the surface's colour", low=0, high=1000, neutral=0)


class ForeignMaterial(Material):
    """The look of a surface without textures of its own."""

    source: Law = quantity(
        {"choice": ["texture", "color"], "weights": [0.6, 0.4]},
        f"texture: {SOURCE_WORDS}",
        kind="one_of",
        options=SOURCES,
        paper="Tobin 2017, Valtchev 2021",
    )


class SurfaceMaterial(ForeignMaterial):
    """The look of a floor, a table or a wall: patterns lie along it, like boards and tiles."""

    pattern_tilt_degrees: Law = quantity(
        0, "angle between a pattern's direction and the surface", unit="degrees", low=-90, high=90
    )


class MaterialBank(Section):
    """Textures for any surface."""

    textures: Literal["sample"] | Path | None = Field(
        default="sample", description="folder of tiles; null: no textures"
    )
