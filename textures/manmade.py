"""Tiles that look woven, laid, machined or printed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from fields import Brush, X, Y, cells, fractal, mixed, ramp, relief, rgb, shuffled, step, strokes, wave


def flat(color: str) -> np.ndarray:
    """One colour all over."""
    return np.broadcast_to(rgb(color), (*X.shape, 3))


def brick(seed: int, colors: Sequence[str], mortar: str, across: int = 4, rows: int = 8) -> np.ndarray:
    """A running bond: every second row is shifted by half a brick."""
    row = np.floor(Y * rows).astype(int)
    x = X * across + 0.5 * (row % 2)
    index = row * across + np.floor(x).astype(int) % across
    rough = fractal(seed, 0.8)
    inside = np.minimum(0.5 - np.abs(x % 1 - 0.5), (0.5 - np.abs(Y * rows % 1 - 0.5)) * across / rows)
    face = ramp(np.clip(0.75 * shuffled(index, seed) + 0.5 * rough - 0.12, 0, 1), colors)
    joint = flat(mortar) * (0.8 + 0.4 * rough[..., None])
    return relief(mixed(joint, face, step(inside, 0.035, 0.03)), np.minimum(inside, 0.07) + 0.03 * rough, 6)


def tiles(seed: int, colors: Sequence[str], joint: str, across: int, gap: float = 0.05) -> np.ndarray:
    """Square glazed tiles."""
    index = np.floor(Y * across).astype(int) * across + np.floor(X * across).astype(int)
    inside = 0.5 - np.maximum(np.abs(X * across % 1 - 0.5), np.abs(Y * across % 1 - 0.5))
    glaze = ramp(0.85 * shuffled(index, seed) + 0.15 * fractal(seed, 1.5), colors)
    return relief(mixed(flat(joint), glaze, step(inside, gap, 0.03)), np.minimum(inside, gap + 0.06), 5)


def weave(colors: Sequence[str], threads: int, seed: int) -> np.ndarray:
    """A plain weave of warp and weft in two colours."""
    x, y = X * threads, Y * threads
    over = (np.floor(x) + np.floor(y)) % 2
    warp, weft = wave(x) * (0.6 + 0.4 * wave(y)), wave(y) * (0.6 + 0.4 * wave(x))
    cloth = mixed(
        flat(colors[0]) * (0.45 + 0.6 * warp)[..., None], flat(colors[1]) * (0.45 + 0.6 * weft)[..., None], over
    )
    return cloth * (0.8 + 0.4 * fractal(seed, 0.6))[..., None]


def denim(seed: int) -> np.ndarray:
    """A steep twill with worn patches."""
    twill = wave(32 * X + 64 * Y)
    worn = fractal(seed, 1.6)
    thread = fractal(seed + 1, 0.3, (1, 6), lowest=4)
    return ramp(np.clip(0.45 * twill + 0.4 * worn + 0.5 * thread - 0.25, 0, 1), ["#14213f", "#2c4677", "#7d98c4"])


def tartan(ground: str, bands: Sequence[tuple[float, float, str]]) -> np.ndarray:
    """Bands (middle, width, colour) across and down over a ground, in a fine twill."""
    twill = (np.floor(X * 64) + np.floor(Y * 64)) % 2
    across, down = flat(ground), flat(ground)
    for middle, width, color in bands:
        across = mixed(across, flat(color), 1 - step(np.abs(X - middle), width / 2, 0.004))
        down = mixed(down, flat(color), 1 - step(np.abs(Y - middle), width / 2, 0.004))
    return mixed(across, down, 0.3 + 0.4 * twill)


def knitted(color: str, stitches: int = 16) -> np.ndarray:
    """Columns of v-shaped stitches."""
    lean = np.abs(X * stitches % 1 - 0.5)
    yarn = wave(Y * stitches + lean * 1.4) * (0.35 + 0.65 * wave(2 * X * stitches))
    return flat(color) * (0.35 + 0.75 * yarn)[..., None] * (0.85 + 0.3 * fractal(66, 0.5))[..., None]


def bands(colors: Sequence[str], shares: Sequence[float], turns: tuple[int, int]) -> np.ndarray:
    """Stripes whose pattern repeats `turns` times along x and y."""
    phase = (turns[0] * X + turns[1] * Y) % 1
    index = np.searchsorted(np.cumsum(shares) / np.sum(shares), phase, side="right")
    return np.array([rgb(color) for color in colors])[index]


def checker(colors: Sequence[str], across: int) -> np.ndarray:
    """A checker board."""
    index = (np.floor(X * across) + np.floor(Y * across)).astype(int) % 2
    return np.array([rgb(color) for color in colors])[index]


def dots(ground: str, colors: Sequence[str], across: int, radius: float) -> np.ndarray:
    """Dots of several colours on a square grid, every second row shifted."""
    row = np.floor(Y * across).astype(int)
    x = X * across + 0.5 * (row % 2)
    index = (np.floor(x).astype(int) % across * 3 + row) % len(colors)
    distance = np.hypot(x % 1 - 0.5, Y * across % 1 - 0.5)
    return mixed(flat(ground), np.array([rgb(color) for color in colors])[index], 1 - step(distance, radius, 0.04))


def zigzag(colors: Sequence[str], across: int, down: int) -> np.ndarray:
    """Zig-zag bands."""
    phase = Y * down + np.abs(X * across % 1 - 0.5)
    index = np.floor(phase * len(colors)).astype(int) % len(colors)
    return np.array([rgb(color) for color in colors])[index]


def hexagons(colors: Sequence[str], joint: str) -> np.ndarray:
    """A honeycomb: the nearer one of two shifted rectangular grids of centres."""
    # 7 / 4 is close to the square root of 3, so that the honeycomb repeats in a square.
    columns, rows = 7, 4
    candidates = []
    for shift in (0.0, 0.5):
        u, v = X * columns + shift, Y * rows + shift
        dx, dy = (u % 1 - 0.5), (v % 1 - 0.5) * np.sqrt(3)
        distance = np.maximum(np.abs(dx), np.abs(dx) / 2 + np.abs(dy) * np.sqrt(3) / 2)
        index = (np.floor(u) % columns * 5 + np.floor(v) % rows * 3 + (shift > 0)).astype(int)
        candidates.append((distance, index))
    (first, a), (second, b) = candidates
    color = np.array([rgb(c) for c in colors])[np.where(first < second, a, b) % len(colors)]
    return mixed(color, flat(joint), step(np.minimum(first, second), 0.46, 0.03))


def brushed_metal(seed: int) -> np.ndarray:
    """Steel ground in one direction."""
    return ramp(fractal(seed, 0.5, (40, 1), lowest=4), ["#6f757b", "#a9afb5", "#e2e6ea"])


def scratched_metal(seed: int) -> np.ndarray:
    """Painted metal with scratches in all directions."""
    paint = ramp(fractal(seed, 1.5), ["#39424c", "#4b5662"])
    return strokes(paint, Brush(["#aab2ba", "#7a838c", "#262c33", "#d5dade"], 120, 0.0, 0.3), seed, 260)


def terrazzo(seed: int) -> np.ndarray:
    """Chips of stone in cement."""
    chips = cells(seed, 14, 1.0)
    size = 0.12 + 0.3 * shuffled(chips.index, seed + 1)
    chip = ramp(shuffled(chips.index, seed), ["#c4694a", "#e0b080", "#3f5c5a", "#8fa7a0", "#2d2f33", "#d9d0c2"])
    ground = ramp(fractal(seed, 0.5), ["#e3ddd2", "#f3efe8"])
    return mixed(ground, chip, step(chips.gap - size, 0.0, 0.05))


def gradient(colors: Sequence[str]) -> np.ndarray:
    """A diagonal rainbow that ends where it began."""
    return ramp((X + Y) % 1, [*colors, colors[0]])


MANMADE: dict[str, Callable[[], np.ndarray]] = {
    "brick_red.jpg": lambda: brick(101, ["#6e2a1c", "#9a4530", "#b9654a"], "#b8b0a4"),
    "brick_white.jpg": lambda: brick(103, ["#cfcac0", "#e9e5dc", "#f7f4ee"], "#8f8a82", 3, 6),
    "tiles_blue.jpg": lambda: tiles(105, ["#16456e", "#2a75a8", "#6fb1d4"], "#e8e6e0", 6),
    "mosaic.jpg": lambda: tiles(
        107, ["#d8452e", "#f1b434", "#2f8f6b", "#264f86", "#efe6d2", "#7a3b78"], "#3a3733", 16, 0.07
    ),
    "weave_linen.jpg": lambda: weave(["#d9c9a8", "#c9b48c"], 32, 109),
    "weave_basket.jpg": lambda: weave(["#b5793c", "#8f5626"], 10, 110),
    "denim.jpg": lambda: denim(112),
    "tartan.png": lambda: tartan(
        "#8c1c22", [(0.25, 0.2, "#173f2a"), (0.25, 0.02, "#f0e6c8"), (0.7, 0.06, "#1a2347"), (0.85, 0.02, "#e8c440")]
    ),
    "knitted.jpg": lambda: knitted("#d8743a"),
    "stripes.png": lambda: bands(["#f3efe4", "#23486b", "#f3efe4", "#c8402f"], [3, 2, 3, 1], (4, 0)),
    "hazard.png": lambda: bands(["#f2c21b", "#17181a"], [1, 1], (3, 3)),
    "checker.png": lambda: checker(["#f5f2ea", "#1b1c20"], 8),
    "dots.png": lambda: dots("#f7f1e3", ["#e4572e", "#17becf", "#f3a712", "#6a4c93"], 8, 0.32),
    "zigzag.png": lambda: zigzag(["#2a9d8f", "#f4ead2", "#264653", "#e9c46a"], 4, 3),
    "hexagons.png": lambda: hexagons(["#e0a030", "#f2c14e", "#c77d1e"], "#5a3410"),
    "brushed_metal.jpg": lambda: brushed_metal(120),
    "scratched_metal.jpg": lambda: scratched_metal(122),
    "terrazzo.jpg": lambda: terrazzo(124),
    "gradient.png": lambda: gradient(["#e63946", "#f4a261", "#2a9d8f", "#264a9a", "#9b3fa0"]),
}
