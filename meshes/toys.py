"""Toy cars and toy planes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from curves import Corner, closed_outline, ellipse, rounded, smooth
from model import Model, Part
from surface import Surface, ball, box, loft, revolve, rod, slab, sweep

TYRE, GLASS, CHROME = "#1c1d1f", "#24384a", "#c3c8cc"


@dataclass(frozen=True)
class Car:
    """A toy car that drives towards +x, built from slabs with rounded edges."""

    body: tuple[Corner, ...]
    """Outline (x, z) seen from the right side, counter-clockwise."""
    cabin: tuple[Corner, ...]
    """Outline of the glazed part."""
    roof: tuple[Corner, ...]
    """Outline of what lies over the glass in the body's colour."""
    width: float
    wheel: float
    """Radius."""
    axles: tuple[float, ...]
    """x of the axles."""
    color: str
    accent: str
    stripe: bool = False

    def parts(self) -> list[Part]:
        """Body, glass, roof, bumpers, lamps and wheels."""
        front, rear = max(c[0] for c in self.body), min(c[0] for c in self.body)
        low = min(c[1] for c in self.body)
        parts = [
            Part(self._across(self.body, self.width), self.color),
            Part(self._across(self.cabin, self.width * 0.86), GLASS),
            Part(self._across(self.roof, self.width * 0.9), self.color),
            Part(self._bumper(front, low + 4), self.accent),
            Part(self._bumper(rear, low + 4), self.accent),
        ]
        for side in (-1, 1):
            y = side * self.width * 0.36
            parts.append(Part(ball(self.width * 0.08, 10).moved(front - 1.5, y, low + 13), "#fff2b8"))
            parts.append(Part(ball(self.width * 0.06, 10).moved(rear + 1.2, y, low + 13), "#d8261c"))
            parts += [part for x in self.axles for part in self._wheel(x, side)]
        if self.stripe:
            parts.append(Part(self._across(self.body, self.width * 0.25, grow=0.5), self.accent))
        return parts

    def _across(self, corners: tuple[Corner, ...], width: float, grow: float = 0.0) -> Surface:
        """Raises an outline seen from the side across the car."""
        outline = closed_outline(corners, 3)
        outline = outline + grow * np.sign(outline - outline.mean(axis=0))
        return slab(outline, width, min(1.5, 0.2 * np.ptp(outline, axis=0).min()), 2).turned("x", 90).moved(y=width / 2)

    def _bumper(self, x: float, z: float) -> Surface:
        return box(5, self.width * 0.96, 6, 2).moved(x, 0, z - 3)

    def _wheel(self, x: float, side: int) -> list[Part]:
        r, w = self.wheel, self.wheel * 0.75
        tyre = rounded([(r * 0.6, 0, 0), (r, 0, w * 0.25), (r, w, w * 0.25), (r * 0.6, w, 0), (r * 0.6, 0, 0)], 2)
        hub = rounded(
            [(0, 1, 0), (r * 0.62, 1, 0), (r * 0.62, w - 1, 0), (r * 0.3, w - 2, 0), (r * 0.2, w, 0), (0, w, 0)]
        )
        place = {"x": x, "y": side * (self.width / 2 - w * 0.6), "z": r}
        return [
            Part(revolve(profile, 20).turned("x", -90 * side).moved(**place), paint)
            for profile, paint in ((tyre, TYRE), (hub, self.accent))
        ]


@dataclass(frozen=True)
class Plane:
    """A toy plane that flies towards +x."""

    fuselage: tuple[tuple[float, float, float], ...]
    """(x, width, z of the middle) from tail to nose, a smooth curve."""
    wing: tuple[float, float, float]
    """Half span, chord at the root, chord at the tip."""
    sweep: float
    """How far the tip lies behind the root."""
    wing_x: float
    wing_z: tuple[float, ...]
    """Heights of the wings: two for a biplane."""
    color: str
    accent: str
    engine: Literal["propeller", "wing jets", "wing propellers", "none"]
    gear: Literal["wheels", "floats", "none"] = "wheels"

    def parts(self) -> list[Part]:
        """Fuselage, canopy, wings, tail, engines and landing gear."""
        parts = [Part(self._fuselage(), self.color), Part(self._canopy(), GLASS)]
        parts += [Part(wing, self.accent) for z in self.wing_z for wing in self._wings(z)]
        parts += [Part(fin, self.accent) for fin in self._tail()]
        if len(self.wing_z) == 2:
            parts += [Part(strut, CHROME) for strut in self._struts()]
        return parts + self._engines() + self._gear()

    def _spine(self) -> np.ndarray:
        return smooth(self.fuselage, 5)

    def _fuselage(self) -> Surface:
        x, width, z = self._spine().T
        path = np.stack([x, np.zeros_like(x), z], axis=1)
        return sweep(path, ellipse(1, 1.1, 18) * width[:, None, None])

    def _at(self, x: float) -> tuple[float, float]:
        """Width and height of the middle of the fuselage at x."""
        spine = self._spine()
        return float(np.interp(x, spine[:, 0], spine[:, 1])), float(np.interp(x, spine[:, 0], spine[:, 2]))

    def _canopy(self) -> Surface:
        x = self.wing_x + self.wing[1] * (0.15 if self.engine == "propeller" else 0.95)
        width, z = self._at(x)
        return ball(width, 16).scaled(0.62, 0.36, 0.42).moved(x, 0, z + width * 0.42)

    def _blade(self, half_span: float, root: float, tip: float, back: float, rise: float) -> Surface:
        """A half wing along +y with a symmetric profile; its leading edge starts at x = 0.

        It begins 1 mm beyond the middle, so that the two halves cross there and do not touch.
        """
        upper = [(-1.0, 0), (-0.6, 0.045), (-0.2, 0.06), (-0.04, 0.035), (0, 0)]
        lower = [(x, -z) for x, z in upper[-2:0:-1]]
        profile = np.array(upper + lower)
        share = np.array([0, 0.5, 0.94, 1.0])
        chord = (root + (tip - root) * share) * [1, 1, 1, 0.8]
        rings = [
            np.stack([p[:, 0] - back * s, np.full(len(p), half_span * s - (s == 0)), p[:, 1] + rise * s], axis=1)
            for s, p in zip(share, profile * chord[:, None, None] * [1, 1.4], strict=True)
        ]
        return loft(np.stack(rings), caps=True)

    def _wings(self, z: float) -> list[Surface]:
        half_span, root, tip = self.wing
        wing = self._blade(half_span, root, tip, self.sweep, half_span * 0.06).moved(x=self.wing_x + root / 2, z=z)
        return [wing, wing.mirrored("y")]

    def _tail(self) -> list[Surface]:
        x, _, z = self.fuselage[0]
        half_span, root, _ = self.wing
        span, chord = half_span * 0.36, root * 0.62
        flat = self._blade(span, chord, chord * 0.6, chord * 0.35, 0.0).moved(x=x + chord, z=z)
        fin = (
            self._blade(span * 0.85, chord * 1.1, chord * 0.55, chord * 0.6, 0.0)
            .turned("x", 90)
            .moved(x=x + chord, z=z)
        )
        return [flat, flat.mirrored("y"), fin]

    def _struts(self) -> list[Surface]:
        low, high = self.wing_z
        y = self.wing[0] * 0.7
        return [
            rod(0.9, high - low, 8).moved(self.wing_x + dx, side * y, low + y * 0.06)
            for dx in (-self.wing[1] * 0.2, self.wing[1] * 0.2)
            for side in (-1, 1)
        ]

    def _engines(self) -> list[Part]:
        x, width, z = self.fuselage[-1]
        if self.engine == "propeller":
            return self._propeller(width * 1.9, x + 1, 0, z)
        if self.engine == "none":
            return []
        make = self._jet if self.engine == "wing jets" else self._nacelle
        y, below = self.wing[0] * 0.36, self.wing_z[0] - (6 if self.engine == "wing jets" else 0)
        forward = self.wing_x + self.wing[1] * 0.55 - self.sweep * 0.36
        return [*make(forward, -y, below), *make(forward, y, below)]

    def _jet(self, x: float, y: float, z: float) -> list[Part]:
        r = self.wing[1] * 0.16
        outside = [(0, 0, 0), (r * 0.6, 0, 0), (r, r * 1.6, r * 0.5), (r, r * 3.4, r * 0.3), (r * 0.8, r * 3.6, 0)]
        intake = [(r * 0.7, r * 2.8, 0), (0, r * 2.8, 0)]
        return [Part(revolve(rounded(outside + intake), 20).turned("y", 90).moved(x - r * 1.8, y, z), CHROME)]

    def _nacelle(self, x: float, y: float, z: float) -> list[Part]:
        r = self.wing[1] * 0.17
        side = smooth([(0.3, 0), (r * 0.8, r * 1.5), (r, r * 4), (r * 0.6, r * 5)], 4)
        hull = revolve(np.concatenate([[(0, 0)], side, [(0, r * 5)]]), 16)
        return [
            Part(hull.turned("y", 90).moved(x - r * 3.4, y, z), self.color),
            *self._propeller(r * 2.6, x + r * 1.7, y, z),
        ]

    def _propeller(self, radius: float, x: float, y: float, z: float) -> list[Part]:
        spinner = np.concatenate(
            [[(0, -2)], smooth([(radius * 0.2, -2), (radius * 0.16, radius * 0.15), (0, radius * 0.3)], 4)]
        )
        blade = self._blade(radius, radius * 0.16, radius * 0.2, 0.0, 0.0).turned("y", 65)
        blades = [blade.turned("x", angle).moved(x, y, z) for angle in (20, 140, 260)]
        return [
            Part(revolve(spinner, 16).turned("y", 90).moved(x, y, z), self.accent),
            *(Part(b, "#3a2b20") for b in blades),
        ]

    def _gear(self) -> list[Part]:
        if self.gear == "none":
            return []
        width, z = self._at(self.wing_x)
        y, low = width * 0.6, z - width * 1.1
        parts = []
        for side in (-1, 1):
            leg = sweep(
                np.array([(self.wing_x + 4, side * width * 0.2, z - width * 0.3), (self.wing_x + 6, side * y, low)]),
                ellipse(2.4, 2.4, 8),
                side=(1, 0, 0),
            )
            parts.append(Part(leg, CHROME))
            parts.append(self._wheel(side * y, low) if self.gear == "wheels" else self._float(side * y, low))
        return parts

    def _wheel(self, y: float, z: float) -> Part:
        tyre = rounded([(0, 0, 0), (5.5, 0, 1.2), (5.5, 4, 1.2), (0, 4, 0)], 3)
        return Part(revolve(tyre, 20).turned("x", 90).moved(self.wing_x + 6, y + 2, z), TYRE)

    def _float(self, y: float, z: float) -> Part:
        line = smooth([(-0.55, 0.5), (-0.2, 6), (0.3, 8), (0.6, 0.5)], 5) * [self.wing[1] * 2.2, 1]
        path = np.stack([line[:, 0] + self.wing_x, np.full(len(line), y), np.full(len(line), z)], axis=1)
        return Part(sweep(path, ellipse(1, 1, 14) * line[:, 1:, None]), self.accent)


CARS: dict[str, Model] = {
    "sedan.obj": Car(
        ((-58, 7, 4), (58, 7, 4), (60, 20, 7), (34, 27, 5), (-54, 28, 6), (-60, 20, 5)),
        ((-44, 24, 0), (32, 24, 0), (12, 43, 6), (-28, 43, 6)),
        ((-30, 41, 0), (14, 41, 0), (9, 45, 2), (-26, 45, 2)),
        width=52, wheel=12, axles=(-36, 36), color="#c1272d", accent=CHROME,
    ),
    "pickup.obj": Car(
        ((-64, 9, 3), (64, 9, 3), (66, 29, 5), (30, 33, 4), (-64, 33, 3), (-66, 20, 3)),
        ((-12, 30, 0), (34, 30, 0), (20, 55, 4), (-10, 55, 3)),
        ((-12, 52, 0), (22, 52, 0), (18, 58, 2), (-12, 58, 2)),
        width=58, wheel=15, axles=(-40, 42), color="#2b6cb0", accent="#d9d2c0",
    ),
    "bus.obj": Car(
        ((-80, 8, 3), (80, 8, 3), (80, 36, 3), (-80, 36, 3)),
        ((-77, 30, 0), (77, 30, 0), (75, 58, 3), (-77, 58, 3)),
        ((-79, 55, 0), (77, 55, 0), (74, 66, 5), (-77, 66, 5)),
        width=56, wheel=12, axles=(-50, 48), color="#f2b91d", accent="#3b3b3d",
    ),
    "racer.obj": Car(
        ((-66, 5, 3), (70, 5, 3), (73, 12, 3), (24, 20, 8), (-40, 22, 6), (-66, 20, 3)),
        ((-26, 18, 0), (16, 18, 0), (0, 31, 5), (-18, 31, 5)),
        ((-66, 27, 0), (-48, 27, 0), (-50, 31, 0), (-66, 31, 0)),
        width=54, wheel=13, axles=(-44, 42), color="#2f9e57", accent="#f4f4ef", stripe=True,
    ),
    "beetle.obj": Car(
        ((-56, 8, 4), (56, 8, 4), (58, 20, 8), (38, 31, 10), (-40, 33, 12), (-58, 20, 9)),
        ((-42, 28, 0), (34, 28, 0), (14, 52, 14), (-20, 52, 14)),
        ((-24, 49, 0), (16, 49, 0), (8, 54, 3), (-16, 54, 3)),
        width=50, wheel=13, axles=(-34, 34), color="#7ec8c0", accent="#f3efe2",
    ),
}  # fmt: skip
PLANES: dict[str, Model] = {
    "airliner.glb": Plane(
        ((-90, 6, 34), (-55, 20, 32), (0, 24, 30), (62, 24, 30), (84, 14, 28), (90, 2, 27)),
        wing=(88, 36, 12), sweep=34, wing_x=6, wing_z=(24,),
        color="#eef1f4", accent="#2a5ca8", engine="wing jets", gear="none",
    ),
    "propeller.glb": Plane(
        ((-62, 4, 36), (-30, 14, 34), (10, 22, 32), (40, 20, 32), (52, 10, 32)),
        wing=(72, 26, 20), sweep=2, wing_x=12, wing_z=(30,),
        color="#d7312b", accent="#f4e9d0", engine="propeller",
    ),
    "biplane.glb": Plane(
        ((-56, 4, 38), (-20, 15, 35), (18, 20, 34), (40, 19, 34), (48, 12, 34)),
        wing=(66, 24, 22), sweep=0, wing_x=14, wing_z=(25, 55),
        color="#e5a823", accent="#37613d", engine="propeller",
    ),
    "jet.glb": Plane(
        ((-70, 12, 30), (-40, 17, 30), (10, 16, 30), (50, 9, 29), (76, 1, 28)),
        wing=(48, 62, 10), sweep=56, wing_x=-18, wing_z=(29,),
        color="#6d7680", accent="#4b545e", engine="none", gear="none",
    ),
    "seaplane.glb": Plane(
        ((-70, 5, 52), (-30, 17, 46), (20, 24, 44), (48, 18, 43), (60, 4, 42)),
        wing=(86, 26, 18), sweep=0, wing_x=8, wing_z=(54,),
        color="#f2efe4", accent="#e2632a", engine="wing propellers", gear="floats",
    ),
}  # fmt: skip
