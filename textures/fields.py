"""Periodic grey fields [SIDE, SIDE] and what turns them into colours; everything wraps around at all four edges.

Fields run from 0 to 1 unless said otherwise; colours are sRGB in 0..1; angles and phases are in turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

SIDE = 256
X, Y = np.meshgrid((np.arange(SIDE) + 0.5) / SIDE, (np.arange(SIDE) + 0.5) / SIDE)
"""Pixel centres, 0 to 1: x to the right, y down."""


def fractal(
    seed: int, exponent: float = 1.5, stretch: tuple[float, float] = (1.0, 1.0), lowest: float = 1.0
) -> np.ndarray:
    """Returns noise whose amplitude falls with frequency to the power of `exponent`.

    Args:
        seed: the noise's own random seed.
        exponent: 0 is white noise, 2 soft clouds.
        stretch: how much longer features are along x and along y.
        lowest: frequencies below this many waves per tile are damped.
    """
    waves = np.fft.fftfreq(SIDE, 1 / SIDE)
    frequency = np.hypot(waves * stretch[0], waves[:, None] * stretch[1])
    frequency[0, 0] = np.inf
    amplitude = np.maximum(frequency, lowest) ** -exponent * np.minimum(frequency / lowest, 1) ** 2
    amplitude[0, 0] = 0.0
    noise = np.random.default_rng(seed).standard_normal((SIDE, SIDE))
    field = np.fft.ifft2(np.fft.fft2(noise) * amplitude).real
    return np.clip(0.5 + field / (5 * field.std()), 0, 1)


@dataclass(frozen=True)
class Cells:
    """What a pixel knows about the cells of a Voronoi diagram."""

    index: np.ndarray
    """Number of the pixel's cell."""
    distance: np.ndarray
    """To the cell's point, in units of a cell's usual width."""
    gap: np.ndarray
    """How much farther the second nearest point is: 0 at the border."""


def cells(seed: int, across: int, jitter: float = 0.8) -> Cells:
    """Returns Voronoi cells about the points of a square grid that were moved by up to `jitter` / 2 of its pitch."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(np.arange(across), np.arange(across)), axis=-1).reshape(-1, 2)
    points = (grid + 0.5 + jitter * (rng.random(grid.shape) - 0.5)) / across
    dx, dy = (np.abs(axis[..., None] - points[:, i]) for i, axis in enumerate((X, Y)))
    distance = np.hypot(np.minimum(dx, 1 - dx), np.minimum(dy, 1 - dy)) * across
    nearest = np.partition(distance, 1, axis=-1)
    return Cells(distance.argmin(axis=-1), nearest[..., 0], nearest[..., 1] - nearest[..., 0])


def wave(phase: np.ndarray) -> np.ndarray:
    """Returns a cosine wave of a phase in turns."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * phase)


def step(field: np.ndarray, edge: float, softness: float = 0.02) -> np.ndarray:
    """Returns 0 below and 1 above `edge`, with a soft passage."""
    return np.clip((field - edge) / softness + 0.5, 0, 1)


def shuffled(index: np.ndarray, seed: int) -> np.ndarray:
    """Returns a random number in 0..1 for each whole number of `index`."""
    return np.random.default_rng(seed).random(int(index.max()) + 1)[index]


def ramp(field: np.ndarray, colors: Sequence[str]) -> np.ndarray:
    """Returns colours [SIDE, SIDE, 3] from evenly spaced '#rrggbb' stops."""
    stops = np.array([rgb(color) for color in colors])
    at = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(field, at, stops[:, channel]) for channel in range(3)], axis=-1)


def mixed(below: np.ndarray, above: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Lays colours over others; `weight` 1 shows `above`."""
    return below + (above - below) * weight[..., None]


def relief(colors: np.ndarray, height: np.ndarray, strength: float) -> np.ndarray:
    """Lights a height field from the upper left."""
    slope = (np.roll(height, -1, axis=1) - height) + (np.roll(height, -1, axis=0) - height)
    return colors * np.clip(1 + strength * slope, 0.3, 1.7)[..., None]


@dataclass(frozen=True)
class Brush:
    """What straight strokes look like."""

    colors: Sequence[str]
    """'#rrggbb' to choose from."""
    length: float
    """Of the longest, pixels."""
    direction: float
    """Turns from the x axis, clockwise."""
    spread: float
    """Standard deviation of the direction."""
    width: int = 1
    """Pixels."""


def strokes(ground: np.ndarray, brush: Brush, seed: int, count: int) -> np.ndarray:
    """Draws `count` strokes that wrap around on colours [SIDE, SIDE, 3]."""
    rng = np.random.default_rng(seed)
    image = Image.fromarray(to_bytes(np.tile(ground, (3, 3, 1))))
    draw = ImageDraw.Draw(image)
    for _ in range(count):
        angle = 2 * np.pi * rng.normal(brush.direction, brush.spread)
        half = np.array([np.cos(angle), np.sin(angle)]) * brush.length * rng.uniform(0.3, 0.5)
        middle, color = rng.uniform(0, SIDE, 2), brush.colors[int(rng.integers(len(brush.colors)))]
        for shift in np.ndindex(3, 3):
            center = middle + np.array(shift) * SIDE
            draw.line([*(center - half), *(center + half)], fill=color, width=brush.width)
    return np.asarray(image)[SIDE : 2 * SIDE, SIDE : 2 * SIDE] / 255


def rgb(color: str) -> np.ndarray:
    """Returns '#rrggbb' as three numbers in 0..1."""
    return np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def to_bytes(colors: np.ndarray) -> np.ndarray:
    """Returns colours as bytes."""
    return np.round(np.clip(colors, 0, 1) * 255).astype(np.uint8)
