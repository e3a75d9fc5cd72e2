"""The photometric effects of a batch."""

from __future__ import annotations

from dataclasses import fields

from ondr.draws import Draws
from ondr.sampling.active import Active
from ondr.scene import Effects

ALWAYS = ("blur_sigma", "brightness", "contrast", "saturation", "hue_degrees", "noise_std")
"""Effects that are always in the scene: fused with shading, or free where no image drew them."""


def sample_effects(draws: Draws, active: Active) -> Effects:
    """Returns the strengths of the effects; None for those that no image of the stream can have."""
    names = [field.name for field in fields(Effects)]
    kept = [name for name in names if name in ALWAYS or _in_use(name, active)]
    return Effects(**{name: draws[f"photometric.{name}"] for name in kept})


def _in_use(name: str, active: Active) -> bool:
    # An angle has no neutral value: it is needed if the blur is.
    return f"photometric.{name.replace('angle_degrees', 'length')}" in active
