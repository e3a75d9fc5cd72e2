"""Tiles that look grown, weathered or mined."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from fields import Brush, X, Y, cells, fractal, mixed, ramp, relief, shuffled, step, strokes, wave


def wood(seed: int, colors: Sequence[str], rings: int = 6) -> np.ndarray:
    """Growth rings along y with fine fibres."""
    bend = fractal(seed, 2.2, (1, 3))
    fibre = fractal(seed + 1, 0.6, (1, 24), lowest=8)
    return ramp(0.65 * wave(rings * X + 3.5 * bend) + 0.35 * fibre, colors)


def planks(seed: int, colors: Sequence[str], count: int = 4) -> np.ndarray:
    """Boards along y, each of a shade of its own."""
    board = np.floor(X * count).astype(int)
    bend = fractal(seed, 2.0, (1, 4))
    fibre = fractal(seed + 1, 0.6, (1, 24), lowest=8)
    tone = 0.35 * wave(5 * X + 3 * bend + 7 * shuffled(board, seed)) + 0.35 * fibre + 0.3 * shuffled(board, seed + 2)
    gap = step(np.abs(X * count % 1 - 0.5), 0.48)
    return mixed(ramp(tone, colors), np.zeros(3), 0.75 * gap)


def marble(seed: int, ground: Sequence[str], vein: str) -> np.ndarray:
    """A cloudy ground with thin veins where two noises cross their middle."""
    clouds = ramp(fractal(seed, 1.8), ground)
    fine = 1 - step(np.abs(fractal(seed + 1, 1.7) - 0.5), 0.0, 0.05)
    broad = 1 - step(np.abs(fractal(seed + 2, 2.0) - 0.5), 0.0, 0.12)
    return mixed(clouds, ramp(X, [vein, vein]), np.clip(1.2 * fine + 0.8 * broad, 0, 0.85))


def stones(seed: int, colors: Sequence[str], mortar: str, across: int, gap: float, strength: float = 9.0) -> np.ndarray:
    """Rounded stones of several shades in mortar."""
    wall = cells(seed, across)
    rough = fractal(seed + 1, 1.0)
    tone = np.clip(0.7 * shuffled(wall.index, seed) + 0.5 * rough - 0.1, 0, 1)
    height = np.minimum(wall.gap, 0.35) + 0.15 * rough
    face = relief(ramp(tone, colors), height, strength)
    return mixed(ramp(rough, [mortar, mortar]), face, step(wall.gap, gap, 0.08))


def cracked_earth(seed: int) -> np.ndarray:
    """Dry clods with cracks between them."""
    clods = cells(seed, 7, 0.95)
    ground = ramp(0.5 * fractal(seed + 1, 1.1) + 0.5 * shuffled(clods.index, seed), ["#8f6a45", "#b58d60", "#cfae82"])
    crack = 1 - step(clods.gap + 0.12 * (fractal(seed + 2, 1.0) - 0.5), 0.06, 0.05)
    return mixed(ground, np.array([0.16, 0.1, 0.06]), crack)


def grass(seed: int) -> np.ndarray:
    """Blades over darker blades."""
    ground = ramp(fractal(seed, 1.0), ["#1d3a12", "#2f5a1c"])
    low = strokes(ground, Brush(["#2c5a1a", "#376b20", "#234a16"], 26, 0.25, 0.07), seed, 2200)
    return strokes(low, Brush(["#4f8a2b", "#6ba53a", "#86b84a", "#3f7a28"], 22, 0.25, 0.06), seed + 1, 1500)


def straw(seed: int) -> np.ndarray:
    """Stalks in all directions."""
    ground = ramp(fractal(seed, 1.0), ["#5a4420", "#7a5f30"])
    return strokes(ground, Brush(["#d8b964", "#c4a04b", "#e8d08a", "#a98538"], 90, 0.0, 0.14, 2), seed, 900)


def sand(seed: int) -> np.ndarray:
    """Ripples and grains."""
    ripple = wave(7 * Y + 2.5 * fractal(seed, 2.2))
    grain = fractal(seed + 1, 0.1)
    return relief(ramp(0.35 * ripple + 0.65 * grain, ["#b3905c", "#d6b886", "#efdcb4"]), ripple, 1.5)


def rust(seed: int) -> np.ndarray:
    """Paint that flakes off rusting sheet metal."""
    corrosion = ramp(fractal(seed, 0.9), ["#3b1a0c", "#8a3d14", "#c8661f", "#5b2a12"])
    paint = ramp(fractal(seed + 1, 1.2), ["#3d6a72", "#54858c"])
    edge = fractal(seed + 2, 1.4)
    return relief(mixed(corrosion, paint, step(edge, 0.48, 0.03)), step(edge, 0.48, 0.05), 0.5)


def leather(seed: int, colors: Sequence[str]) -> np.ndarray:
    """Small grained bumps."""
    grain = cells(seed, 26, 0.95)
    return relief(
        ramp(0.5 * fractal(seed + 1, 1.4) + 0.5 * np.minimum(grain.gap * 1.5, 1), colors),
        np.minimum(grain.gap, 0.6),
        1.3,
    )


def camouflage(seed: int, colors: Sequence[str]) -> np.ndarray:
    """Blots of four colours, one over the other."""
    image = ramp(X, [colors[0], colors[0]])
    for layer, color in enumerate(colors[1:]):
        image = mixed(image, ramp(X, [color, color]), step(fractal(seed + layer, 1.7, lowest=3), 0.55, 0.01))
    return image


def clouds(seed: int, colors: Sequence[str], exponent: float) -> np.ndarray:
    """Plain noise through a colour ramp."""
    return ramp(fractal(seed, exponent), colors)


def colored_noise(seed: int, exponent: float, lowest: float) -> np.ndarray:
    """Three independent noises as red, green and blue."""
    return np.stack([np.clip(1.6 * fractal(seed + c, exponent, lowest=lowest) - 0.3, 0, 1) for c in range(3)], axis=-1)


NATURAL: dict[str, Callable[[], np.ndarray]] = {
    "wood_oak.jpg": lambda: wood(1, ["#8d5f33", "#b98a54", "#d9b37c"]),
    "wood_walnut.jpg": lambda: wood(4, ["#2a170c", "#54331d", "#7b5232"], rings=4),
    "planks_grey.jpg": lambda: planks(7, ["#57534d", "#857f76", "#b1aba0"]),
    "marble_white.jpg": lambda: marble(10, ["#e9e7e2", "#fbfaf8", "#dcdad6"], "#77777c"),
    "marble_green.jpg": lambda: marble(14, ["#0f3327", "#1c5a44", "#123d2f"], "#b9d6c6"),
    "stone_wall.jpg": lambda: stones(20, ["#5d5a55", "#8a857c", "#aea695"], "#c9c2b4", 6, 0.09),
    "gravel.jpg": lambda: stones(22, ["#55504c", "#8f8a86", "#c9c4bf", "#7d6a5a"], "#2d2a28", 18, 0.12, 4.0),
    "cracked_earth.jpg": lambda: cracked_earth(24),
    "grass.jpg": lambda: grass(27),
    "straw.jpg": lambda: straw(29),
    "sand.jpg": lambda: sand(31),
    "rust.jpg": lambda: rust(34),
    "leather_brown.jpg": lambda: leather(38, ["#3a1d0f", "#6e3d20", "#8f5630"]),
    "leather_red.jpg": lambda: leather(39, ["#4d0d12", "#8c1c24", "#b13a3c"]),
    "camouflage_forest.png": lambda: camouflage(41, ["#6b7045", "#2f3b22", "#4a3a26", "#15170f"]),
    "camouflage_desert.png": lambda: camouflage(48, ["#d8c39a", "#a8845a", "#7c5f45", "#efe2c4"]),
    "clouds.jpg": lambda: clouds(52, ["#2f6fb5", "#7fb2e0", "#ffffff", "#ffffff"], 1.9),
    "lava.jpg": lambda: clouds(53, ["#120606", "#3a0c08", "#d8380f", "#ffc93c"], 1.4),
    "noise_fine.jpg": lambda: colored_noise(55, 0.3, 1),
    "noise_medium.jpg": lambda: colored_noise(58, 1.2, 6),
    "noise_coarse.jpg": lambda: colored_noise(61, 2.2, 1),
}
