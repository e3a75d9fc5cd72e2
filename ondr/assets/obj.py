"""Wavefront OBJ with MTL.

trimesh reads the geometry from a plain copy of the text: by itself it uses only the first material library, counts
relative indices from the end of the file, drops a material's texture coordinates if one face has none, ignores options
of `map_Kd`, and does not report missing files and invalid indices. Materials are read here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ondr.assets.files import read_lines
from ondr.assets.mtl import mtl_surface, read_mtl
from ondr.assets.parts import (
    DEFAULT,
    PLAIN,
    WHITE,
    Part,
    Surface,
    geometries,
    linear_from_srgb,
    placed_corners,
    unit_range,
)
from ondr.assets.polygons import dented, ears
from ondr.assets.references import referenced_file
from ondr.errors import AssetError, say_once


def read_obj(path: Path) -> list[Part]:
    """Reads an OBJ file and its material libraries.

    Raises:
        AssetError: The file, a material library or a texture is missing, broken or outside the folder.
    """
    text = _PlainText(path)
    for number, line in enumerate(read_lines(path), 1):
        text.add(number, line)
    text.check_indices()
    text.cut_dented()
    surfaces = _surfaces(path, text)
    # `usemtl 2m+1` stands for material m with texture coordinates, `2m` for the same without.
    library = "".join(f"newmtl {key}\nKd 1 1 1\n" for key in range(2 * len(surfaces)))
    parts = []
    plain = "\n".join(["mtllib library", *text.lines, ""]).encode()
    for matrix, mesh in geometries(path, plain, "obj", resolver={"library": library.encode()}):
        key = int(mesh.visual.material.name)
        part = _part(matrix, mesh, surfaces[key // 2], has_uvs=bool(key % 2))
        # trimesh groups triangles by material, in the file's order.
        parts.append(replace(part, faces=np.array(text.faces[key])))
    return parts


def _part(matrix: np.ndarray, mesh: Any, surface: Surface, has_uvs: bool) -> Part:
    corners, rows = placed_corners(matrix, mesh)
    uvs = None
    if has_uvs:
        # OBJ counts v from the bottom of the image.
        uvs = (np.asarray(mesh.visual.uv, np.float64) * (1, -1) + (0, 1))[rows]
    colors = mesh.vertex_attributes.get("color")
    if colors is not None:
        # sRGB, as Blender writes and reads them.
        colors = linear_from_srgb(unit_range(colors))[rows]
        # Without a material, vertex colours replace the default colour.
        surface = replace(surface, color=WHITE) if surface.color is PLAIN else surface
    return Part(corners, uvs, colors, surface)


@dataclass
class _PlainText:
    """Lines of an OBJ file with triangles, absolute indices and numbered materials only."""

    path: Path
    lines: list[str] = field(default_factory=list)
    materials: dict[str, int] = field(default_factory=dict)
    libraries: list[str] = field(default_factory=list)
    counts: list[int] = field(default_factory=lambda: [0, 0])
    highest: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0), (0, 0)])
    current: int = 0
    written: int = -1
    faces: dict[int, list[int]] = field(default_factory=dict)
    """For each material key, the face that each of its triangles comes from."""
    number_of_faces: int = 0
    positions: list[list[float]] = field(default_factory=list)
    polygons: dict[int, list[tuple[int, list[str]]]] = field(default_factory=dict)
    """By their number of corners, if more than three: the line of the first triangle, and the corners as written."""

    def add(self, number: int, line: str) -> None:
        """Adds a line of the file.

        Raises:
            AssetError: It cannot be parsed, a vertex is not finite, or a relative index is out of range.
        """
        key, _, rest = line.strip().replace("\t", " ").partition(" ")
        try:
            if key in ("v", "vt"):
                self._add_vertex(key, number, rest.partition("#")[0].split())
            elif key == "f":
                self._add_face(number, rest.partition("#")[0].split())
            elif key == "usemtl":
                self.current = self.materials.setdefault(rest.strip(), len(self.materials) + 1)
            elif key == "mtllib":
                self.libraries.append(rest.strip())
        except AssetError:
            raise
        except ValueError:
            raise self._error(number, f"have numbers after {key!r}", repr(line.strip()[:60])) from None

    def check_indices(self) -> None:
        """Checks the highest indices after the whole file was read, since a face may precede its vertices.

        Raises:
            AssetError: An index is out of range.
        """
        for what, count, (index, number) in zip(("vertices", "vt lines"), self.counts, self.highest, strict=True):
            if index > count:
                raise self._error(number, f"only name {what} that the file has", f"index {index} of {count}")

    def cut_dented(self) -> None:
        """Puts other triangles in place of the fans of polygons that are not convex."""
        positions = np.array(self.positions)
        for size, polygons in self.polygons.items():
            rows = np.array([[int(corner.partition("/")[0]) - 1 for corner in corners] for _, corners in polygons])
            for i in np.flatnonzero(dented(positions[rows])):
                line, corners = polygons[i]
                cut = ears(positions[rows[i]])
                self.lines[line : line + size - 2] = [f"f {corners[a]} {corners[b]} {corners[c]}" for a, b, c in cut]

    def _add_vertex(self, key: str, number: int, words: list[str]) -> None:
        values = [float(w) for w in words]
        if len(values) < (3 if key == "v" else 1) or (key == "v" and not all(map(math.isfinite, values[:3]))):
            raise self._error(number, "have finite vertices of three numbers", repr(" ".join(words)))
        self.counts[key == "vt"] += 1
        if key == "v":
            self.positions.append(values[:3])
        # A vt line of one number is a one-dimensional texture.
        self.lines.append(f"{key} {' '.join(words if len(words) > 1 else [*words, '0'])}")

    def _add_face(self, number: int, words: list[str]) -> None:
        tokens = [(*w.split("/"), "")[:2] for w in words]
        has_uvs = all(uv for _, uv in tokens)
        corners = [
            f"{self._index(0, v, number)}/{self._index(1, uv, number)}" if has_uvs else str(self._index(0, v, number))
            for v, uv in tokens
        ]
        key = 2 * self.current + has_uvs
        if key != self.written:
            self.lines.append(f"usemtl {key}")
            self.written = key
        if len(corners) > 3:
            self.polygons.setdefault(len(corners), []).append((len(self.lines), corners))
        self.lines += [f"f {corners[0]} {corners[i]} {corners[i + 1]}" for i in range(1, len(corners) - 1)]
        self.faces.setdefault(key, []).extend([self.number_of_faces] * (len(corners) - 2))
        self.number_of_faces += 1

    def _index(self, kind: int, word: str, number: int) -> int:
        index = int(word)
        absolute = index if index > 0 else self.counts[kind] + index + 1
        if absolute < 1 or index == 0:
            raise self._error(number, "only name vertices that the file has", f"index {index}")
        self.highest[kind] = max(self.highest[kind], (absolute, number))
        return absolute

    def _error(self, number: int, condition: str, value: str) -> AssetError:
        return AssetError(
            f"{self.path} line {number} must {condition}, got {value}. Export the file again or leave it out."
        )


def _surfaces(path: Path, text: _PlainText) -> list[Surface]:
    """Returns the surface of each material number; 0 stands for faces before any `usemtl`."""
    known = {
        name: (library, entry)
        for written in text.libraries
        for library in _library_files(path, written)
        for name, entry in read_mtl(library).items()
    }
    missing = [name for name in text.materials if name not in known]
    if text.libraries and missing:
        say_once(f"{path} uses materials that its .mtl does not define ({', '.join(missing)}): drawn in light grey.")
    written = {n: mtl_surface(path, *known[n]) if n in known else DEFAULT for n in text.materials}
    return [DEFAULT, *(replace(surface, name=name) for name, surface in written.items())]


def _library_files(path: Path, written: str) -> list[Path]:
    """Returns the libraries of a line, which names one, possibly with spaces, or several separated by spaces."""
    several = written.split()
    if len(several) > 1 and not (path.parent / written).is_file():
        return [referenced_file(path, name) for name in several]
    return [referenced_file(path, written)]
