"""PLY, text or binary. trimesh reads the file after its header was found to match it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ondr.assets.files import read_bytes
from ondr.assets.parts import (
    DEFAULT,
    WHITE,
    ImageData,
    Part,
    Surface,
    geometries,
    linear_from_srgb,
    placed_corners,
    unit_range,
)
from ondr.assets.ply_faces import with_triangles
from ondr.assets.references import referenced_file
from ondr.errors import AssetError

SCALARS = {"char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4", "float": "f4"}
SCALARS |= {"int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4"}
SCALARS |= {"float32": "f4", "double": "f8", "float64": "f8"}
"""Each type as numpy calls it."""
ORDERS = {"binary_little_endian": "<", "binary_big_endian": ">"}
FIRST_BYTES = 1 << 16  # Longest header; a file is not searched further for its end.


def read_ply(path: Path) -> list[Part]:
    """Reads a PLY file and its texture.

    Raises:
        AssetError: The file is broken or shorter than its header says, or its texture is missing or outside the folder.
    """
    data = read_bytes(path)
    header = _header(path, data)
    _check_length(path, data, header)
    if header.binary:
        data = with_triangles(data, header.size, header.counts, header.properties)
    image = _image(path, header)
    # With texture coordinates per vertex, trimesh must not split vertices, so that their colours still match.
    options = {"fix_texture": "texcoord" in header.properties.get("face", ()), "skip_materials": True}
    meshes = list(geometries(path, data, "ply", **options))
    return [_part(path, matrix, mesh, image) for matrix, mesh in meshes]


def _part(path: Path, matrix: np.ndarray, mesh: Any, image: ImageData | None) -> Part:
    corners, rows = placed_corners(matrix, mesh)
    uvs = getattr(mesh.visual, "uv", None)
    if uvs is not None:
        uvs = (np.asarray(uvs, np.float64) * (1, -1) + (0, 1))[rows]
    colors = _colors(path, mesh, rows)
    surface = DEFAULT if colors is None and image is None else Surface(WHITE, image)
    return Part(corners, uvs, colors, surface)


def _colors(path: Path, mesh: Any, rows: np.ndarray) -> np.ndarray | None:
    """Returns linear colours of the corners, from the vertices or, failing that, from the faces."""
    raw = mesh.metadata["_ply_raw"]
    vertex, face = _stored_colors(raw.get("vertex")), _stored_colors(raw.get("face"))
    if vertex is not None and len(vertex) == len(mesh.vertices):
        return linear_from_srgb(unit_range(vertex))[rows]
    if face is not None and len(face) == len(rows):
        return np.repeat(linear_from_srgb(unit_range(face))[:, None], 3, axis=1)
    if face is not None and 2 * len(face) == len(rows):
        # trimesh splits quads into all first halves and then all second halves.
        return np.repeat(linear_from_srgb(unit_range(np.tile(face, (2, 1))))[:, None], 3, axis=1)
    if face is not None or vertex is not None:
        raise AssetError(
            f"{path} must have triangles for its colours to be read, got other polygons or seams in its texture. "
            f"Triangulate it."
        )
    return None


def _stored_colors(element: dict[str, Any] | None) -> np.ndarray | None:
    if element is None or not {"red", "green", "blue"} <= set(element["properties"]):
        return None
    return np.column_stack([np.asarray(element["data"][c]).reshape(-1) for c in ("red", "green", "blue")])


@dataclass(frozen=True)
class _Header:
    size: int
    """Bytes up to the data."""
    binary: bool
    counts: dict[str, int]
    properties: dict[str, dict[str, tuple[str, ...]]]
    """For each element, numpy's types of each of its properties: those of a list are of its length and of its items."""
    textures: list[str]


def _header(path: Path, data: bytes) -> _Header:
    end = data.find(b"end_header", 0, FIRST_BYTES)
    size = data.find(b"\n", end) + 1
    lines = data[:end].decode("utf-8", "replace").replace("\r", "\n").split("\n")
    if end < 0 or size == 0 or lines[0].strip() != "ply":
        raise _broken(path, "no PLY header")
    counts: dict[str, int] = {}
    properties: dict[str, dict[str, tuple[str, ...]]] = {}
    textures, order, name = [], "", ""
    for line in lines:
        words = line.split()
        try:
            if words[:1] == ["format"]:
                order = ORDERS.get(words[1], "")
            elif words[:1] == ["element"]:
                name = words[1]
                counts[name], properties[name] = int(words[2]), {}
            elif words[:1] == ["property"]:
                types = words[2:4] if words[1] == "list" else words[1:2]
                properties[name][words[-1]] = tuple(order + SCALARS[t] for t in types)
            elif [w.lower() for w in words[:2]] == ["comment", "texturefile"]:
                textures.append(line.split(None, 2)[2].strip())
        except (IndexError, KeyError, ValueError):
            raise _broken(path, f"the header line {line.strip()[:60]!r}") from None
    return _Header(size, bool(order), counts, properties, textures)


def _check_length(path: Path, data: bytes, header: _Header) -> None:
    """Checks that the file can hold what its header claims, before memory is allocated."""
    available = len(data) - header.size
    for name, count in header.counts.items():
        # In a text file a number and its separator take at least two characters.
        types = header.properties[name].values()
        # A list needs at least its length.
        row = sum(np.dtype(first).itemsize for first, *_ in types) if header.binary else 2 * len(types)
        if count < 0 or count * row > available + 1:
            raise _broken(path, f"a header that claims {count} of element {name!r} in {available} bytes")
    if header.binary:
        return  # trimesh compares the exact length
    rows = sum(1 for line in data[header.size :].splitlines() if line.strip())
    if rows < sum(header.counts.values()):
        raise _broken(path, f"{rows} lines for the {sum(header.counts.values())} that its header claims")


def _image(path: Path, header: _Header) -> ImageData | None:
    if len(header.textures) > 1:
        raise AssetError(f"{path} must have one texture, got {len(header.textures)}. Save it as .obj or .glb.")
    if not header.textures:
        return None
    file = referenced_file(path, header.textures[0])
    return ImageData(read_bytes(file), f"{file} (texture of {path.name})")


def _broken(path: Path, found: str) -> AssetError:
    return AssetError(f"{path} must be a complete PLY file, got {found}. Export it again or leave it out.")
