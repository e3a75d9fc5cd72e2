"""Flat pictures for mugs, bottles, vases and books, drawn with numpy and Pillow: [height, width, 3] sRGB bytes.

The left and right edges meet on round things; every print that goes around is periodic in x.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from model import rgb
from PIL import Image, ImageDraw

SIDE = 256


def stripes(colors: Sequence[str], shares: Sequence[float], upright: bool = False, repeats: int = 1) -> np.ndarray:
    """Bands one below the other (or side by side) whose widths are in the proportion of `shares`, repeated."""
    position = (np.arange(SIDE) + 0.5) / SIDE * repeats % 1
    band = np.searchsorted(np.cumsum(shares) / np.sum(shares), position, side="right")
    line = _palette(colors)[band]
    picture = np.broadcast_to(line if upright else line[:, None], (SIDE, SIDE, 3))
    return np.ascontiguousarray(picture)


def dots(ground: str, color: str, across: int, down: int, share: float = 0.3) -> np.ndarray:
    """Staggered dots; `share` is a dot's radius in cells. Round where a cell is square on the surface."""
    x, y = _cells(across, down)
    x = x + 0.5 * (np.floor(y) % 2)
    inside = np.hypot(x % 1 - 0.5, y % 1 - 0.5) < share
    return _palette([ground, color])[inside.astype(int)]


def zigzag(colors: Sequence[str], across: int, down: int) -> np.ndarray:
    """Zig-zag bands in the given colours."""
    x, y = _cells(across, down)
    band = np.floor(y * len(colors) + np.abs(x % 1 - 0.5) * 2).astype(int)
    return _palette(colors)[band % len(colors)]


def checks(colors: Sequence[str], across: int, down: int) -> np.ndarray:
    """A checker board of two colours."""
    x, y = _cells(across, down)
    return _palette(colors)[(np.floor(x) + np.floor(y)).astype(int) % 2]


def label(paper: str, ink: str, accent: str, seed: int) -> np.ndarray:
    """A label that covers the front and the back: frame, emblem and lines of writing."""
    image = Image.fromarray(stripes([accent, paper, accent], [1, 14, 1]))
    draw = ImageDraw.Draw(image)
    rng = np.random.default_rng(seed)
    for left in (0, SIDE // 2):
        draw.ellipse([left + 38, 36, left + 90, 120], fill=accent)
        draw.ellipse([left + 50, 55, left + 78, 100], fill=paper)
        _writing(draw, (left + 16, 140, left + 112, 226), ink, rng)
    return np.asarray(image)


def cover(ground: str, accent: str, ink: str, motif: str, seed: int) -> np.ndarray:
    """A book's jacket: back, spine and front from left to right, within a plain border that wraps the edges."""
    image = Image.new("RGB", (SIDE, SIDE), ground)
    draw = ImageDraw.Draw(image)
    rng = np.random.default_rng(seed)
    _writing(draw, (24, 40, 96, 120), ink, rng)
    draw.rectangle([112, 30, 144, 42], fill=accent)
    draw.rectangle([112, 210, 144, 222], fill=accent)
    draw.rectangle([124, 60, 132, 180], fill=ink)
    _writing(draw, (160, 26, 238, 66), ink, rng, lines=2)
    MOTIFS[motif](draw, (160, 90, 238, 226), accent)
    return np.asarray(image)


def _writing(
    draw: ImageDraw.ImageDraw, area: tuple[int, int, int, int], ink: str, rng: np.random.Generator, lines: int = 5
) -> None:
    """Fills an area with lines of words, drawn as bars."""
    left, top, right, bottom = area
    pitch = (bottom - top) / lines
    for line in range(lines):
        x, y = left, top + line * pitch
        while x < right - 6:
            width = int(rng.integers(6, 24))
            draw.rectangle([x, y, min(x + width, right), y + pitch * 0.55], fill=ink)
            x += width + 4


def _sun(draw: ImageDraw.ImageDraw, area: tuple[int, int, int, int], color: str) -> None:
    left, top, right, bottom = area
    draw.ellipse([left + 10, top + 10, right - 10, bottom - 40], fill=color)
    draw.rectangle([left, bottom - 24, right, bottom - 12], fill=color)


def _diamonds(draw: ImageDraw.ImageDraw, area: tuple[int, int, int, int], color: str) -> None:
    left, top, right, bottom = area
    x = (left + right) / 2
    for y in np.linspace(top, bottom, 4)[:-1]:
        draw.polygon([(x, y), (right, y + 22), (x, y + 44), (left, y + 22)], fill=color)


def _mountains(draw: ImageDraw.ImageDraw, area: tuple[int, int, int, int], color: str) -> None:
    left, top, right, bottom = area
    draw.polygon([(left, bottom), (left + 30, top + 20), (left + 56, bottom)], fill=color)
    draw.polygon([(left + 36, bottom), (right - 18, top + 50), (right, bottom)], fill=color)


def _frames(draw: ImageDraw.ImageDraw, area: tuple[int, int, int, int], color: str) -> None:
    left, top, right, bottom = area
    for step in range(0, 36, 12):
        draw.rectangle([left + step, top + step, right - step, bottom - step], outline=color, width=5)


MOTIFS = {"sun": _sun, "diamonds": _diamonds, "mountains": _mountains, "frames": _frames}


def _cells(across: int, down: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixel centres in units of cells."""
    line = (np.arange(SIDE) + 0.5) / SIDE
    x, y = np.meshgrid(line * across, line * down)
    return x, y


def _palette(colors: Sequence[str]) -> np.ndarray:
    return np.array([np.round(rgb(color) * 255) for color in colors]).astype(np.uint8)
