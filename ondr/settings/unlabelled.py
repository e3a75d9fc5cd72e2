"""Things without labels: distractors, context, occluders, clutter."""

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
"""Meshes of things without labels: distractor shapes, random unions of primitives, or folders. With
`material.source: own`, meshes from folders keep their own look."""


class Distractors(Section):
    """Simple shapes without labels."""

    shapes: tuple[Shape, ...] = Field(default=SHAPES, min_length=1, description="the shapes to choose from")
    count: Law = quantity(
        [0, 10],
        "number of distractors",
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
        "longest side; around 1, as many are in front of an object as behind it",
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
    """Meshes without labels that the layout places like objects."""

    meshes: Source = Field(default="shapes", description="shapes, composed, sample, or a folder of meshes")
    up: Up = Field(default="auto", description=UP)
    count: Law = quantity(
        0,
        "number of things",
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
    """Things between the camera and an object, each of which covers a drawn share of the object's box."""

    meshes: Source = Field(default="shapes", description="shapes, composed, sample, or a folder of meshes")
    up: Up = Field(default="auto", description=UP)
    count: Law = quantity(0, "number of occluders", kind="count", low=0, high=1000, each=False, structure=True)
    instance: Law = quantity("uniform", "which mesh", kind="one_of", structure=True)
    cover: Law = quantity(
        [0.1, 0.3],
        "share of the object's box that the occluder's box covers",
        low=0,
        high=1,
        paper="Hinterstoisser 2019",
    )
    size: Law = quantity(
        [0.4, 1],
        "longest side as a share of the object's, as seen from the camera; enlarged where it covers too little",
        low=POSITIVE,
        high=100,
    )
    depth: Law = quantity([0.5, 0.9], "distance from the camera as a share of the object's", low=0.05, high=1)
    side_degrees: Law = quantity(
        [0, 360], "side from which the occluder reaches in", unit="degrees", low=-360, high=360
    )
    rotation: Law = quantity("so3", "orientation in the world", kind="rotation")
    material: ForeignMaterial = Field(default=ForeignMaterial(), description="surface")


class Jitter(Section):
    """Offset of a piece of clutter from the middle of its cell, in cells."""

    x: Law = quantity([-0.4, 0.4], "to the right", low=-10, high=10, layouts=("clutter",))
    y: Law = quantity([-0.4, 0.4], "downwards", low=-10, high=10, layouts=("clutter",))


class Clutter(Section):
    """A wall of things behind all objects that fills the image: a background without photos (layout clutter)."""

    meshes: Source = Field(default="composed", description="shapes, composed, sample, or a folder of meshes")
    up: Up = Field(default="auto", description=UP)
    count: Law = quantity(
        60,
        "number of pieces, in a grid; 60 fill a square image, k times as many one that is k times as wide as high",
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
        "size in the image, relative to an object of median screen size",
        low=POSITIVE,
        high=1000,
        layouts=("clutter",),
    )
    jitter: Jitter = Field(default=Jitter(), description="offset from the middle of its cell")
    rotation: Law = quantity("so3", "orientation in the world", kind="rotation", layouts=("clutter",))
    material: ForeignMaterial = Field(default=ForeignMaterial(), description="surface")


class Composed(Section):
    """Random meshes: unions of primitives.

    Source: Tobin et al. 2018, "Domain randomization and generative models for robotic grasping", section IV-A.
    """

    number: int = Field(default=64, ge=1, le=100_000, description="number of meshes")
    parts: tuple[int, int] = Field(default=(2, 6), description="least and largest number of primitives in a mesh")
    seed: int = Field(default=0, ge=0, lt=2**32, description="random seed of the meshes")
