"""Bottles and vases: surfaces of revolution, vases also twisted and lobed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import prints
from curves import Corner, ellipse, rounded, smooth
from model import Model, Paint, Part, rgb
from surface import Surface, revolve, sweep


@dataclass(frozen=True)
class Bottle:
    """A bottle with a straight, labelled wall, a shoulder, a neck and a cap."""

    radius: float
    wall: tuple[float, float]
    """z where the straight wall begins and ends."""
    shoulder: tuple[Corner, ...]
    """(radius, z, rounding) from the end of the wall to the mouth."""
    label: tuple[float, float]
    """z where the label begins and ends, within the wall."""
    glass: str
    paper: Paint
    cap: str
    cap_height: float

    def parts(self) -> list[Part]:
        """Glass under the label, label, glass above it, cap."""
        r, (low, high) = self.radius, self.label
        foot = [(0, 4, 0), (r * 0.55, 3, 2), (r * 0.75, 0, 2), (r, 0, r * 0.12), (r, self.wall[0], 0), (r, low, 0)]
        upper = [(r, high, 0), (r, self.wall[1], r * 0.35), *self.shoulder]
        mouth, top, _ = self.shoulder[-1]
        return [
            Part(revolve(rounded(foot, 3)), self.glass),
            Part(revolve([(r, low), (r, high)]), self.paper),
            Part(revolve(np.concatenate([rounded(upper, 4), [(0, top)]])), self.glass),
            Part(self._cap(mouth).moved(z=top - self.cap_height + 2), self.cap),
        ]

    def _cap(self, mouth: float) -> Surface:
        r, h = mouth + 2, self.cap_height
        return revolve(rounded([(0, 0, 0), (r, 0, 0.5), (r, h, 1.2), (0, h, 0)], 3), 24)


@dataclass(frozen=True)
class Vase:
    """A hollow vase with a smooth profile, lobes and twist."""

    profile: tuple[tuple[float, float], ...]
    """(radius, z) from the foot to the lip, a smooth curve."""
    outside: Paint
    inside: str
    lobes: int = 0
    depth: float = 0.0
    """How far lobes reach in, relative to the radius."""
    twist_degrees: float = 0.0
    """From foot to lip."""
    rim: str | None = None
    """Shade at the lip for a gradient, '#rrggbb' relative to white."""
    handles: str | None = None
    """Colour of two handles."""

    def parts(self) -> list[Part]:
        """Wall, lip with the inside, bottom and handles."""
        wall = smooth(self.profile, 4)
        foot, lip = wall[0], wall[-1]
        rim = rounded([(*lip, 0), (lip[0], lip[1] + 4, 2), (lip[0] - 5, lip[1] + 4, 2), (lip[0] - 5, lip[1], 0)])
        inner = (wall - [5, 0])[-2:2:-2]
        bottom = [(0, 2), (foot[0] - 5, 2), (foot[0] - 3, 0), foot]
        plain = self.outside if isinstance(self.outside, str) else self.inside
        parts = [
            self._part(np.array(bottom), plain),
            self._part(wall, self.outside),
            self._part(np.concatenate([rim, inner, [(0, inner[-1, 1])]]), self.inside),
        ]
        if self.handles:
            right = self._handle()
            parts += [Part(right, self.handles), Part(right.turned("z", 180), self.handles)]
        return parts

    def _part(self, profile: np.ndarray, paint: Paint) -> Part:
        surface = self._lobed(revolve(profile, 36))
        return Part(surface, paint, self._gradient(surface))

    def _height(self) -> float:
        return self.profile[-1][1]

    def _lobed(self, surface: Surface) -> Surface:
        """Presses lobes into the wall and twists it."""
        share = np.clip(surface.vertices[:, 2] / self._height(), 0, 1)
        strength = self.depth * np.sin(np.pi * (0.15 + 0.75 * share))
        factor = 1 - strength * (1 - np.cos(self.lobes * surface.angles())) / 2
        return surface.scaled(factor, factor).turned("z", self.twist_degrees * share)

    def _gradient(self, surface: Surface) -> np.ndarray | None:
        if self.rim is None:
            return None
        share = np.clip(surface.vertices[:, 2:] / self._height(), 0, 1)
        return 1 + share * (rgb(self.rim) - 1)

    def _handle(self) -> Surface:
        wall = smooth(self.profile, 6)
        low, high = 0.58 * self._height(), 0.9 * self._height()
        low_radius, high_radius = (float(np.interp(z, wall[:, 1], wall[:, 0])) - 2.5 for z in (low, high))
        reach = max(low_radius, high_radius) + 8
        line = [
            (high_radius, high),
            (high_radius + 22, high + 2),
            (reach + 6, (low + high) / 2 + 10),
            (low_radius, low),
        ]
        return sweep(np.insert(smooth(line, 4), 1, 0.0, axis=1), ellipse(11, 8, 8))


BOTTLES: dict[str, Model] = {
    "wine.glb": Bottle(
        radius=37,
        wall=(10, 190),
        shoulder=((15, 225, 12), (14, 300, 1)),
        label=(50, 140),
        glass="#1f3a24",
        paper=prints.label("#f1e7cf", "#3a2a20", "#8c1f2b", 1),
        cap="#5e1622",
        cap_height=46,
    ),
    "beer.obj": Bottle(
        radius=31,
        wall=(8, 128),
        shoulder=((14, 190, 25), (13, 226, 1)),
        label=(40, 105),
        glass="#5a2f12",
        paper=prints.label("#f5d469", "#3b2108", "#1e6b3a", 2),
        cap="#c9a23a",
        cap_height=7,
    ),
    "water.glb": Bottle(
        radius=33,
        wall=(8, 150),
        shoulder=((14, 190, 14), (13, 212, 1)),
        label=(70, 120),
        glass="#9fd0e4",
        paper=prints.label("#ffffff", "#1b4f93", "#2d86c9", 3),
        cap="#1d57b0",
        cap_height=16,
    ),
    "milk.obj": Bottle(
        radius=42,
        wall=(10, 130),
        shoulder=((22, 175, 18), (22, 196, 2)),
        label=(45, 95),
        glass="#f4f3ee",
        paper=prints.label("#bfe0f2", "#2c3e66", "#e2574c", 4),
        cap="#3c7fc0",
        cap_height=10,
    ),
    "oil.obj": Bottle(
        radius=29,
        wall=(8, 180),
        shoulder=((11, 212, 8), (11, 262, 1)),
        label=(40, 150),
        glass="#8a8d1f",
        paper=prints.label("#f7f4e6", "#4b4a15", "#c8801f", 5),
        cap="#22251a",
        cap_height=28,
    ),
}
VASES: dict[str, Model] = {
    "amphora.ply": Vase(
        ((34, 0), (46, 30), (78, 120), (66, 185), (30, 235), (27, 262), (36, 285)),
        "#b5653a",
        "#8a4526",
        rim="#ffd9b0",
        handles="#9a5230",
    ),
    "twisted.ply": Vase(
        ((48, 0), (62, 60), (60, 130), (40, 200), (50, 245)),
        "#3f7fb8",
        "#dfeaf2",
        lobes=6,
        depth=0.25,
        twist_degrees=110,
        rim="#ffffff",
    ),
    "bud.ply": Vase(
        ((30, 0), (48, 26), (50, 50), (26, 90), (15, 130), (16, 170), (22, 185)), "#7d3c6e", "#4a2342", rim="#ffc0e0"
    ),
    "checked.obj": Vase(
        ((50, 0), (56, 40), (56, 160), (62, 210)), prints.checks(["#1f2d3d", "#f2efe6"], 12, 8), "#f2efe6"
    ),
    "banded.glb": Vase(
        ((38, 0), (70, 50), (80, 105), (60, 160), (40, 185), (46, 205)),
        prints.stripes(["#e7dcc4", "#c4572e", "#e7dcc4", "#23485c"], [4, 2, 1, 2], repeats=2),
        "#e7dcc4",
    ),
}
