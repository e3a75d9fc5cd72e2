"""Lines and outlines, the raw material of surfaces: points in the plane or in space, in millimetres."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Corner = tuple[float, float, float]
"""x, y and how far before and after it the line leaves the corner (0 = sharp); at most about half of a side."""


def rounded(corners: Sequence[Corner], steps: int = 4) -> np.ndarray:
    """Returns a polyline [point, 2] whose corners are replaced by quadratic Bezier curves."""
    points = np.array([corner[:2] for corner in corners], dtype=float)
    pieces = [points[:1]]
    for before, corner, after, cut in zip(points, points[1:], points[2:], [c[2] for c in corners[1:-1]], strict=False):
        pieces.append(_corner_curve(before, corner, after, cut, steps))
    return np.concatenate([*pieces, points[-1:]])


def _corner_curve(before: np.ndarray, corner: np.ndarray, after: np.ndarray, cut: float, steps: int) -> np.ndarray:
    if cut == 0:
        return corner[None]
    to_before, to_after = np.linalg.norm(before - corner), np.linalg.norm(after - corner)
    # Less than half of a side, so that the curves of two neighbours never meet.
    cut = min(cut, 0.49 * to_before, 0.49 * to_after)
    start = corner + cut * (before - corner) / to_before
    end = corner + cut * (after - corner) / to_after
    t = np.linspace(0, 1, steps + 1)[:, None]
    return (1 - t) ** 2 * start + 2 * t * (1 - t) * corner + t**2 * end


def smooth(points: Sequence[Sequence[float]], steps: int = 6) -> np.ndarray:
    """Returns a Catmull-Rom curve [point, 2 or 3] through points, `steps` pieces between neighbours."""
    p = np.array(points, dtype=float)
    p = np.concatenate([[2 * p[0] - p[1]], p, [2 * p[-1] - p[-2]]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    pieces = [_catmull_rom(p[i : i + 4], t) for i in range(len(p) - 3)]
    return np.concatenate([*pieces, p[-2:-1]])


def _catmull_rom(p: np.ndarray, t: np.ndarray) -> np.ndarray:
    a, b, c, d = p
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)


def arc(radius: float, start_degrees: float, end_degrees: float, steps: int) -> np.ndarray:
    """Returns points [steps + 1, 2] on a circle about the origin."""
    angle = np.radians(np.linspace(start_degrees, end_degrees, steps + 1))
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def polar(radius: np.ndarray) -> np.ndarray:
    """Returns a counter-clockwise outline [point, 2] with the given radii [point] at equal angles from the x axis."""
    angle = 2 * np.pi * np.arange(len(radius)) / len(radius)
    return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def hexagon(width: float, points: int = 36) -> np.ndarray:
    """Returns a regular hexagon [point, 2], `width` across the flats, with further points on its sides."""
    angle = 2 * np.pi * np.arange(points) / points
    return polar(width / 2 / np.cos(angle % (np.pi / 3) - np.pi / 6))


def ellipse(width: float, depth: float, points: int = 16) -> np.ndarray:
    """Returns a counter-clockwise outline [point, 2] with the given full widths."""
    return arc(1.0, 0, 360, points)[:-1] * [width / 2, depth / 2]


def rectangle(width: float, depth: float, radius: float = 0.0, steps: int = 3) -> np.ndarray:
    """Returns a counter-clockwise outline [point, 2] about the origin with rounded corners."""
    x, y = width / 2, depth / 2
    if radius == 0:
        return np.array([[x, -y], [x, y], [-x, y], [-x, -y]])
    return closed_outline([(x, -y, radius), (x, y, radius), (-x, y, radius), (-x, -y, radius)], steps)


def closed_outline(corners: Sequence[Corner], steps: int = 3) -> np.ndarray:
    """Returns a closed outline [point, 2] with rounded corners; the last point is not the first repeated."""
    return rounded([corners[-1], *corners, corners[0]], steps)[1:-1]


def inset(outline: np.ndarray, distance: float) -> np.ndarray:
    """Moves the sides of a counter-clockwise outline inwards by `distance`."""
    edge = np.roll(outline, -1, axis=0) - outline
    normal = np.stack([-edge[:, 1], edge[:, 0]], axis=1) / np.linalg.norm(edge, axis=1, keepdims=True)
    before = np.roll(normal, 1, axis=0)
    return outline + distance * (before + normal) / (1 + (before * normal).sum(axis=1, keepdims=True))
