"""Hammers, screwdrivers and bolts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from curves import ellipse, hexagon, polar, rectangle, rounded, smooth
from model import Model, Part
from surface import Surface, ball, box, revolve, slab, stack, sweep

STEEL = "#a9adb2"


@dataclass(frozen=True)
class Hammer:
    """A handle along z and a head across it."""

    length: float
    handle: tuple[tuple[float, float], ...]
    """(z as a share of the length, width) of the handle, a smooth curve."""
    wood: str
    grip: str | None
    """Colour of a sleeve over the lower third."""
    head: Literal["claw", "ball", "block", "barrel"]
    head_color: str
    size: float = 30
    """Diameter of the head's face."""

    def parts(self) -> list[Part]:
        """Handle, grip and head."""
        head = head_pieces(self.head, self.size)
        parts = [Part(self._stick(0, 1, 0), self.wood)]
        if self.grip:
            parts.append(Part(self._stick(-0.005, 0.36, 3.5), self.grip))
        return parts + [Part(piece.moved(z=self.length - self.size * 0.45), self.head_color) for piece in head]

    def _stick(self, start: float, end: float, extra: float) -> Surface:
        """The handle between two shares of its length, `extra` thicker than the wood."""
        share, width = smooth(self.handle, 4).T
        z = np.linspace(start, end, 14)
        across = np.interp(z, share, width)[:, None, None] + extra
        rounding = np.minimum(1.0, np.minimum(z - start, end - z) * self.length / 5 + 0.7)[:, None, None]
        path = np.stack([np.zeros_like(z), np.zeros_like(z), z * self.length], axis=1)
        return sweep(path, ellipse(0.72, 1, 14) * across * rounding, side=(1, 0, 0))


def head_pieces(kind: str, size: float) -> list[Surface]:
    """Returns the pieces of a hammer's head about the handle's axis; it strikes towards +y."""
    if kind == "block":
        return [slab(rectangle(size * 1.3, size * 2.6, size * 0.2), size * 1.3, size * 0.1).moved(z=-size * 0.65)]
    if kind == "barrel":
        half = [(0, 0, 0), (size * 0.8, 0, size * 0.1), (size * 0.92, size * 1.4, 0)]
        other = [(size * 0.8, size * 2.8, size * 0.1), (0, size * 2.8, 0)]
        return [revolve(rounded(half + other), 28).turned("x", -90).moved(y=-size * 1.4)]
    face = rounded(
        [
            (0, 0, 0),
            (size * 0.34, 0, 0),
            (size * 0.32, size, 3),
            (size * 0.5, size * 1.15, 2),
            (size * 0.5, size * 1.5, 2),
            (0, size * 1.5, 0),
        ]
    )
    middle = slab(rectangle(size * 0.85, size * 1.05, 5), size * 0.95, 3).moved(z=-size * 0.475)
    back = _peen(size) if kind == "ball" else _claw(size)
    return [middle, revolve(face, 24).turned("x", -90), *back]


def _peen(size: float) -> list[Surface]:
    neck = revolve([(0, 0), (size * 0.34, 0), (size * 0.3, size), (0, size)], 20).turned("x", 90).moved(y=1)
    return [neck, ball(size * 0.44, 18).moved(y=-size * 1.15)]


def _claw(size: float) -> list[Surface]:
    """Two flat prongs that bend down and apart."""
    line = smooth([(-0.2, 0.08), (-0.9, 0.1), (-1.6, -0.15), (-2.1, -0.75)], 5) * size
    spread = np.linspace(0.13, 0.3, len(line)) * size
    path = np.stack([spread, line[:, 0], line[:, 1]], axis=1)
    taper = np.linspace(1, 0.4, len(line))[:, None, None]
    prong = sweep(path, rectangle(size * 0.36, size * 0.42, size * 0.06) * taper, side=(1, 0, 0))
    return [prong, prong.mirrored("x")]


@dataclass(frozen=True)
class Screwdriver:
    """A fluted handle, a steel shaft and a flat or cross tip; the tip points down."""

    grip: tuple[tuple[float, float], ...]
    """(radius, z) of the handle from the shaft to its end, a smooth curve."""
    shaft: tuple[float, float]
    """Radius and length."""
    tip: Literal["flat", "cross"]
    color: str
    accent: str
    flutes: int = 6
    depth: float = 0.12
    """How far flutes reach in, relative to the radius."""

    def parts(self) -> list[Part]:
        """Shaft with tip, collar, handle, end cap."""
        grip = smooth(self.grip, 5)
        radius, z = grip[-1]
        collar = [(0, -4), (grip[0, 0] * 0.75, -4), (grip[0, 0] * 0.95, 3), (0, 3)]
        cap = rounded([(0, z - 3, 0), (radius + 0.4, z - 3, 0), (radius + 0.4, z + 5, 4), (0, z + 6, 0)])
        return [
            Part(self._shaft(), STEEL),
            Part(revolve(collar, 24), self.accent),
            Part(self._fluted(np.concatenate([[(0, grip[0, 1])], grip, [(0, z)]])), self.color),
            Part(revolve(cap, 24), self.accent),
        ]

    def _fluted(self, profile: np.ndarray) -> Surface:
        surface = revolve(profile, 40)
        z, low, high = surface.vertices[:, 2], profile[0, 1], profile[-1, 1]
        strength = self.depth * np.clip(8 * (z - low) * (high - z) / (high - low) ** 2, 0, 1)
        factor = 1 - strength * np.cos(self.flutes * surface.angles()) ** 2
        return surface.scaled(factor, factor)

    def _shaft(self) -> Surface:
        radius, length = self.shaft
        circle = ellipse(2 * radius, 2 * radius, 24)
        end = self._tip(radius)
        if self.tip == "flat":
            return stack([(end, -length), (end, -length + 0.8 * radius), (circle, -length + 5 * radius), (circle, 4)])
        return stack([(end, -length), (end * 1.6, -length + 2 * radius), (circle, -length + 5 * radius), (circle, 4)])

    def _tip(self, radius: float) -> np.ndarray:
        """The tip's section, as many points as the shaft's circle."""
        if self.tip == "cross":
            angle = 2 * np.pi * np.arange(24) / 24
            return polar(radius * (0.3 + 0.35 * np.abs(np.cos(2 * angle)) ** 3))
        circle = ellipse(2, 2, 24)
        # A low power of the coordinates turns a circle into almost a rectangle.
        return np.sign(circle) * np.abs(circle) ** 0.3 * [radius * 1.25, radius * 0.22]


@dataclass(frozen=True)
class Bolt:
    """A threaded shank, point down, with one of several heads."""

    diameter: float
    length: float
    head: Literal["hex", "socket", "dome", "flange", "eye"]
    color: str
    thread: float = 1.0
    """Share of the shank that is threaded."""
    nut: str | None = None
    """Colour of a nut on the thread."""

    def parts(self) -> list[Part]:
        """Shank, head and nut."""
        heads = {"hex": _hex_head, "socket": _socket_head, "dome": _dome_head, "flange": _flange_head, "eye": _eye_head}
        pieces = [self._shank(), *heads[self.head](self.diameter)]
        parts = [Part(piece, self.color) for piece in pieces]
        if self.nut:
            z = -self.length * 0.75
            parts.append(Part(_nut(self.diameter * 1.75, self.diameter * 0.8).moved(z=z), self.nut))
        return parts

    def _shank(self) -> Surface:
        """Rings whose radius is a triangle wave of height and angle: a helix of 60 degree flanks."""
        pitch = self.diameter * 0.22
        rows = int(self.length * self.thread / pitch * 4)
        z = np.linspace(-self.length, -self.length * (1 - self.thread), rows)[:, None]
        turn = np.arange(16) / 16
        cut = pitch * 0.75 * np.abs(2 * ((z / pitch - turn) % 1) - 1)
        radius = (self.diameter / 2 - cut) * np.clip((z + self.length) / pitch, 0.55, 1)
        circle = ellipse(self.diameter, self.diameter, 16)
        rings = [(polar(around), height) for around, height in zip(radius, z[:, 0], strict=True)]
        return stack([*rings, (circle, z[-1, 0]), (circle, self.diameter * 0.2)])


def _nut(width: float, height: float) -> Surface:
    """A hexagonal prism, `width` across the flats, whose corners are cut at both ends."""
    circle, full, cut = ellipse(width * 0.98, width * 0.98, 36), hexagon(width), width * 0.06
    return stack([(circle, 0), (full, cut), (full, height - cut), (circle, height)])


def _hex_head(diameter: float) -> list[Surface]:
    return [_nut(diameter * 1.7, diameter * 0.68)]


def _flange_head(diameter: float) -> list[Surface]:
    flange = revolve(
        rounded([(0, 0, 0), (diameter * 1.25, 0, 0.3), (diameter * 1.2, diameter * 0.18, 0.3), (0, diameter * 0.4, 0)]),
        32,
    )
    return [flange, _nut(diameter * 1.6, diameter * 0.85)]


def _dome_head(diameter: float) -> list[Surface]:
    radius = diameter * 1.05
    profile = smooth(
        [(radius, 0), (radius * 0.92, radius * 0.35), (radius * 0.55, radius * 0.68), (0, radius * 0.8)], 4
    )
    return [
        revolve(np.concatenate([[(0, 0)], profile]), 32),
        box(diameter * 0.95, diameter * 0.95, diameter * 0.5).moved(z=-diameter * 0.45),
    ]


def _socket_head(diameter: float) -> list[Surface]:
    """A cylinder with a hexagonal hole from above."""
    radius, tall, deep = diameter * 0.8, diameter, diameter * 0.5
    outside, hole = ellipse(2 * radius, 2 * radius, 36), hexagon(diameter * 0.9)
    return [stack([(outside, 0), (outside, tall * 0.93), (outside * 0.94, tall), (hole, tall), (hole, tall - deep)])]


def _eye_head(diameter: float) -> list[Surface]:
    """A ring to hook into."""
    radius, section = diameter * 1.3, ellipse(diameter * 0.75, diameter * 0.75, 12)
    torus = revolve(np.append(section, section[:1], axis=0) + np.array([radius, 0]), 32)
    return [torus.turned("x", 90).moved(z=radius + diameter * 0.2)]


HAMMERS: dict[str, Model] = {
    "claw.obj": Hammer(
        320, ((-0.01, 34), (0.1, 32), (0.35, 26), (0.7, 24), (1, 26)), "#c08a4e", "#22262b", "claw", "#6f767d"
    ),
    "ball_peen.obj": Hammer(
        300, ((0, 30), (0.2, 33), (0.5, 24), (0.8, 22), (1, 24)), "#d3a566", None, "ball", "#868d94"
    ),
    "sledge.obj": Hammer(420, ((0, 36), (0.3, 34), (1, 34)), "#b5793c", "#c8281f", "block", "#3b3f45", 42),
    "mallet.obj": Hammer(300, ((0, 30), (0.3, 34), (1, 28)), "#b98a4f", None, "barrel", "#d9b781", 40),
    "rubber.obj": Hammer(330, ((0, 34), (0.2, 30), (1, 26)), "#e0c22c", "#2b2b2b", "barrel", "#26282b", 32),
}
SCREWDRIVERS: dict[str, Model] = {
    "flat_red.ply": Screwdriver(
        ((9, 0), (15, 14), (13, 50), (16, 85), (13, 98)), (3.2, 110), "flat", "#c9271f", "#1d1f22"
    ),
    "cross_yellow.ply": Screwdriver(
        ((8, 0), (14, 20), (16, 60), (13, 92)), (3, 90), "cross", "#f0b81c", "#1c3f78", flutes=4
    ),
    "stubby.ply": Screwdriver(
        ((12, 0), (19, 12), (17, 30), (20, 46)), (3.6, 32), "cross", "#2f8f4e", "#26292d", flutes=5
    ),
    "precision.ply": Screwdriver(
        ((4, 0), (5.5, 8), (4.5, 30), (5, 70)), (1.3, 55), "flat", "#3c5fa8", "#c0c4c8", flutes=8, depth=0.08
    ),
    "wooden.ply": Screwdriver(
        ((8, 0), (9, 10), (17, 50), (18, 75), (12, 95)), (4, 140), "flat", "#8a4b22", "#b7a05a", depth=0.0
    ),
}
BOLTS: dict[str, Model] = {
    "hex.ply": Bolt(10, 45, "hex", "#9ca1a6"),
    "hex_nut.ply": Bolt(12, 70, "hex", "#c79f45", 0.6, nut="#b58a30"),
    "socket.ply": Bolt(8, 30, "socket", "#2c2e31"),
    "carriage.ply": Bolt(10, 60, "dome", "#b9bec4", 0.55),
    "flange.ply": Bolt(8, 22, "flange", "#c5b06a"),
    "eye.ply": Bolt(9, 50, "eye", "#868b91", 0.7, nut="#787d83"),
}
