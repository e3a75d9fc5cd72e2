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
    """Where a thing's centre lies in the image: shares of its width and height from the top left corner."""

    x: Law = quantity([0.05, 0.95], "share of the image's width", low=-1, high=2, layouts=BEFORE_CAMERA)
    y: Law = quantity([0.05, 0.95], "share of the image's height", low=-1, high=2, layouts=BEFORE_CAMERA)


class GroundPlace(Section):
    """Where a thing stands: shares of the table's width and depth."""

    x: Law = quantity([0.15, 0.85], "share of the width", low=0, high=1, layouts=SPREAD)
    y: Law = quantity([0.15, 0.85], "share of the depth", low=0, high=1, layouts=SPREAD)


class Stretch(Section):
    """Factors on the axes of the file. The size is that of the mesh before it is stretched."""

    x: Law = quantity(1, "along x", low=POSITIVE, high=1000, neutral=1)
    y: Law = quantity(1, "along y", low=POSITIVE, high=1000, neutral=1)
    z: Law = quantity(1, "along z", low=POSITIVE, high=1000, neutral=1)


class Objects(Section):
    """The objects of interest: what is to be recognised."""

    meshes: Literal["sample", "composed"] | Path | tuple[Path, ...] = Field(
        default="sample", description="folder of meshes, one sub-folder per class; a list of folders; or composed"
    )
    unit: Literal["m", "mm", "cm", "unit"] = Field(
        default="m", description="unit of the files; unit: each mesh's longest side is 1 m"
    )
    up: Up = Field(default="auto", description=UP)
    count: Law = quantity(
        [1, 6],
        "number",
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
        "which mesh of the subject, where a folder below the class's holds several",
        kind="one_of",
        structure=True,
        paper="Valtchev 2021",
    )
    bends_degrees: tuple[float, ...] = Field(
        default=(), description="angles that meshes are bent by, made when they are loaded; such an object has no pose"
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
        "file", "longest side; file: as in the file", unit="m", low=POSITIVE, high=1e6, derived_from="file"
    )
    position: Position = Field(default=Position(), description="place in the image")
    place: GroundPlace = Field(default=GroundPlace(), description="place on the table")
    along: Along = Field(default=Along(), description="place in its lane")
    cut: Law = quantity(
        False,
        "whether the image's border cuts it",
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
    tilt_degrees: Law = quantity(0, "leans away from the vertical", unit="degrees", low=-180, high=180, neutral=0)
    tilt_direction_degrees: Law = quantity([0, 360], "to which side it leans", unit="degrees", low=-360, high=360)
    stretch: Stretch = Field(default=Stretch(), description="factors on the file's axes, after its size")
    material: Material = Field(default=Material(), description="surface")
