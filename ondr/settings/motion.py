"""How the camera and the objects move from one image to the next."""

from __future__ import annotations

from pydantic import Field

from ondr.laws import Law
from ondr.quantity import quantity
from ondr.settings.section import Section

DISTANCES = "mean distance of the objects"
LONGEST = "longest side of the object"


class CameraShift(Section):
    """Where the camera goes, along its own axes."""

    x: Law = quantity([-0.05, 0.05], "to the right", unit=DISTANCES, low=-10, high=10, each=False, neutral=0)
    y: Law = quantity([-0.05, 0.05], "downwards", unit=DISTANCES, low=-10, high=10, each=False, neutral=0)
    z: Law = quantity([-0.05, 0.05], "forwards", unit=DISTANCES, low=-10, high=10, each=False, neutral=0)


class CameraTurn(Section):
    """How the camera turns: a rotation vector along its own axes."""

    x: Law = quantity([-2, 2], "looks up", unit="degrees", low=-180, high=180, each=False, neutral=0)
    y: Law = quantity([-2, 2], "looks to the right", unit="degrees", low=-180, high=180, each=False, neutral=0)
    z: Law = quantity([-2, 2], "rolls clockwise", unit="degrees", low=-180, high=180, each=False, neutral=0)


class CameraMotion(Section):
    """How the camera moves."""

    translation: CameraShift = Field(default=CameraShift(), description="where it goes")
    rotation_degrees: CameraTurn = Field(default=CameraTurn(), description="how it turns")


class ObjectShift(Section):
    """Where an object goes, along the world's axes."""

    x: Law = quantity([-0.1, 0.1], "along x", unit=LONGEST, low=-10, high=10, neutral=0)
    y: Law = quantity([-0.1, 0.1], "along y", unit=LONGEST, low=-10, high=10, neutral=0)
    z: Law = quantity([-0.1, 0.1], "upwards", unit=LONGEST, low=-10, high=10, neutral=0)


class ObjectTurn(Section):
    """How an object turns about the centre of its bounding box: a rotation vector along the world's axes."""

    x: Law = quantity([-10, 10], "about x", unit="degrees", low=-180, high=180, neutral=0)
    y: Law = quantity([-10, 10], "about y", unit="degrees", low=-180, high=180, neutral=0)
    z: Law = quantity([-10, 10], "about the vertical", unit="degrees", low=-180, high=180, neutral=0)


class ObjectMotion(Section):
    """How each object of interest moves."""

    translation: ObjectShift = Field(default=ObjectShift(), description="where it goes")
    rotation_degrees: ObjectTurn = Field(default=ObjectTurn(), description="how it turns")


class Motion(Section):
    """A small motion of the camera and of each object, for the output `optical_flow`; without that, none is drawn."""

    camera: CameraMotion = Field(default=CameraMotion(), description="the camera's")
    objects: ObjectMotion = Field(default=ObjectMotion(), description="that of each object of interest")
