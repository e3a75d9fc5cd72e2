"""The camera."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ondr.laws import Law
from ondr.quantity import quantity
from ondr.settings.section import ON_GROUND, POSITIVE, SIZES, Section


class Target(Section):
    """The point that the camera looks at, seen from the middle of what stands on the ground."""

    x: Law = quantity(0, "along x", unit=SIZES, low=-1e6, high=1e6, layouts=ON_GROUND)
    y: Law = quantity(0, "along y", unit=SIZES, low=-1e6, high=1e6, layouts=ON_GROUND)
    z: Law = quantity(0.4, "above the ground", unit=SIZES, low=-1e6, high=1e6, layouts=ON_GROUND)


class Place(Section):
    """Where the camera is (placement box), seen from the middle of what stands on the ground."""

    x: Law = quantity([-1, 1], "along x", unit=SIZES, low=-1e6, high=1e6, layouts=ON_GROUND)
    y: Law = quantity([-7, -5], "along y", unit=SIZES, low=-1e6, high=1e6, layouts=ON_GROUND)
    z: Law = quantity([3, 6], "above the ground", unit=SIZES, low=-1e6, high=1e6, layouts=ON_GROUND)


class Camera(Section):
    """A pinhole camera. Before it, or on a sphere or in a box around what stands on the ground, as the layout says."""

    fov_degrees: Law = quantity(
        [40, 70], "angle across the image's longer side", unit="degrees", low=1, high=170, paper="Tobin 2017"
    )
    placement: Literal["shell", "box"] = Field(
        default="shell",
        description="where the camera is: at a distance and two angles, or in a box (layouts on ground)",
    )
    distance: Law = quantity(
        [4, 8],
        "from the point it looks at (placement shell)",
        unit=SIZES,
        low=POSITIVE,
        high=1e6,
        layouts=ON_GROUND,
        usual={"hemisphere": [2, 5], "structured": [3, 7]},
        paper="Valtchev 2021",
    )
    azimuth_degrees: Law = quantity(
        [0, 360],
        "direction around the vertical (placement shell)",
        unit="degrees",
        low=-360,
        high=360,
        layouts=ON_GROUND,
        paper="Tremblay 2018",
    )
    elevation_degrees: Law = quantity(
        {"elevation": [20, 70]},
        "direction above the horizon (placement shell)",
        unit="degrees",
        low=-90,
        high=90,
        layouts=ON_GROUND,
        usual={"structured": {"elevation": [8, 40]}},
        paper="Tremblay 2018",
    )
    position: Place = Field(default=Place(), description="where it is (placement box)")
    target: Target = Field(default=Target(), description="the point it looks at")
    pan_degrees: Law = quantity(
        0,
        "looks past that point, to the right",
        unit="degrees",
        low=-90,
        high=90,
        neutral=0,
        layouts=ON_GROUND,
        paper="Tobin 2017",
    )
    tilt_degrees: Law = quantity(
        0, "looks upwards", unit="degrees", low=-90, high=90, neutral=0, paper="Tobin 2017, Tremblay 2018"
    )
    roll_degrees: Law = quantity(
        [-20, 20], "rotation about the optical axis", unit="degrees", low=-360, high=360, paper="Tremblay 2018"
    )
    rolling_shutter_x: Law = quantity(
        0, "shift to the right from the first row to the last", unit="pixels", low=-1000, high=1000, neutral=0
    )
    rolling_shutter_y: Law = quantity(
        0, "stretch downwards from the first row to the last", unit="pixels", low=-50, high=1000, neutral=0
    )
