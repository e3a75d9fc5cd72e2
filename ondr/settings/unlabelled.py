"""Things that are not labelled: distractors, context, occluders, clutter."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from ondr.laws import Law
from ondr.quantity import quantity
from ondr.settings.material import ForeignMaterial
from ondr.settings.objects import GroundPlace, Position
from ondr.settings.section import BEFORE_CAMERA, POSITIVE, UP, UPRIGHT, Section, Up
from ondr.settings.structured import Along

Shape = Literal[
    "cube",
    "sphere",
    "cone",
    "cylinder",
    "pyramid",
    "torus",
    "capsule",
    "icosahedron",
    "arrow",
    "ring_segment",
]
SHAPES: tuple[Shape, ...] = Shape.__args__  # type: ignore[attr-defined]


Source = Literal["shapes", "composed", "sample"] | Path | tuple[Path, ...]
"""Where meshes without a label come from: the distractor shapes, random unions of primitives, or folders. With
`material.source: own`, those of a folder keep their looks."""


class Distractors(Section):
    """Shapes that are not labelled."""

    shapes: tuple[Shape, ...] = Field(default=SHAPES, min_length=1, description="the shapes to choose from")
    count: Law = quantity(
        [0, 10],
        "number",
        kind="count",
        low=0,
        high=1000,
        each=False,
        structure=True,
        usual={"structured": 0},
        paper="Tobin 2017, Tremblay 2018",
    )
    shape: Law = quantity("uniform", "which of distractors.shapes", kind="one_of", structure=True)
    screen_size: Law = quantity(
        [0.05, 0.35],
        "longest side as a share of the image's shorter side",
        low=POSITIVE,
        high=1000,
        layouts=BEFORE_CAMERA,
    )
    size: Law = quantity(
        {"log_uniform": [0.3, 2]},
        "longest side; about 1, so that as many are in front of an object as behind",
        unit="median sizes of the objects",
        low=POSITIVE,
        high=1e6,
    )
    position: Position = Field(default=Position(), description="place in the image")
    place: GroundPlace = Field(default=GroundPlace(), description="place on the table")
    along: Along = Field(default=Along(), description="place in its lane")
    rotation: Law = quantity("so3", "orientation in the world", kind="rotation", usual=UPRIGHT)
    material: ForeignMaterial = Field(default=ForeignMaterial(), description="surface")


class Context(Section):
    """Meshes that belong to the scene and are not labelled; the layout places them like objects."""

    meshes: Source = Field(default="shapes", description="shapes, composed, sample, or a folder of meshes")
    up: Up = Field(default="auto", description=UP)
    count: Law = quantity(
        0,
        "number",
        kind="count",
        low=0,
        high=1000,
        each=False,
        structure=True,
        usual={"structured": [2, 8]},
        paper="Prakash 2019",
    )
    instance: Law = quantity("uniform", "which mesh", kind="one_of", structure=True)
    screen_size: Law = quantity(
        [0.1, 0.6],
        "longest side as a share of the image's shorter side",
        low=POSITIVE,
        high=1000,
        layouts=BEFORE_CAMERA,
    )
    size: Law = quantity(
        {"log_uniform": [0.5, 2]}, "longest side", unit="median sizes of the objects", low=POSITIVE, high=1e6
    )
    position: Position = Field(default=Position(), description="place in the image")
    place: GroundPlace = Field(default=GroundPlace(), description="place on the table")
    along: Along = Field(default=Along(), description="place in its lane")
    rotation: Law = quantity("so3", "orientation in the world", kind="rotation", usual=UPRIGHT)
    material: ForeignMaterial = Field(default=ForeignMaterial(), description="surface")


class Occluders(Section):
    """Things between the camera and an object, each of which covers a wanted share of that object's box."""

    meshes: Source = Field(default="shapes", description="shapes, composed, sample, or a folder of meshes")
    up: Up = Field(default="auto", description=UP)
    count: Law = quantity(0, "number", kind="count", low=0, high=1000, each=False, structure=True)
    instance: Law = quantity("uniform", "which mesh", kind="one_of", structure=True)
    cover: Law = quantity(
        [0.1, 0.3], "share of its object's box that its own covers", low=0, high=1, paper="Hinterstoisser 2019"
    )
    size: Law = quantity(
        [0.4, 1],
        "longest side as a share of its object's, as seen from the camera; larger where that covers too little",
        low=POSITIVE,
        high=100,
    )
    depth: Law = quantity([0.5, 0.9], "distance as a share of its object's", low=0.05, high=1)
    side_degrees: Law = quantity([0, 360], "from which side it reaches in", unit="degrees", low=-360, high=360)
    rotation: Law = quantity("so3", "orientation in the world", kind="rotation")
    material: ForeignMaterial = Field(default=ForeignMaterial(), description="surface")


class Jitter(Section):
    """How far a piece of clutter is from the middle of its cell, in cells."""

    x: Law = quantity([-0.4, 0.4], "to the right", low=-10, high=10, layouts=("clutter",))
    y: Law = quantity([-0.4, 0.4], "downwards", low=-10, high=10, layouts=("clutter",))


class Clutter(Section):
    """A wall of things behind all objects, which fills the image: a background without photos (layout clutter)."""

    meshes: Source = Field(default="composed", description="shapes, composed, sample, or a folder of meshes")
    up: Up = Field(default="auto", description=UP)
    count: Law = quantity(
        60,
        "number, in a grid; 60 fill a square image, and one k times as wide as high needs k times as many",
        kind="count",
        low=0,
        high=1000,
        each=False,
        structure=True,
        layouts=("clutter",),
        paper="Hinterstoisser 2019",
    )
    instance: Law = quantity("uniform", "which mesh", kind="one_of", structure=True, layouts=("clutter",))
    scale: Law = quantity(
        [0.9, 1.5],
        "size in the image, as a factor on that of an object of the middle size",
        low=POSITIVE,
        high=1000,
        layouts=("clutter",),
    )
    jitter: Jitter = Field(default=Jitter(), description="place in its cell of the image")
    rotation: Law = quantity("so3", "orientation in the world", kind="rotation", layouts=("clutter",))
    material: ForeignMaterial = Field(default=ForeignMaterial(), description="surface")


class Composed(Section):
    """Meshes made at random: unions of primitives.

    Source: Tobin et al. 2018, "Domain randomization and generative models for robotic grasping", section IV-A.
    """

    number: int = Field(default=64, ge=1, le=100_000, description="how many meshes are made")
    parts: tuple[int, int] = Field(default=(2, 6), description="least and largest number of primitives in one")
    seed: int = Field(default=0, ge=0, lt=2**32, description="another seed gives other meshes")
