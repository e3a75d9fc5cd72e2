"""STL, text or binary, with the two conventions for colours in binary files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, UInt16

from ondr.assets.files import read_bytes
from ondr.assets.parts import DEFAULT, WHITE, Part, Surface, geometries, linear_from_srgb, placed_corners
from ondr.errors import AssetError

HEADER_BYTES = 84
TRIANGLE_BYTES = 50
VALID = 1 << 15


def read_stl(path: Path) -> list[Part]:
    """Reads an STL file.

    Raises:
        AssetError: The file is not an STL file or is cut off.
    """
    data = read_bytes(path)
    if not _is_complete(data):
        raise AssetError(
            f"{path} must be a complete STL file, got {len(data)} bytes that do not fit its header. "
            f"Export it again or leave it out."
        )
    return [_part(data, matrix, mesh) for matrix, mesh in geometries(path, data, "stl")]


def _is_complete(data: bytes) -> bool:
    if _is_binary(data):
        return True
    text = data.lower()
    return text.lstrip().startswith(b"solid") and text.count(b"endsolid") >= 1


def _is_binary(data: bytes) -> bool:
    count = int.from_bytes(data[HEADER_BYTES - 4 : HEADER_BYTES], "little")
    return len(data) == HEADER_BYTES + TRIANGLE_BYTES * count


def _part(data: bytes, matrix: np.ndarray, mesh: Any) -> Part:
    corners, _ = placed_corners(matrix, mesh)
    attributes = mesh.face_attributes.get("stl")
    colors = face_colors(data[:HEADER_BYTES], np.asarray(attributes)) if attributes is not None else None
    if colors is None:
        return Part(corners, None, None, DEFAULT)
    return Part(corners, None, np.repeat(linear_from_srgb(colors)[:, None], 3, axis=1), Surface(WHITE))


def face_colors(header: bytes, attributes: UInt16[np.ndarray, "triangle"]) -> Float64[np.ndarray, "triangle 3"] | None:
    """Decodes the two bytes after each triangle; None if they hold no colours.

    Source: the conventions of VisCAM/SolidView (bit 15 set: blue, green, red from the lowest bit) and of Materialise
    Magics (`COLOR=` in the header; bit 15 set: the header's colour, otherwise red, green, blue from the lowest bit).

    Args:
        header: The file's first 84 bytes.
        attributes: The two bytes of each triangle.

    Returns:
        sRGB 0..1.
    """
    channels = np.stack([attributes >> shift & 31 for shift in (0, 5, 10)], axis=-1) / 31.0
    marked = (attributes & VALID > 0)[:, None]
    at = header.find(b"COLOR=")
    if at >= 0:
        whole = np.frombuffer(header[at + 6 : at + 9].ljust(3, b"\xff"), np.uint8) / 255.0
        return np.where(marked, whole, channels)
    if not marked.any():
        return None
    return np.where(marked, channels[:, ::-1], 0.8)
