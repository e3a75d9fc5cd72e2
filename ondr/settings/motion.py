"""The motion of the camera and the objects, for optical flow."""

from __future__ import annotations

from pydantic import Field

from ondr.laws import Law
from ondr.quantity import quantity
from ondr.settings.section import Section

DISTANCES = "mean distance of the objects"
LONGEST = "longest side of the object"


class CameraShift(Section):
    """Translation of the camera along its own axes."""

    x: Law = quantity([-0.05, 0.05], "to the right", unit=DISTANCES, low=-10, high=10, each=False, neutral=0)
    y: Law = quantity([-0.05, 0.05], "downwards", unit=DISTANCES, low=-10, high=10, each=False, neutral=0)
    z: Law = quantity([-0.05, 0.05], "forwards", unit=DISTANCES, low=-10, high=10, each=False, neutral=0)


class CameraTurn(Section):
    """Rotation of the camera: a rotation vector along its own axes."""

    x: Law = quantity([-2, 2], "turn upwards", unit="degrees", low=-180, high=180, each=False, neutral=0)
    y: Law = quantity([-2, 2], "turn to the right", unit="degrees", low=-180, high=180, each=False, neutral=0)
    z: Law = quantity([-2, 2], "clockwise roll", unit="degrees", low=-180, high=180, each=False, neutral=0)


class CameraMotion(Section):
    """The camera's motion."""

    translation: CameraShift = Field(default=CameraShift(), description="translation")
    rotation_degrees: CameraTurn = Field(default=CameraTurn(), description="rotation")


class ObjectShift(Section):
    """Translation of an object along the world's axes."""

    x: Law = quantity([-0.1, 0.1], "along x", unit=LONGEST, low=-10, high=10, neutral=0)
    y: Law = quantity([-0.1, 0.1], "along y", unit=LONGEST, low=-10, high=10, neutral=0)
    z: Law = quantity([-0.1, 0.1], "upwards", unit=LONGEST, low=-10, high=10, neutral=0)


class ObjectTurn(Section):
    """Rotation of an object about the centre of its bounding box: a rotation vector along the world's axes."""

    x: Law = quantity([-10, 10], "about x", unit="degrees", low=-180, high=180, neutral=0)
    y: Law = quantity([-10, 10], "about y", unit="degrees", low=-180, high=180, neutral=0)
    z: Law = quantity([-10, 10], "about the vertical", unit="degrees", low=-180, high=180, neutral=0)


class ObjectMotion(Section):
    """The motion of each object of interest."""

    translation: ObjectShift = Field(default=ObjectShift(), description="translation")
    rotation_degrees: ObjectTurn = Field(default=ObjectTurn(), description="rotation")


class Motion(Section):
    """A small motion of the camera and of each object, for the output `optical_flow`; not drawn without it."""

    camera: CameraMotion = Field(default=CameraMotion(), description="motion of the camera")
    objects: ObjectMotion = Field(default=ObjectMotion(), description="motion of each object of interest")
