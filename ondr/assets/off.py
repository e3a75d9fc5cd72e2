"""OFF files with colours.

trimesh, which does not read this format's colours, reads the geometry from a plain copy of triangles.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from ondr.assets.files import read_bytes
from ondr.assets.parts import (
    DEFAULT,
    WHITE,
    Part,
    Surface,
    geometries,
    linear_from_srgb,
    placed_corners,
    unit_range,
)
from ondr.errors import AssetError

HEADER = re.compile(r"\s*(C?)(N?)OFF\s*(\d+)\s+(\d+)[^\n]*\n")
"""Letters for vertex colours and normals, then the numbers of vertices and faces, possibly on the same line."""


def read_off(path: Path) -> list[Part]:
    """Reads an OFF file.

    Raises:
        AssetError: The file is not an OFF file, is cut off or refers to a vertex that it does not have.
    """
    text = re.sub(r"#[^\n]*", "", read_bytes(path).decode("utf-8", "replace").replace("\r", "\n")) + "\n"
    header = HEADER.match(text)
    if header is None:
        raise _broken(path, f"text that begins with {text[:20]!r}")
    num_vertices, num_faces = int(header[3]), int(header[4])
    rows = [line.split() for line in text[header.end() :].split("\n") if line.strip()]
    if len(rows) < num_vertices + num_faces:
        raise _broken(path, f"{len(rows)} lines for {num_vertices} vertices and {num_faces} faces")
    vertices = rows[:num_vertices]
    triangles, face_colors = _triangles(path, rows[num_vertices : num_vertices + num_faces])
    lines = ["OFF", f"{num_vertices} {len(triangles)} 0", *(" ".join(v[:3]) for v in vertices)]
    plain = "\n".join([*lines, *(f"3 {a} {b} {c}" for a, b, c in triangles), ""])
    first = 6 if header[2] else 3
    colors = np.array([_color(v[first:]) for v in vertices]) if header[1] else None
    return [_part(matrix, mesh, colors, face_colors) for matrix, mesh in geometries(path, plain.encode(), "off")]


def _part(matrix: np.ndarray, mesh: Any, vertex_colors: np.ndarray | None, face_colors: np.ndarray | None) -> Part:
    corners, rows = placed_corners(matrix, mesh)
    if vertex_colors is not None:
        return Part(corners, None, linear_from_srgb(vertex_colors)[rows], Surface(WHITE))
    if face_colors is not None:
        return Part(corners, None, np.repeat(linear_from_srgb(face_colors)[:, None], 3, axis=1), Surface(WHITE))
    return Part(corners, None, None, DEFAULT)


def _triangles(path: Path, faces: list[list[str]]) -> tuple[list[tuple[str, str, str]], np.ndarray | None]:
    """Splits polygons into fans of triangles with their polygon's colour; colours are None if no face has one."""
    triangles, colors, colored = [], [], False
    for words in faces:
        if not words[0].isdigit() or len(words) <= int(words[0]):
            raise _broken(path, f"the face {' '.join(words)[:60]!r}")
        corners, rest = words[1 : int(words[0]) + 1], words[int(words[0]) + 1 :]
        fan = [(corners[0], corners[i], corners[i + 1]) for i in range(1, len(corners) - 1)]
        triangles += fan
        colors += [_color(rest)] * len(fan)
        colored |= len(rest) >= 3
    return triangles, np.array(colors) if colored else None


def _color(words: list[str]) -> tuple[float, float, float]:
    """Returns sRGB 0..1: integers range to 255, other numbers to 1; light grey without a colour."""
    if len(words) < 3:
        return DEFAULT.color
    kind = np.uint8 if all(w.isdigit() for w in words[:3]) else np.float64
    r, g, b = unit_range(np.array([words[:3]], dtype=np.float64).astype(kind))[0]
    return r, g, b


def _broken(path: Path, found: str) -> AssetError:
    return AssetError(f"{path} must be a complete OFF file, got {found}. Export it again or leave it out.")
