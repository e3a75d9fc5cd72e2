"""The photometric effects of a batch."""

from __future__ import annotations

from ondr.draws import Draws
from ondr.sampling.active import Active
from ondr.scene import Effects


def sample_effects(draws: Draws, active: Active) -> Effects:
    """Returns the effects' strengths."""
    return Effects(
        blur_sigma=draws["photometric.blur_sigma"],
        brightness=draws["photometric.brightness"],
        contrast=draws["photometric.contrast"],
        saturation=draws["photometric.saturation"],
        hue_degrees=draws["photometric.hue_degrees"],
        noise_std=draws["photometric.noise_std"],
    )
