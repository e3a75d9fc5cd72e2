"""The objects of interest."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from ondr.laws import Law
from ondr.quantity import quantity
from ondr.settings.material import Material
from ondr.settings.section import BEFORE_CAMERA, POSITIVE, SPREAD, UP, UPRIGHT, Section, Up
from ondr.settings.structured import Along


class Position(Section):
    """Place of a thing's centre in the image, as shares of its width and height from the top left corner."""

    x: Law = quantity([0.05, 0.95], "share of the image's width", low=-1, high=2, layouts=BEFORE_CAMERA)
    y: Law = quantity([0.05, 0.95], "share of the image's height", low=-1, high=2, layouts=BEFORE_CAMERA)


class GroundPlace(Section):
    """Place of a thing on the table, as shares of its width and depth."""

    x: Law = quantity([0.15, 0.85], "share of the width", low=0, high=1, layouts=SPREAD)
    y: Law = quantity([0.15, 0.85], "share of the depth", low=0, high=1, layouts=SPREAD)


class Stretch(Section):
    """Factors along the axes of the file. Sizes are those before stretching."""

    x: Law = quantity(1, "along x", low=POSITIVE, high=1000, neutral=1)
    y: Law = quantity(1, "along y", low=POSITIVE, high=1000, neutral=1)
    z: Law = quantity(1, "along z", low=POSITIVE, high=1000, neutral=1)


class Objects(Section):
    """The objects of interest, which are labelled."""

    meshes: Literal["sample", "composed"] | Path | tuple[Path, ...] = Field(
        default="sample",
        description="folder of meshes, one sub-folder per class; a list of folders; sample or composed",
    )
    unit: Literal["m", "mm", "cm", "unit"] = Field(
        default="m", description="unit of the mesh files; unit: each mesh is scaled to a longest side of 1 m"
    )
    up: Up = Field(default="auto", description=UP)
    count: Law = quantity(
        [1, 6],
        "number of objects",
        kind="count",
        low=0,
        high=1000,
        each=False,
        structure=True,
        usual={"hemisphere": 1, "structured": [4, 12]},
    )
    label: Law = quantity("uniform", "which class", kind="one_of", structure=True)
    instance: Law = quantity("uniform", "which subject of the class", kind="one_of", structure=True)
    variant: Law = quantity(
        "uniform",
        "which mesh of the subject, if a sub-folder of the class's folder holds several",
        kind="one_of",
        structure=True,
        paper="Valtchev 2021",
    )
    bends_degrees: tuple[float, ...] = Field(
        default=(), description="angles by which meshes are bent when they are loaded; bent objects have no pose"
    )
    bend: Law = quantity("uniform", "which of objects.bends_degrees", kind="one_of", structure=True)
    screen_size: Law = quantity(
        [0.1, 0.6],
        "longest side as a share of the image's shorter side",
        low=POSITIVE,
        high=1000,
        layouts=BEFORE_CAMERA,
    )
    size: Law | Literal["file"] = quantity(
        "file", "longest side; file: that of the file", unit="m", low=POSITIVE, high=1e6, derived_from="file"
    )
    position: Position = Field(default=Position(), description="place in the image")
    place: GroundPlace = Field(default=GroundPlace(), description="place on the table")
    along: Along = Field(default=Along(), description="place in its lane")
    cut: Law = quantity(
        False,
        "whether the image's border cuts the object",
        kind="bool",
        neutral=0,
        layouts=BEFORE_CAMERA,
        paper="Tremblay 2018",
    )
    max_occlusion: float = Field(
        default=1, ge=0, le=1, description="largest share of an object's box that distractors and context may cover"
    )
    rotation: Law = quantity("so3", "orientation in the world", kind="rotation", usual=UPRIGHT)
    resting_pose: Law = quantity(
        [0, 1], "which resting pose, from the likeliest to the rarest (rotation resting)", low=0, high=1
    )
    tilt_degrees: Law = quantity(0, "tilt away from the vertical", unit="degrees", low=-180, high=180, neutral=0)
    tilt_direction_degrees: Law = quantity(
        [0, 360], "direction of the tilt, about the vertical", unit="degrees", low=-360, high=360
    )
    stretch: Stretch = Field(default=Stretch(), description="factors along the file's axes, after scaling to size")
    material: Material = Field(default=Material(), description="surface")
