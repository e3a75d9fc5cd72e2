"""How surfaces look."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from ondr.laws import Law
from ondr.quantity import quantity
from ondr.settings.section import POSITIVE, Color, Section

SOURCES = ("own", "texture", "color")


class Material(Section):
    """How a surface looks."""

    source: Law = quantity(
        {"choice": ["own", "texture", "color"], "weights": [0.6, 0.25, 0.15]},
        "own: the file's textures and colours; texture: one of materials.textures; color: plain",
        kind="one_of",
        options=SOURCES,
    )
    texture: Law = quantity("uniform", "which foreign texture", kind="one_of")
    texture_scale: Law = quantity({"log_uniform": [0.5, 3]}, "repeats of a foreign texture", low=POSITIVE, high=1000)
    color: Color = Field(default=Color(), description="colour of a plain surface, sRGB")
    tint: Law = quantity([0.5, 1], "brightness of a foreign texture, a factor", low=0, high=1)
    roughness: Law = quantity([0.2, 0.9], "GGX roughness", low=0.02, high=1)
    specular: Law = quantity([0.02, 0.08], "reflectance at normal incidence", low=0, high=1)


class ForeignMaterial(Material):
    """How a surface looks that has no file of its own."""

    source: Law = quantity(
        {"choice": ["texture", "color"], "weights": [0.6, 0.4]},
        "texture: one of materials.textures; color: plain",
        kind="one_of",
        options=SOURCES,
    )


class MaterialBank(Section):
    """Images that may be laid on any surface."""

    textures: Literal["sample"] | Path | None = Field(default="sample", description="folder of tiles; null: none")
