"""What readers of mesh files return: triangles corner by corner, with their surface in the file.

Corners rather than shared vertices, so that all formats, scene graphs and material splits look the same afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float64, Int

from ondr.errors import AssetError

PLAIN = (0.8, 0.8, 0.8)
"""Linear RGB of a surface without a colour in the file: the default diffuse colour of the MTL format."""
WHITE = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class ImageData:
    """An encoded image."""

    data: bytes
    name: str
    """Its origin, for messages."""


@dataclass(frozen=True)
class Surface:
    """One material of a mesh file."""

    color: tuple[float, float, float] = PLAIN
    """Linear RGB; multiplies the image and the vertex colours."""
    image: ImageData | None = None
    uv_map: tuple[tuple[float, float, float], tuple[float, float, float]] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    """Texture coordinates = this matrix @ (u, v, 1)."""
    name: str = ""
    """Name of the material in the file, which distinguishes parts that look alike there."""


DEFAULT = Surface()
"""The surface of triangles without a material; white under vertex or face colours."""


@dataclass(frozen=True)
class Part:
    """Triangles of one surface."""

    corners: Float64[np.ndarray, "triangle 3 3"]
    """Positions of each triangle's corners in the file's coordinates, counter-clockwise seen from outside."""
    uvs: Float[np.ndarray, "triangle 3 2"] | None
    """From the texture's top left corner, u to the right, v down; None where the file has none."""
    colors: Float[np.ndarray, "triangle 3 3"] | None
    """Linear RGB 0..1 of each corner; None where the file has none."""
    surface: Surface
    faces: Int[np.ndarray, "triangle"] | None = None
    """The file's face that each triangle comes from; None: each triangle is a face, in the file's order."""


def geometries(path: Path, data: bytes, file_type: str, **options: Any) -> Iterator[tuple[np.ndarray, Any]]:
    """Parses a file with trimesh and checks vertices and indices, which trimesh does not.

    Args:
        path: The file, for messages.
        data: Its content.
        file_type: trimesh's name of the format.
        options: Further arguments of `trimesh.load_scene`.

    Yields:
        The 4x4 matrix that places a geometry in the file's coordinates and the `trimesh.Trimesh`.

    Raises:
        AssetError: The file cannot be parsed, a vertex is not finite or an index is out of range.
    """
    import trimesh

    try:
        # process=False: trimesh would silently drop non-finite vertices and their faces.
        scene = trimesh.load_scene(BytesIO(data), file_type=file_type, process=False, **options)
        placed = [scene.graph[node] for node in scene.graph.nodes_geometry]
    except Exception as error:  # on a broken file trimesh may raise anything
        raise AssetError(
            f"{path} must be a readable {path.suffix[1:].upper()} file, got {type(error).__name__}: {error}. "
            f"Export it again or leave it out."
        ) from error
    for matrix, name in placed:
        geometry = scene.geometry[name]
        if isinstance(geometry, trimesh.Trimesh) and len(geometry.faces):
            check_geometry(path, geometry.vertices, geometry.faces)
            yield np.asarray(matrix), geometry


def check_geometry(
    path: Path, vertices: Float[np.ndarray, "vertex 3"], triangles: Int[np.ndarray, "triangle 3"]
) -> None:
    """Checks what parsers may accept wrongly.

    Raises:
        AssetError: A vertex is not finite or an index is out of range.
    """
    wrong = np.flatnonzero(~np.isfinite(vertices).all(axis=-1))
    if len(wrong):
        raise AssetError(
            f"{path} must have finite vertices, got {np.asarray(vertices)[wrong[0]].tolist()} for vertex {wrong[0]}. "
            f"Export it again or leave it out."
        )
    outside = triangles[(triangles < 0) | (triangles >= len(vertices))]
    if len(outside):
        raise AssetError(
            f"{path} must only name vertices that it has, got index {outside[0]} of {len(vertices)}. "
            f"Export it again or leave it out."
        )


def placed_corners(matrix: np.ndarray, geometry: Any) -> tuple[Float64[np.ndarray, "triangle 3 3"], np.ndarray]:
    """Applies a scene graph's matrix.

    Returns:
        The corners, and the vertex row of each `[triangle, 3]`; a mirroring matrix reverses the triangles.
    """
    vertices = np.asarray(geometry.vertices, np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    faces = np.asarray(geometry.faces)
    faces = faces[:, ::-1] if np.linalg.det(matrix[:3, :3]) < 0 else faces
    return vertices[faces], faces


def linear_from_srgb(values: np.ndarray) -> np.ndarray:
    """Decodes sRGB values in 0..1 (IEC 61966-2-1)."""
    return np.where(values <= 0.04045, values / 12.92, ((np.maximum(values, 0) + 0.055) / 1.055) ** 2.4)


def unit_range(colors: np.ndarray) -> Float64[np.ndarray, "row 3"]:
    """Returns the first three channels in 0..1: integers by their type's largest value, floats above 1 by 255."""
    rgb = np.asarray(colors)[:, :3]
    if np.issubdtype(rgb.dtype, np.integer):
        return rgb / float(np.iinfo(rgb.dtype).max)
    scale = 255.0 if rgb.size and np.nanmax(rgb) > 1 else 1.0
    return np.clip(np.nan_to_num(rgb.astype(np.float64) / scale), 0, 1)
