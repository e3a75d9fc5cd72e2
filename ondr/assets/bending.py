"""Bending a mesh: its longest axis becomes an arc of a circle.

Source: Barr 1984, "Global and local deformations of solid primitives", section 3.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float64

from ondr.assets.parts import Part

STRAIGHT_DEGREES = 0.01
"""Smaller bends are ignored: their radius would be too large for float arithmetic."""


def bend(parts: Sequence[Part], degrees: float) -> list[Part]:
    """Returns the parts of a mesh, bent.

    The longest side of the bounding box becomes an arc of `degrees`, bent towards the second longest one. Lengths along
    the middle of the box are kept.

    Args:
        parts: The parts of one mesh.
        degrees: Angle between the two ends.
    """
    if abs(degrees) < STRAIGHT_DEGREES:
        return list(parts)
    every = np.concatenate([p.corners for p in parts]).reshape(-1, 3)
    low, high = every.min(axis=0), every.max(axis=0)
    along, towards = np.argsort(low - high, kind="stable")[:2]
    center, rate = (low + high) / 2, np.radians(degrees) / (high - low)[along]
    return [replace(p, corners=_bent(p.corners, center, int(along), int(towards), float(rate))) for p in parts]


def _bent(
    corners: Float64[np.ndarray, "triangle 3 3"], center: np.ndarray, along: int, towards: int, rate: float
) -> Float64[np.ndarray, "triangle 3 3"]:
    """Bends points about an axis at a distance of 1 / rate from the centre."""
    local = corners - center
    angle, radius = local[..., along] * rate, 1 / rate - local[..., towards]
    result = local.copy()
    result[..., along] = radius * np.sin(angle)
    result[..., towards] = 1 / rate - radius * np.cos(angle)
    return result + center
