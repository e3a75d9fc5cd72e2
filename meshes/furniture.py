"""Chairs and table lamps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from curves import ellipse, rectangle, rounded, smooth
from model import Model, Part
from surface import Surface, ball, box, revolve, rod, slab, sweep


@dataclass(frozen=True)
class Chair:
    """Four legs, a seat and a back."""

    width: float
    depth: float
    seat: float
    """Height of the seat's upper side."""
    height: float
    frame: str
    cushion: str
    back: Literal["slats", "spindles", "panel", "ladder"]
    leg: float = 38
    """Thickness of a leg at the top."""
    splay: float = 0.0
    """How far the feet stand outside the legs' upper ends."""
    arms: bool = False
    round_legs: bool = False

    def parts(self) -> list[Part]:
        """Legs, back and arms in one colour, the seat in the other."""
        seat = slab(rectangle(self.width, self.depth, 60), 40, 12).moved(z=self.seat - 40)
        panel = [Part(piece, self.cushion) for piece in self._panel()]
        frame = [*self._legs(), *self._posts(), *self._filling(), *(self._armrests() if self.arms else [])]
        return [Part(seat, self.cushion), *panel, *(Part(piece, self.frame) for piece in frame)]

    def _section(self, thickness: float) -> np.ndarray:
        return ellipse(thickness, thickness, 12) if self.round_legs else rectangle(thickness, thickness, thickness / 5)

    def _bar(
        self, start: tuple[float, float, float], end: tuple[float, float, float], thick: float, thin: float
    ) -> Surface:
        """A straight piece of wood that tapers from start to end."""
        path = np.array([start, end], dtype=float)
        scale = np.array([1.0, thin / thick])[:, None, None]
        # Legs and posts run up, rails along y: neither runs along x.
        return sweep(path, self._section(thick) * scale, side=(1, 0, 0))

    def _legs(self) -> list[Surface]:
        x, y, out = self.width / 2 - self.leg * 0.8, self._leg_y(), self.splay
        return [
            self._bar((sx * (x + out), sy * (y + out), 0), (sx * x, sy * y, self.seat - 20), self.leg * 0.7, self.leg)
            for sx in (-1, 1)
            for sy in (-1, 1)
        ]

    def _leg_y(self) -> float:
        return self.depth / 2 - self.leg * 0.8

    def _lean(self, z: float) -> float:
        """y of the back at height z: it leans backwards."""
        return self._leg_y() + 0.16 * (z - self.seat)

    def _posts(self) -> list[Surface]:
        x = self.width / 2 - self.leg * 0.8
        low, high = self.seat - 30, self.height
        ends = [((sx * x, self._lean(low), low), (sx * x, self._lean(high), high)) for sx in (-1, 1)]
        return [self._bar(start, end, self.leg, self.leg * 0.7) for start, end in ends]

    def _rail(self, z: float, tall: float) -> Surface:
        """A board across the back."""
        board = box(self.width - 2 * self.leg, 20, tall, 6)
        return board.turned("x", -9).moved(y=self._lean(z), z=z - tall / 2)

    def _panel(self) -> list[Surface]:
        if self.back != "panel":
            return []
        tall = (self.height - self.seat) * 0.6
        board = box(self.width - self.leg, 34, tall, 14).turned("x", -9)
        return [board.moved(y=self._lean(self.height - tall), z=self.height - tall)]

    def _filling(self) -> list[Surface]:
        top = self.height - 40
        if self.back == "ladder":
            return [self._rail(z, 55) for z in np.linspace(self.seat + 110, top, 4)]
        if self.back == "panel":
            return []
        upright = 7 if self.back == "spindles" else 4
        thick = 14 if self.back == "spindles" else 26
        x = np.linspace(-1, 1, upright + 2)[1:-1] * (self.width / 2 - self.leg)
        bars = [
            self._bar((cx, self._lean(self.seat - 20), self.seat - 20), (cx, self._lean(top), top), thick, thick * 0.9)
            for cx in x
        ]
        return [self._rail(top, 70), *bars]

    def _armrests(self) -> list[Surface]:
        z, x = self.seat + 200, self.width / 2 - self.leg * 0.4
        front = -self._leg_y()
        rests = [self._bar((sx * x, front - 20, z), (sx * x, self._lean(z), z), 38, 34) for sx in (-1, 1)]
        posts = [self._bar((sx * x, front, self.seat - 25), (sx * x, front, z), 28, 28) for sx in (-1, 1)]
        return rests + posts


@dataclass(frozen=True)
class Lamp:
    """A table lamp: a foot, a stem, a bulb and a shade that is open above and below."""

    foot: tuple[tuple[float, float], ...]
    """(radius, z) of the turned foot, a smooth curve; ends where the stem begins."""
    stem: float
    """z of the shade's upper edge."""
    shade: tuple[float, float, float]
    """Lower radius, upper radius, height."""
    foot_color: str
    shade_color: str
    trim: str
    folds: int = 0
    """Pleats around the shade."""

    def parts(self) -> list[Part]:
        """Foot, stem, shade with its trims, bulb."""
        low, high, tall = self.shade
        foot = np.concatenate([[(0, 0)], smooth(self.foot, 4), [(0, self.foot[-1][1])]])
        bottom = self.stem - tall
        return [
            Part(revolve(foot, 32), self.foot_color),
            Part(rod(5, self.stem - 20 - self.foot[-1][1] + 8, 12).moved(z=self.foot[-1][1] - 8), self.trim),
            Part(self._shade(), self.shade_color),
            Part(self._trim(low, bottom), self.trim),
            Part(self._trim(high, self.stem), self.trim),
            Part(ball(24, 16).moved(z=self.stem - tall * 0.45), "#fff3cf"),
        ]

    def _shade(self) -> Surface:
        low, high, tall = self.shade
        t = np.linspace(0, 1, 3)
        outer = np.stack([low + (high - low) * t, self.stem - tall + tall * t], axis=1)
        inner = outer[::-1] - [3.0, 0]
        shade = revolve(np.concatenate([outer, inner, outer[:1]]), 48)
        factor = 1 + 0.03 * np.cos(self.folds * shade.angles()) if self.folds else 1.0
        return shade.scaled(factor, factor)

    def _trim(self, radius: float, z: float) -> Surface:
        r = radius * (1.03 if self.folds else 1.0)
        ring = [(r + 2, z - 3), (r + 2, z + 3), (r - 5, z + 3), (r - 5, z - 3), (r + 2, z - 3)]
        return revolve(ring, 36)


@dataclass(frozen=True)
class DeskLamp:
    """A lamp with a bent arm and a metal hood."""

    color: str
    metal: str
    reach: float
    height: float

    def parts(self) -> list[Part]:
        """Foot, arm, joint, hood and bulb."""
        foot = revolve(rounded([(0, 0, 0), (85, 0, 3), (85, 16, 8), (20, 24, 6), (0, 24, 0)]), 36)
        arm = rounded([(0, 10, 0), (0, self.height, self.height * 0.5), (self.reach, self.height - 20, 0)], 9)
        hood, bulb = (
            piece.moved(z=-46).turned("y", -25).moved(x=self.reach, z=self.height - 24)
            for piece in (self._hood(), ball(26, 16).moved(z=-8))
        )
        return [
            Part(foot, self.color),
            Part(sweep(np.insert(arm, 1, 0.0, axis=1), ellipse(13, 13, 12)), self.metal),
            Part(ball(16).moved(x=self.reach, z=self.height - 20), self.metal),
            Part(hood, self.color),
            Part(bulb, "#fff3cf"),
        ]

    def _hood(self) -> Surface:
        outer = rounded([(78, -58, 0), (70, -20, 10), (30, 26, 12), (16, 46, 3), (0, 46, 0)])
        inner = rounded([(0, 38, 0), (14, 38, 3), (27, 22, 12), (66, -21, 10), (75, -58, 0)])
        return revolve(np.concatenate([inner, outer]), 30)


CHAIRS: dict[str, Model] = {
    "kitchen.obj": Chair(430, 430, 455, 880, "#a8703c", "#b98149", "slats"),
    "windsor.obj": Chair(460, 440, 450, 960, "#2e2a27", "#3a332e", "spindles", leg=34, splay=45, round_legs=True),
    "office.obj": Chair(480, 470, 460, 900, "#3c4046", "#1f6fb2", "panel", leg=30, arms=True),
    "ladder_back.obj": Chair(420, 400, 440, 1080, "#6d3b1f", "#d9b36a", "ladder", leg=36),
    "bar_stool.obj": Chair(380, 380, 740, 1020, "#d8d5cc", "#b02f2a", "panel", leg=28, splay=60, round_legs=True),
}
LAMPS: dict[str, Model] = {
    "urn.obj": Lamp(
        ((70, 0), (72, 12), (40, 24), (75, 110), (66, 165), (20, 215)),
        *(420, (150, 95, 160), "#2f6f7e", "#f1e3c2", "#b08d3c"),
    ),
    "pleated.obj": Lamp(
        ((95, 0), (92, 14), (22, 30), (16, 120), (26, 160), (12, 220)),
        *(460, (165, 80, 170), "#8a5a33", "#e9a07c", "#5b3a20", 24),
    ),
    "drum.obj": Lamp(((80, 0), (80, 20), (78, 150), (30, 172)), 400, (140, 140, 180), "#e6e2da", "#33383f", "#c9c9c9"),
    "mushroom.obj": Lamp(
        ((60, 0), (56, 10), (26, 60), (22, 170), (20, 200)), 310, (170, 30, 110), "#c8372d", "#d94a3e", "#f0ece2"
    ),
    "desk.obj": DeskLamp("#e0b01e", "#9aa0a6", 210, 380),
    "reading.obj": DeskLamp("#2c3138", "#c08a45", 150, 460),
}
