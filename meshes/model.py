"""A model: surfaces, each with the paint it wears."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from surface import Surface

Paint = str | np.ndarray
"""'#rrggbb', or an image [height, width, 3] of sRGB bytes laid on by the surface's uvs."""


@dataclass(frozen=True)
class Part:
    """One surface and its paint."""

    surface: Surface
    paint: Paint
    shades: np.ndarray | None = None
    """A factor [vertex, 3] on the paint for files with vertex colours; the others leave it out."""


class Model(Protocol):
    """What describes one instance of a class by its parameters."""

    def parts(self) -> list[Part]:
        """Returns the model's parts, in millimetres."""


def rgb(color: str) -> np.ndarray:
    """Returns '#rrggbb' as three numbers in 0..1, sRGB."""
    return np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def linear(srgb: np.ndarray) -> np.ndarray:
    """Returns linear light for sRGB values in 0..1."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
