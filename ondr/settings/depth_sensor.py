"""The depth camera."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from ondr.laws import Law
from ondr.quantity import quantity
from ondr.settings.section import Section

KINECT = "Khoshelham and Oude Elberink 2012"


class DepthSensor(Section):
    """A triangulating depth camera, for the output `sensor_depth`; not computed without it.

    The defaults are those of the first Kinect.
    """

    noise_std: Law = quantity(
        0.0014,
        "standard deviation of the noise at 1 metre; it grows with the square of the depth",
        unit="metres",
        low=0,
        high=100,
        paper=KINECT,
    )
    step: Law = quantity(
        0.0028,
        "depth resolution at 1 metre; it grows with the square of the depth",
        unit="metres",
        low=0,
        high=100,
        paper=KINECT,
    )
    edge_holes: Law = quantity(0.5, "share of the pixels beside a jump in depth that have no value", low=0, high=1)
    edge_jump: float = Field(default=0.05, gt=0, description="least jump, as a share of the nearer depth")
    nearest_metres: float = Field(default=0.0, ge=0, description="nearer pixels have no value")
    farthest_metres: float | None = Field(
        default=None, gt=0, description="farther pixels have no value; null: no limit"
    )

    @model_validator(mode="after")
    def _has_a_range(self) -> Self:
        if self.farthest_metres is not None and self.farthest_metres <= self.nearest_metres:
            raise ValueError(
                f"depth_sensor.farthest_metres must be more than depth_sensor.nearest_metres = {self.nearest_metres}, "
                f"got {self.farthest_metres}. Swap them."
            )
        return self
