"""How surfaces look."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from ondr.laws import Law
from ondr.quantity import quantity
from ondr.settings.section import POSITIVE, Color, Section

PATTERNS = ("gradient", "checker", "stripes", "noise", "wood", "marble", "parts")
"""Computed while shading from two colours, in the solid: they need no uv map and no texture memory."""
SOURCES = ("own", "texture", "color", *PATTERNS)
SOURCE_WORDS = (
    "one of materials.textures; color: plain; gradient, checker, stripes, noise, wood, marble: a pattern of color and "
    "color2 through the solid; parts: each material of the file in a mixture of the two of its own"
)


class TextureOffset(Section):
    """Where a foreign texture begins, in repeats of it."""

    u: Law = quantity(0, "to the right", unit="repeats", low=-1000, high=1000, neutral=0)
    v: Law = quantity(0, "down", unit="repeats", low=-1000, high=1000, neutral=0)


class Material(Section):
    """How a surface looks: its colour, and how it reflects light.

    Every surface is opaque. Transparency is left out: each sample of a pixel sees one surface.
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
        0, "turn of a foreign texture, clockwise", unit="degrees", low=-360, high=360, neutral=0
    )
    texture_offset: TextureOffset = Field(default=TextureOffset(), description="where a foreign texture begins")
    color: Color = Field(default=Color(), description="colour of a plain surface, first colour of a pattern, sRGB")
    color2: Color = Field(default=Color(), description="second colour of a pattern, sRGB")
    pattern_scale: Law = quantity(
        {"log_uniform": [2, 8]},
        "repeats of a pattern along the longest side; a gradient reaches once from side to side",
        low=POSITIVE,
        high=1e5,
    )
    pattern_turn_degrees: Law = quantity(
        [0, 360], "turn of a pattern about the mesh's z axis", unit="degrees", low=-360, high=360
    )
    pattern_tilt_degrees: Law = quantity(
        [-90, 90], "of a pattern's direction out of the mesh's xy plane", unit="degrees", low=-90, high=90
    )
    pattern_offset: Law = quantity(
        [0, 1],
        "which piece of a pattern: each value is another one of wood or marble, or other mixtures",
        low=0,
        high=1,
    )
    tint: Law = quantity([0.5, 1], "brightness of a foreign texture, a factor", low=0, high=1)
    own_hue_degrees: Law = quantity(
        0,
        "shift of the hue of the file's textures and colours",
        unit="degrees",
        low=-360,
        high=360,
        neutral=0,
        paper="Hinterstoisser 2019",
    )
    own_saturation: Law = quantity(
        1, "saturation of the file's textures and colours, a factor", low=0, high=100, neutral=1
    )
    own_value: Law = quantity(
        1, "value (of HSV) of the file's textures and colours, a factor", low=0, high=100, neutral=1
    )
    diffuse: Law = quantity(1, "share of its colour that a surface reflects diffusely", low=0, high=1, neutral=1)
    roughness: Law = quantity([0.2, 0.9], "GGX roughness", low=0.02, high=1)
    specular: Law = quantity([0.02, 0.08], "reflectance at normal incidence", low=0, high=1, paper="Tobin 2017")
    metallic: Law = quantity(
        0, "0: a dielectric; 1: a metal, whose colour is that of its mirror images", low=0, high=1, neutral=0
    )
    emission: Law = quantity(0, "light of its own, as a factor on its colour", low=0, high=1000, neutral=0)


class ForeignMaterial(Material):
    """How a surface looks that has no file of its own."""

    source: Law = quantity(
        {"choice": ["texture", "color"], "weights": [0.6, 0.4]},
        f"texture: {SOURCE_WORDS}",
        kind="one_of",
        options=SOURCES,
        paper="Tobin 2017, Valtchev 2021",
    )


class SurfaceMaterial(ForeignMaterial):
    """How a floor, a table or a wall looks: patterns lie along it, as boards and tiles do."""

    pattern_tilt_degrees: Law = quantity(
        0, "of a pattern's direction out of the surface", unit="degrees", low=-90, high=90
    )


class MaterialBank(Section):
    """Images that may be laid on any surface."""

    textures: Literal["sample"] | Path | None = Field(default="sample", description="folder of tiles; null: none")
