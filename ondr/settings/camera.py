"""The camera."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from ondr.laws import Law
from ondr.lens import folds_within
from ondr.quantity import quantity
from ondr.settings.section import ON_GROUND, POSITIVE, SIZES, Section


class Target(Section):
    """The point that the camera looks at, relative to the middle of the scene on the ground."""

    x: Law = quantity(0, "along x", unit=SIZES, low=-1e6, high=1e6, layouts=ON_GROUND)
    y: Law = quantity(0, "along y", unit=SIZES, low=-1e6, high=1e6, layouts=ON_GROUND)
    z: Law = quantity(0.4, "above the ground", unit=SIZES, low=-1e6, high=1e6, layouts=ON_GROUND)


class Place(Section):
    """The camera's position (placement box), relative to the middle of the scene on the ground."""

    x: Law = quantity([-1, 1], "along x", unit=SIZES, low=-1e6, high=1e6, layouts=ON_GROUND)
    y: Law = quantity([-7, -5], "along y", unit=SIZES, low=-1e6, high=1e6, layouts=ON_GROUND)
    z: Law = quantity([3, 6], "above the ground", unit=SIZES, low=-1e6, high=1e6, layouts=ON_GROUND)


class Distortion(Section):
    """Lens distortion: the Brown-Conrady model with OpenCV's coefficients."""

    k1: Law = quantity(0, "radial, second order; negative: barrel distortion", low=-10, high=10, neutral=0)
    k2: Law = quantity(0, "radial, fourth order", low=-100, high=100, neutral=0)
    k3: Law = quantity(0, "radial, sixth order", low=-1000, high=1000, neutral=0)
    p1: Law = quantity(0, "tangential, vertical", low=-1, high=1, neutral=0)
    p2: Law = quantity(0, "tangential, horizontal", low=-1, high=1, neutral=0)


class Calibration(Section):
    """The result of a calibration, in OpenCV's convention: pixel centres at whole numbers."""

    fx: float = Field(gt=0, lt=1e6, description="focal length along x, pixels")
    fy: float = Field(gt=0, lt=1e6, description="focal length along y, pixels")
    cx: float = Field(gt=-1e6, lt=1e6, description="principal point, pixels from the left")
    cy: float = Field(gt=-1e6, lt=1e6, description="principal point, pixels from the top")
    size: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = Field(
        description="height and width of the images it was made with; the values are scaled to image_size"
    )


class Camera(Section):
    """The camera. Layouts place things in front of it, or it looks at the ground from a sphere or a box."""

    fov_degrees: Law = quantity(
        [40, 70], "field of view along the image's longer side", unit="degrees", low=1, high=170, paper="Tobin 2017"
    )
    calibration: Calibration | None = Field(
        default=None,
        description="focal lengths and principal point of a real camera; replaces fov_degrees",
    )
    focal_factor: Law = quantity(1, "factor on both focal lengths", low=0.01, high=100, neutral=1)
    principal_x: Law = quantity(
        0, "shift of the principal point to the right as a share of the width", low=-1, high=1, neutral=0
    )
    principal_y: Law = quantity(
        0, "shift of the principal point downwards as a share of the height", low=-1, high=1, neutral=0
    )
    distortion: Distortion = Field(default=Distortion(), description="lens distortion")
    placement: Literal["shell", "box"] = Field(
        default="shell",
        description="shell: at a distance and two angles from its target; box: in a box (layouts on the ground)",
    )
    distance: Law = quantity(
        [4, 8],
        "distance from the target (placement shell)",
        unit=SIZES,
        low=POSITIVE,
        high=1e6,
        layouts=ON_GROUND,
        usual={"hemisphere": [2, 5], "structured": [3, 7]},
        paper="Valtchev 2021",
    )
    azimuth_degrees: Law = quantity(
        [0, 360],
        "azimuth of the camera seen from the target (placement shell)",
        unit="degrees",
        low=-360,
        high=360,
        layouts=ON_GROUND,
        paper="Tremblay 2018",
    )
    elevation_degrees: Law = quantity(
        {"elevation": [20, 70]},
        "elevation above the horizon, seen from the target (placement shell)",
        unit="degrees",
        low=-90,
        high=90,
        layouts=ON_GROUND,
        usual={"structured": {"elevation": [8, 40]}},
        paper="Tremblay 2018",
    )
    position: Place = Field(default=Place(), description="position (placement box)")
    target: Target = Field(default=Target(), description="the point it looks at")
    pan_degrees: Law = quantity(
        0,
        "turn away from the target, to the right",
        unit="degrees",
        low=-90,
        high=90,
        neutral=0,
        layouts=ON_GROUND,
        paper="Tobin 2017",
    )
    tilt_degrees: Law = quantity(
        0, "turn upwards", unit="degrees", low=-90, high=90, neutral=0, paper="Tobin 2017, Tremblay 2018"
    )
    roll_degrees: Law = quantity(
        [-20, 20], "rotation about the optical axis", unit="degrees", low=-360, high=360, paper="Tremblay 2018"
    )
    rolling_shutter_x: Law = quantity(
        0, "shift to the right between the first row and the last", unit="pixels", low=-1000, high=1000, neutral=0
    )
    rolling_shutter_y: Law = quantity(
        0, "stretch downwards between the first row and the last", unit="pixels", low=-50, high=1000, neutral=0
    )

    def uses(self, name: str, layout: str) -> bool:
        return super().uses(name, layout) and not (name == "fov_degrees" and self.calibration is not None)

    def folded(self, size: tuple[int, int]) -> bool:
        """Returns whether the lens may fold the image over before its corners.

        Args:
            size: Height and width of the image.
        """
        lowest = {name: getattr(self.distortion, name).support[0] for name in ("k1", "k2", "k3")}
        return folds_within(lowest, self._corner(size) / self.focal_factor.support[0])

    def _corner(self, size: tuple[int, int]) -> float:
        """Returns the largest distance of a corner from the optical axis, in focal lengths."""
        right, down = (max(abs(end) for end in law.support) for law in (self.principal_x, self.principal_y))
        known = self.calibration
        if known is None:
            height, width = size
            focal = max(size) / 2 / math.tan(math.radians(self.fov_degrees.support[1]) / 2)
            return math.hypot(width * (0.5 + right), height * (0.5 + down)) / focal
        height, width = known.size
        x, y = max(known.cx, width - known.cx) + right * width, max(known.cy, height - known.cy) + down * height
        return math.hypot(x / known.fx, y / known.fy)
