"""Point and directional lights, ambient, sky and panorama light."""

from __future__ import annotations

from pydantic import Field

from ondr.laws import Law
from ondr.quantity import quantity
from ondr.settings.section import Color, Section


class LightColor(Color):
    """The tint of a light: linear factors from 0 to 1."""

    r: Law = quantity([0.85, 1], "red", low=0, high=1)
    g: Law = quantity([0.85, 1], "green", low=0, high=1)
    b: Law = quantity([0.85, 1], "blue", low=0, high=1)


class GlowColor(Color):
    """The tint of hemisphere light: linear factors from 0 to 1."""

    r: Law = quantity([0.5, 1], "red", low=0, high=1, each=False)
    g: Law = quantity([0.5, 1], "green", low=0, high=1, each=False)
    b: Law = quantity([0.5, 1], "blue", low=0, high=1, each=False)


class Glow(Section):
    """Light from a hemisphere: the sky, or light that the ground reflects."""

    strength: Law = quantity(
        0, "brightness; at 1, a white surface that faces it is white", low=0, high=100, each=False, neutral=0
    )
    color: GlowColor = Field(default=GlowColor(), description="tint, linear factors")


class Lights(Section):
    """Point and directional lights, ambient, sky and panorama light."""

    count: Law = quantity([1, 4], "number of lights", kind="count", low=0, high=64, each=False, structure=True)
    intensity: Law = quantity(
        {"log_uniform": [0.3, 3]},
        "brightness at the scene's centre; at 1, a white surface that faces the light is white",
        low=0,
        high=1e4,
    )
    color: LightColor = Field(default=LightColor(), description="tint, linear factors")
    temperature_kelvin: Law = quantity(
        6500,
        "black-body colour of equal luminance, times color; 6500 is neutral",
        unit="kelvin",
        low=1667,
        high=25000,
        neutral=6500,
    )
    directional: Law = quantity(
        {"bernoulli": 0.3}, "whether the light is directional, infinitely far away", kind="bool"
    )
    azimuth_degrees: Law = quantity([0, 360], "azimuth", unit="degrees", low=-360, high=360)
    elevation_degrees: Law = quantity([-10, 90], "elevation above the horizon", unit="degrees", low=-90, high=90)
    distance: Law = quantity(
        {"log_uniform": [1.5, 6]}, "distance from the scene's centre", unit="scene radii", low=0.1, high=1e4
    )
    ambient: Law = quantity([0.1, 0.5], "uniform light from all directions", low=0, high=100, each=False)
    sky: Glow = Field(default=Glow(), description="light from above; a surface that faces sideways receives half of it")
    ground: Glow = Field(default=Glow(), description="light from below, likewise")
    environment: Law = quantity(
        0,
        "factor on the brightness of the light from background.panorama; 0: it gives no light",
        low=0,
        high=1e4,
        each=False,
        neutral=0,
    )
    shadow_strength: Law = quantity(
        0,
        "share of the first light that its shadows take away; the other lights cast none",
        low=0,
        high=1,
        each=False,
        structure=True,
        neutral=0,
    )
    shadow_softness: Law = quantity(
        [0.005, 0.04],
        "width of a shadow's soft edge as a share of the width, seen from the light, of everything that casts shadows",
        low=0,
        high=0.1,
        each=False,
    )
