"""Books and bananas."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import prints
from curves import polar, rounded, smooth
from model import Model, Part, rgb
from surface import Surface, box, loft, sweep, swept_rings

BOARD = 3.0
"""Thickness of a book's cover."""
GIRTH = smooth(
    [(0, 0.3), (0.06, 0.25), (0.1, 0.32), (0.24, 0.84), (0.5, 1), (0.78, 0.88), (0.92, 0.46), (0.97, 0.2), (1, 0.17)]
)
"""A banana's share of the length from the stalk, and of the width there."""


@dataclass(frozen=True)
class Book:
    """A closed book lying on its back, the spine towards -x."""

    width: float
    height: float
    thickness: float
    jacket: np.ndarray
    """A print with back, spine and front, see `prints.cover`."""
    paper: str = "#efe6d0"
    round_spine: float = 0.0
    """How far the spine bulges."""
    bands: int = 0
    """Raised bands across the spine."""

    def parts(self) -> list[Part]:
        """Pages and cover."""
        pages = box(self.width - 8, self.height - 8, self.thickness - 2 * BOARD + 1).moved(z=BOARD - 0.5)
        return [Part(pages, self.paper), Part(self._cover(), self.jacket)]

    def _line(self) -> np.ndarray:
        """The middle of the cover in x and z: front, spine, back."""
        left, right = -self.width / 2, self.width / 2
        low, high = BOARD / 2, self.thickness - BOARD / 2
        spine = (left - self.round_spine, (low + high) / 2, self.thickness * 0.45)
        cut = min(6.0, self.thickness * 0.2)
        if self.round_spine == 0:
            return rounded([(right, low, 0), (left, low, cut), (left, high, cut), (right, high, 0)], 5)
        return rounded([(right, low, 0), (left, low, cut), spine, (left, high, cut), (right, high, 0)], 5)

    def _cover(self) -> Surface:
        """A board swept around the pages; its outer side shows the jacket, the other sides its border."""
        line = self._line()
        fine = _subdivided(line, 9.0)
        path = np.insert(fine, 1, 0.0, axis=1)
        section = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * [self.height / 2, BOARD / 2]
        rings = swept_rings(path, section)
        ends = [np.broadcast_to(ring.mean(axis=0), ring.shape)[None] for ring in (rings[0], rings[-1])]
        cover = loft(np.concatenate([ends[0], rings, ends[1]]), u=[0, 0.02, 0.05, 0.95, 1])
        return replace(cover, uvs=np.stack([1 - cover.uvs[:, 1], cover.uvs[:, 0]], axis=1))


def _subdivided(line: np.ndarray, step: float) -> np.ndarray:
    """Adds points so that neighbours are at most `step` apart."""
    pieces = []
    for start, end in pairwise(line):
        count = int(np.ceil(np.linalg.norm(end - start) / step))
        pieces.append(start + (end - start) * np.arange(count)[:, None] / count)
    return np.concatenate([*pieces, line[-1:]])


@dataclass(frozen=True)
class Banana:
    """One banana or a bunch of them, lying on its side."""

    length: float
    """Along the bow."""
    width: float
    bend_degrees: float
    color: str
    tip: str
    fingers: int = 1
    spots: float = 0.0
    """Share of brown."""

    def parts(self) -> list[Part]:
        """The fingers, joined at the stalk."""
        turns = np.arange(self.fingers) - (self.fingers - 1) / 2
        return [self._finger(turn, index) for index, turn in enumerate(turns)]

    def _finger(self, turn: float, index: int) -> Part:
        share = np.linspace(0, 1, 26)
        radius = self.length / np.radians(self.bend_degrees)
        angle = np.radians(self.bend_degrees) * (share - 0.5)
        path = np.stack([radius * np.sin(angle), np.zeros(26), radius * (1 - np.cos(angle))], axis=1)
        girth = self.width / 2 * np.interp(share, *GIRTH.T)
        # A circle with five soft edges.
        section = polar(0.95 + 0.05 * np.cos(5 * 2 * np.pi * np.arange(16) / 16))
        surface = sweep(path, section * girth[:, None, None])
        fanned = surface.moved(-path[0, 0], 0, -path[0, 2]).turned("x", 14 * turn).turned("z", 13 * turn)
        return Part(fanned, self.color, self._ripeness(surface, index))

    def _ripeness(self, surface: Surface, index: int) -> np.ndarray:
        """Factors that darken both ends and scatter spots."""
        x, _, z = surface.vertices.T
        bend = np.radians(self.bend_degrees)
        share = 0.5 + np.arctan2(x, self.length / bend - z) / bend
        end = np.interp(share, [0, 0.05, 0.14, 0.93, 0.97], [1, 0.75, 0, 0, 1])
        spot = np.random.default_rng(index).random(len(share)) < self.spots
        brown = np.maximum(end, 0.6 * spot)[:, None]
        return 1 + brown * (rgb(self.tip) / rgb(self.color) - 1)


BOOKS: dict[str, Model] = {
    "novel.obj": Book(130, 200, 28, prints.cover("#7a1f2b", "#d9b44a", "#f3e9d2", "sun", 1), round_spine=4),
    "atlas.glb": Book(240, 320, 22, prints.cover("#1f5f8b", "#e9f1f2", "#f6d55c", "mountains", 2)),
    "dictionary.obj": Book(150, 220, 62, prints.cover("#1d2a24", "#b8902f", "#d9c48a", "frames", 3), round_spine=7),
    "picture_book.glb": Book(210, 210, 12, prints.cover("#f2a33a", "#d8402f", "#2b3a67", "diamonds", 4), "#fbfaf4"),
    "paperback.obj": Book(106, 176, 18, prints.cover("#e9e4d6", "#2e7d6b", "#2b2b2b", "mountains", 5), "#e6dcc0"),
}
BANANAS: dict[str, Model] = {
    "ripe.ply": Banana(190, 38, 95, "#f4d03a", "#4a3519"),
    "green.ply": Banana(175, 34, 75, "#a8bf3a", "#5c6b22"),
    "spotted.ply": Banana(165, 40, 110, "#e8b92e", "#3a2614", spots=0.16),
    "small.ply": Banana(110, 30, 60, "#f6dc62", "#6b5a22"),
    "bunch.ply": Banana(180, 36, 85, "#edcb33", "#51401c", fingers=4),
}
