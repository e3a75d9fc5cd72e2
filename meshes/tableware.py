"""Mugs, bowls and teapots: surfaces of revolution with swept handles and spouts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import prints
from curves import ellipse, rounded, smooth
from model import Model, Paint, Part
from surface import Surface, ball, loft, revolve, sweep, swept_rings

WALL = 3.6
"""Thickness of mugs and bowls."""


@dataclass(frozen=True)
class Mug:
    """A cup with one handle."""

    height: float
    top: float
    """Outer radius at the lip."""
    bottom: float
    """Outer radius at the foot."""
    outside: Paint
    inside: str
    handle: Literal["ear", "square", "ring"] = "ear"
    belly: float = 0.0
    """How much wider than straight the middle is."""

    def parts(self) -> list[Part]:
        """Foot, wall, lip with the inside, and the handle."""
        wall = self._wall()
        (low_radius, low), (high_radius, high) = wall[0], wall[-1]
        foot = [
            (0, 3, 0),
            (low_radius - 9, 3, 1),
            (low_radius - 7, 0, 1),
            (low_radius - 1, 0, 1.5),
            (low_radius, low, 0),
        ]
        lip = [(high_radius, high, 0), (self.top, self.height, 1.7), (self.top - WALL, self.height, 1.7)]
        inner = [(r - WALL, z, 0) for r, z in wall[-2:1:-2]]
        floor = [(wall[0, 0] - WALL, 6, 6), (0, 6, 0)]
        plain = self.outside if isinstance(self.outside, str) else self.inside
        return [
            Part(revolve(rounded(foot, 2), 30), plain),
            Part(revolve(wall, 30), self.outside),
            Part(revolve(rounded(lip + inner + floor, 3), 30), self.inside),
            Part(self._handle(), plain),
        ]

    def _wall(self) -> np.ndarray:
        share = np.linspace(0.06, 0.95, 7)
        radius = self.bottom + (self.top - self.bottom) * share + self.belly * np.sin(np.pi * share)
        return np.stack([radius, share * self.height], axis=1)

    def _radius(self, z: float) -> float:
        wall = self._wall()
        return float(np.interp(z, wall[:, 1], wall[:, 0]))

    def _handle(self) -> Surface:
        upper, lower = 0.82 * self.height, 0.24 * self.height
        # The ends stop in the middle of the wall.
        start, end = self._radius(upper) - WALL / 2, self._radius(lower) - WALL / 2
        reach = max(start, end) + 0.36 * self.height
        corner = {"ear": 0.3, "square": 0.12, "ring": 0.5}[self.handle] * self.height * 0.55
        drop = 0.12 * self.height if self.handle == "ear" else 0.0
        line = [(start, upper, 0), (reach, upper, corner), (reach - drop, lower, corner), (end, lower, 0)]
        return sweep(_upright(rounded(line, 6)), ellipse(11, 7, 10))


@dataclass(frozen=True)
class Bowl:
    """An open bowl with a foot ring, a coloured band under the lip and, if wanted, a fluted wall."""

    radius: float
    height: float
    foot: float
    outside: str
    band: str
    inside: str
    roundness: float = 0.5
    """0 a cone, 1 almost a cylinder."""
    flutes: int = 0

    def parts(self) -> list[Part]:
        """Outside, band with the lip, inside; the glaze is lighter towards the lip."""
        outer = self._wall(self.radius, self.foot + 4, 5)
        inner = self._wall(self.radius - WALL, self.foot, 5 + WALL)[::-1]
        base = np.array([(0, 2.5), (self.foot - 5, 2.5), (self.foot - 3, 0), (self.foot, 0)])
        top = (self.radius - WALL / 2, self.height + 2, 1.5)
        lip = rounded([(*outer[-4], 0), (*outer[-1], 0.5), top, (*inner[0], 0)])
        floor = np.array([(self.foot * 0.5, inner[-1, 1] - 1.5), (0, inner[-1, 1] - 2)])
        pieces = [
            (np.concatenate([base, outer[:-3]]), self.outside),
            (lip, self.band),
            (np.concatenate([inner, floor]), self.inside),
        ]
        surfaces = [(self._fluted(revolve(profile, 36)), paint) for profile, paint in pieces]
        return [Part(surface, paint, self._glaze(surface)) for surface, paint in surfaces]

    def _wall(self, radius: float, foot: float, bottom: float) -> np.ndarray:
        t = np.linspace(0, 1, 10)
        x = (1 - self.roundness) * t + self.roundness * np.sin(t * np.pi / 2)
        z = (1 - self.roundness) * t + self.roundness * (1 - np.cos(t * np.pi / 2))
        return np.stack([foot + (radius - foot) * x, bottom + (self.height - bottom) * z], axis=1)

    def _fluted(self, surface: Surface) -> Surface:
        """Waves that grow with the height."""
        depth = 0.06 * np.clip(surface.vertices[:, 2] / self.height, 0, 1) ** 2
        factor = 1 + depth * np.cos(self.flutes * surface.angles()) if self.flutes else 1.0
        return surface.scaled(factor, factor)

    def _glaze(self, surface: Surface) -> np.ndarray:
        share = np.clip(surface.vertices[:, 2] / self.height, 0, 1)
        return np.repeat((0.75 + 0.3 * share)[:, None], 3, axis=1)


@dataclass(frozen=True)
class Teapot:
    """A pot with lid, spout and handle."""

    body: tuple[tuple[float, float], ...]
    """(radius, z) of the wall from the foot to the lid, a smooth curve."""
    color: str
    trim: str
    """Knob, handle and rim."""
    handle: Literal["side", "top"] = "side"
    spout: float = 1.0
    """Length relative to the usual one."""

    def parts(self) -> list[Part]:
        """Body with lid and spout in one colour, the trim in another."""
        lid_radius, lid_z = self.body[-1]
        dome = rounded(
            [(lid_radius, lid_z, 0), (lid_radius * 0.9, lid_z + 9, 9), (6, lid_z + 15, 6), (0, lid_z + 15, 0)]
        )
        rim = [
            (lid_radius - 4, -2),
            (lid_radius + 2.5, -1),
            (lid_radius + 2.5, 2),
            (lid_radius - 4, 3),
            (lid_radius - 4, -2),
        ]
        bottom = [(0, 0), (self.body[0][0] - 3, 0)]
        wall = np.concatenate([bottom, smooth(self.body, 4), dome[1:]])
        return [
            Part(revolve(wall, 32), self.color),
            Part(self._spout(), self.color),
            Part(revolve(rim, 32).moved(z=lid_z), self.trim),
            Part(ball(8, 14).moved(z=lid_z + 21), self.trim),
            Part(self._handle(), self.trim),
        ]

    def _belly(self) -> tuple[float, float]:
        return max(self.body)

    def _spout(self) -> Surface:
        """A tube that narrows, its mouth cut level and hollow."""
        radius, z = self._belly()
        reach = 48 * self.spout
        top = self.body[-1][1] - 2
        line = [
            (radius - 12, z - 8),
            (radius + reach * 0.45, z + 2),
            (radius + reach * 0.7, (z + top) / 2),
            (radius + reach, top),
        ]
        path = _upright(smooth(line, 4))
        width = np.linspace(17, 7, len(path))[:, None, None]
        tube = swept_rings(path, ellipse(1, 1, 12) * width)
        hole = tube[-1] + 0.65 * (tube[-1].mean(axis=0) - tube[-1])
        return loft(np.concatenate([tube, hole[None], (hole - [4, 0, 9])[None]]), caps=True)

    def _handle(self) -> Surface:
        radius, z = self._belly()
        lid_radius, top = self.body[-1]
        if self.handle == "top":
            line = [
                (-radius * 0.72, z + 14),
                (-radius * 0.8, top + 30),
                (0, top + 62),
                (radius * 0.8, top + 30),
                (radius * 0.72, z + 14),
            ]
        else:
            line = [
                (-lid_radius - 4, top - 12),
                (-radius - 20, top - 2),
                (-radius - 32, z + 8),
                (-radius - 16, z - 18),
                (-radius + 4, z - 20),
            ]
        return sweep(_upright(smooth(line, 4)), ellipse(12, 8, 10))


def _upright(line: np.ndarray) -> np.ndarray:
    """Lays points (x, z) into the plane y = 0."""
    return np.insert(line, 1, 0.0, axis=1)


MUGS: dict[str, Model] = {
    "classic.obj": Mug(96, 41, 40, "#c23b2e", "#f3efe6"),
    "striped.obj": Mug(
        90, 42, 38, prints.stripes(["#f4f1e8", "#2f5d9b", "#f4f1e8"], [3, 2, 3], repeats=3), "#f4f1e8", "ring"
    ),
    "espresso.glb": Mug(62, 34, 24, "#26222b", "#e9dfcf", "ring", belly=3),
    "dotted.glb": Mug(104, 39, 39, prints.dots("#f6c945", "#ffffff", 12, 4), "#fdf6e0", "square"),
    "zigzag.obj": Mug(84, 45, 34, prints.zigzag(["#2d8074", "#f2ead8", "#e0763c"], 8, 2), "#f2ead8", "ear", belly=5),
}
BOWLS: dict[str, Model] = {
    "soup.ply": Bowl(78, 62, 36, "#3d6fa8", "#f0e6d2", "#f4efe4", 0.75),
    "salad.ply": Bowl(130, 82, 50, "#9c6235", "#7a4725", "#c48a54", 0.55),
    "rice.ply": Bowl(58, 58, 26, "#b8332c", "#1f1c1d", "#221e20", 0.6),
    "fluted.ply": Bowl(105, 66, 44, "#57a38a", "#f5f1e4", "#8fcab2", 0.4, flutes=10),
    "plate_like.ply": Bowl(120, 38, 60, "#e8e1d3", "#c79a2e", "#fbf8f0", 0.3),
}
TEAPOTS: dict[str, Model] = {
    "round.obj": Teapot(((40, 2), (66, 26), (70, 52), (54, 84), (34, 96)), "#3f7d5a", "#e8d9a8"),
    "tall.glb": Teapot(((42, 2), (50, 20), (54, 70), (44, 118), (33, 132)), "#d8dde2", "#30343a", spout=0.9),
    "iron.obj": Teapot(((44, 2), (78, 24), (82, 40), (66, 64), (38, 72)), "#33302f", "#7b3b22", "top", spout=0.8),
    "porcelain.glb": Teapot(((32, 2), (44, 16), (62, 58), (50, 92), (30, 102)), "#f2ede2", "#2b4f93"),
}
