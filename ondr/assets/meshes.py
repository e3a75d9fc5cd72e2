"""Mesh files as numpy arrays, ready to be packed. Each format has a reader of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64

from ondr.assets.gltf import read_gltf
from ondr.assets.hulls import convex_hull
from ondr.assets.levels import Level, by_last_use, simplified
from ondr.assets.normals import closed_and_inverted, face_normals, merge_positions, same_rows, smooth
from ondr.assets.obj import read_obj
from ondr.assets.off import read_off
from ondr.assets.parts import Part, Surface
from ondr.assets.ply import read_ply
from ondr.assets.stl import read_stl
from ondr.assets.texels import pack_words
from ondr.assets.uvs import project_uvs
from ondr.errors import AssetError
from ondr.settings.section import Axis

READERS: dict[str, Callable[[Path], list[Part]]] = {
    ".obj": read_obj,
    ".gltf": read_gltf,
    ".glb": read_gltf,
    ".ply": read_ply,
    ".stl": read_stl,
    ".off": read_off,
}
UPWARDS: dict[str, Axis] = {".gltf": "y", ".glb": "y"}
"""Formats that define which axis points up. Others leave it to the author of a file.

Source: Khronos Group, glTF 2.0 Specification, section 3.4, "Coordinate System and Units": +Y is up."""
SIZES = (1e-9, 1e9)
"""Shortest and longest side in file units for which float32 arithmetic, products of three included, is safe."""


@dataclass(frozen=True)
class Mesh:
    """A mesh in its own coordinates minus `center`."""

    vertices: Float32[np.ndarray, "vertex 8"]
    """Position, unit normal, uv (v down), as in `Bank.vertices`."""
    colors: Int32[np.ndarray, "vertex"]
    """As in `Bank.colors`."""
    triangles: Int32[np.ndarray, "triangle 3"]
    """Rows of `vertices`, counter-clockwise seen from outside."""
    materials: Int32[np.ndarray, "triangle"]
    """Row of `surfaces`."""
    patches: Int32[np.ndarray, "triangle"]
    surfaces: tuple[Surface, ...]
    closed: bool
    center: Float64[np.ndarray, "3"]
    """Centre of the bounding box in the file's coordinates."""
    extent: Float64[np.ndarray, "3"]
    """Sides of the bounding box in file units."""
    hull: Float32[np.ndarray, "hull 3"]
    hull_edges: Int64[np.ndarray, "edge 2"]
    """Pairs of rows of `hull`."""
    levels: tuple[Level, ...] = ()
    """Levels of detail, ever coarser; each uses only the first of the vertices."""
    up: Axis = "z"
    """The axis that points up by the file's format."""


def read_mesh(path: Path, crease_degrees: float) -> Mesh:
    """Reads a mesh file of any known format.

    Args:
        path: The file.
        crease_degrees: Edges between triangles whose normals differ by more stay sharp.

    Raises:
        AssetError: The file cannot be used; the message says why.
    """
    return build_mesh(str(path), read_parts(path), crease_degrees, up_in(path))


def up_in(path: Path) -> Axis:
    """Returns the axis that points up by the file's format; z if the format does not define it."""
    return UPWARDS.get(path.suffix.lower(), "z")


def read_parts(path: Path) -> list[Part]:
    """Reads the triangles of a mesh file of any known format.

    Raises:
        AssetError: The file cannot be used; the message says why.
    """
    parts = [part for part in READERS[path.suffix.lower()](path) if len(part.corners)]
    if not parts:
        raise AssetError(f"{path} must hold triangles, got none. Check that it is a mesh, or leave it out.")
    return parts


def build_mesh(name: str, parts: Sequence[Part], crease_degrees: float, up: Axis = "z") -> Mesh:
    """Joins the parts of a file into a mesh with normals, texture coordinates and shared vertices.

    Args:
        name: Name of the file, for messages.
        parts: Its triangles.
        crease_degrees: Edges between triangles whose normals differ by more stay sharp.
        up: Axis that points up; it is recorded, and rotates no vertex.

    Raises:
        AssetError: The mesh has no extent or an absurd one, or no triangle with an area.
    """
    corners = np.concatenate([p.corners for p in parts])
    center, extent = _bounds(name, corners)
    corners -= center
    colors = pack_words(np.concatenate([_or_white(p) for p in parts]))
    surfaces = tuple(dict.fromkeys(p.surface for p in parts))
    materials = np.repeat([surfaces.index(p.surface) for p in parts], [len(p.corners) for p in parts])
    uvs = np.concatenate([_mapped_uvs(p) for p in parts])
    positions = merge_positions(corners)
    closed, inverted = closed_and_inverted(corners, positions)
    if inverted:
        corners, positions, colors, uvs = (a[:, ::-1] for a in (corners, positions, colors, uvs))
    faces = face_normals(corners)
    if not faces.any():
        raise AssetError(f"{name} must have a triangle with an area, got none. Export it again or leave it out.")
    unmapped = ~np.isfinite(uvs).all(axis=(1, 2))
    uvs[unmapped] = project_uvs(corners, faces)[unmapped]
    looks = materials[:, None] * (1 << 32) + colors.astype(np.int64)
    smoothing = smooth(corners, positions, looks, crease_degrees)
    vertices, words, triangles = _shared_vertices(corners, smoothing.normals, uvs, colors, smoothing.groups)
    levels = simplified(vertices, words, triangles, materials.astype(np.int32))
    order = by_last_use(len(vertices), levels)
    place = np.argsort(order).astype(np.int32)
    hull, edges = convex_hull(np.unique(vertices[:, :3], axis=0).astype(np.float64))
    return Mesh(
        vertices=vertices[order],
        colors=words[order],
        triangles=place[triangles],
        materials=materials.astype(np.int32),
        patches=smoothing.patches,
        surfaces=surfaces,
        closed=closed,
        center=center,
        extent=extent,
        hull=hull.astype(np.float32),
        hull_edges=edges,
        levels=tuple(replace(level, triangles=place[level.triangles]) for level in levels),
        up=up,
    )


def _bounds(name: str, corners: Float64[np.ndarray, "triangle 3 3"]) -> tuple[np.ndarray, np.ndarray]:
    low, high = corners.min(axis=(0, 1)), corners.max(axis=(0, 1))
    longest = (high - low).max()
    if not SIZES[0] <= longest <= SIZES[1]:
        raise AssetError(
            f"{name} must have a longest side of {SIZES[0]:g} to {SIZES[1]:g} units, got {longest:g}. "
            f"Scale it or leave it out."
        )
    return (low + high) / 2, high - low


def _or_white(part: Part) -> np.ndarray:
    return np.ones_like(part.corners) if part.colors is None else part.colors


def _mapped_uvs(part: Part) -> Float64[np.ndarray, "triangle 3 2"]:
    """Applies the surface's texture transform; NaN where the file has no coordinates."""
    if part.uvs is None:
        return np.full((len(part.corners), 3, 2), np.nan)
    matrix = np.array(part.surface.uv_map, np.float64)
    return np.where(np.isfinite(part.uvs), part.uvs, np.nan) @ matrix[:, :2].T + matrix[:, 2]


def _shared_vertices(
    corners: np.ndarray, normals: np.ndarray, uvs: np.ndarray, colors: np.ndarray, groups: np.ndarray
) -> tuple[Float32[np.ndarray, "vertex 8"], Int32[np.ndarray, "vertex"], Int32[np.ndarray, "triangle 3"]]:
    """Merges corners that are equal in all attributes into one vertex."""
    # Adding zero turns -0.0, whose bits differ, into 0.0.
    rows = np.concatenate([corners, normals, uvs], axis=-1).reshape(-1, 8).astype(np.float32) + np.float32(0)
    shared = np.column_stack([rows.view(np.int32)[:, [0, 1, 2, 6, 7]], colors.reshape(-1), groups.reshape(-1)])
    index, inverse = same_rows(shared)
    return rows[index], colors.reshape(-1)[index], inverse.reshape(-1, 3).astype(np.int32)
