"""Point and directional lights, and light from everywhere."""

from __future__ import annotations

from pydantic import Field

from ondr.laws import Law
from ondr.quantity import quantity
from ondr.settings.section import Color, Section


class LightColor(Color):
    """The tint of a light, linear factors from 0 to 1."""

    r: Law = quantity([0.85, 1], "red", low=0, high=1)
    g: Law = quantity([0.85, 1], "green", low=0, high=1)
    b: Law = quantity([0.85, 1], "blue", low=0, high=1)


class Lights(Section):
    """Point and directional lights, and light from everywhere."""

    count: Law = quantity([1, 4], "number", kind="count", low=0, high=64, each=False, structure=True)
    intensity: Law = quantity(
        {"log_uniform": [0.3, 3]},
        "brightness at the scene's centre; 1 makes a white surface that faces the light white",
        low=0,
        high=1e4,
    )
    color: LightColor = Field(default=LightColor(), description="tint, linear factors")
    directional: Law = quantity({"bernoulli": 0.3}, "whether it is infinitely far away", kind="bool")
    azimuth_degrees: Law = quantity([0, 360], "direction around the vertical", unit="degrees", low=-360, high=360)
    elevation_degrees: Law = quantity([-10, 90], "direction above the horizon", unit="degrees", low=-90, high=90)
    distance: Law = quantity(
        {"log_uniform": [1.5, 6]}, "distance from the scene's centre", unit="scene radii", low=0.1, high=1e4
    )
    ambient: Law = quantity([0.1, 0.5], "light from everywhere, for all surfaces alike", low=0, high=100, each=False)
