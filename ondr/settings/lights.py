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


class GlowColor(Color):
    """The tint of light from one half of all directions, linear factors from 0 to 1."""

    r: Law = quantity([0.5, 1], "red", low=0, high=1, each=False)
    g: Law = quantity([0.5, 1], "green", low=0, high=1, each=False)
    b: Law = quantity([0.5, 1], "blue", low=0, high=1, each=False)


class Glow(Section):
    """Light from one half of all directions: the sky, or what the ground throws back."""

    strength: Law = quantity(
        0, "brightness; 1 makes a white surface that faces it white", low=0, high=100, each=False, neutral=0
    )
    color: GlowColor = Field(default=GlowColor(), description="tint, linear factors")


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
    temperature_kelvin: Law = quantity(
        6500,
        "colour of a glowing body of this temperature, times color, at equal luminance; 6500 tints nothing",
        unit="kelvin",
        low=1667,
        high=25000,
        neutral=6500,
    )
    directional: Law = quantity({"bernoulli": 0.3}, "whether it is infinitely far away", kind="bool")
    azimuth_degrees: Law = quantity([0, 360], "direction around the vertical", unit="degrees", low=-360, high=360)
    elevation_degrees: Law = quantity([-10, 90], "direction above the horizon", unit="degrees", low=-90, high=90)
    distance: Law = quantity(
        {"log_uniform": [1.5, 6]}, "distance from the scene's centre", unit="scene radii", low=0.1, high=1e4
    )
    ambient: Law = quantity([0.1, 0.5], "light from everywhere, for all surfaces alike", low=0, high=100, each=False)
    sky: Glow = Field(default=Glow(), description="light from above, half of which reaches what faces sideways")
    ground: Glow = Field(default=Glow(), description="light from below, likewise")
    environment: Law = quantity(
        0,
        "brightness of the light from all sides of background.panorama, a factor on the file's own",
        low=0,
        high=1e4,
        each=False,
        neutral=0,
    )
    shadow_strength: Law = quantity(
        0,
        "share of the first light that things take from what lies behind them; the others cast no shadow",
        low=0,
        high=1,
        each=False,
        structure=True,
        neutral=0,
    )
    shadow_softness: Law = quantity(
        [0.005, 0.04],
        "width of a shadow's soft edge, as a share of the width of all that casts shadows, as the light sees it",
        low=0,
        high=0.1,
        each=False,
    )
