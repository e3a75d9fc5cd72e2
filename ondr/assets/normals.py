"""Connectivity of triangles: smooth normals with a crease angle, smooth patches, closedness.

Corners at the same position are neighbours, whether or not the file shares their vertices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int32, Int64

GRID = 1 << 20
"""Positions are merged on a grid of a millionth of the longest side; three such coordinates fit into 63 bits."""
UP = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class Smoothing:
    """The outcome of `smooth`."""

    normals: Float64[np.ndarray, "triangle 3 3"]
    """Unit normal of each corner."""
    groups: Int32[np.ndarray, "triangle 3"]
    """Corners with the same number share position and normal."""
    patches: Int32[np.ndarray, "triangle"]
    """Triangles with the same number are connected by edges without a crease or a change of material or colour."""


def merge_positions(corners: Float64[np.ndarray, "triangle 3 3"]) -> Int64[np.ndarray, "triangle 3"]:
    """Numbers the distinct positions."""
    low = corners.min(axis=(0, 1))
    side = (corners.max(axis=(0, 1)) - low).max()
    x, y, z = np.moveaxis(np.rint((corners - low) * (GRID / side)).astype(np.int64), -1, 0)
    _, ids = np.unique((x << 42) | (y << 21) | z, return_inverse=True)
    return ids.reshape(x.shape)


def face_normals(corners: Float64[np.ndarray, "triangle 3 3"]) -> Float64[np.ndarray, "triangle 3"]:
    """Returns unit normals, zero for a triangle without area."""
    a, b, c = np.moveaxis(corners, 1, 0)
    return _unit(np.cross(b - a, c - a))


def smooth(
    corners: Float64[np.ndarray, "triangle 3 3"],
    positions: Int64[np.ndarray, "triangle 3"],
    looks: Int64[np.ndarray, "triangle 3"],
    crease_degrees: float,
) -> Smoothing:
    """Connects triangles across every edge that is not a crease.

    A corner's normal is the sum of the normals of the connected triangles at its position, weighted by their angles
    there, so that it does not depend on how polygons were triangulated.

    Source: Thürmer and Wüthrich 1998, "Computing vertex normals from polygonal facets".

    Args:
        corners: Positions.
        positions: `merge_positions` of them.
        looks: A number for each corner's material and colour: patches end at edges where it changes.
        crease_degrees: Edges between triangles whose normals differ by more are creases.
    """
    faces = face_normals(corners)
    first, second = shared_edges(positions)
    # Rounding must not turn an edge exactly at the limit into a crease.
    cosine = np.cos(np.radians(crease_degrees)) - 1e-9
    flat = (faces[first // 3] * faces[second // 3]).sum(axis=-1) >= cosine
    first, second = first[flat], second[flat]
    begin, end = _matching_corners(positions, first, second)
    size = positions.size
    groups = _components(size, np.concatenate([first, _next(first)]), np.concatenate([begin, end]))
    same = (looks.flat[first] == looks.flat[begin]) & (looks.flat[_next(first)] == looks.flat[end])
    patches = _components(len(corners), first[same] // 3, second[same] // 3)
    normals = _summed(faces[:, None] * _angles(corners)[..., None], groups)
    normals = np.where(_length(normals) > 1e-6, _unit(normals), faces[:, None])
    normals = np.where(_length(normals) > 0, normals, UP)
    return Smoothing(normals, groups.reshape(-1, 3), patches)


def shared_edges(
    positions: Int64[np.ndarray, "triangle 3"],
) -> tuple[Int64[np.ndarray, "pair"], Int64[np.ndarray, "pair"]]:
    """Pairs the sides of triangles that run between the same two positions.

    Returns:
        Two arrays of sides; side 3f + k of triangle f runs from its corner k to the next.
    """
    edges = edge_keys(positions).reshape(-1)
    order = np.argsort(edges, kind="stable")
    ordered = edges[order]
    pairs = []
    # Up to four triangles per edge are paired: enough for a sheet that is modelled with both sides.
    for step in (1, 2, 3):
        same = ordered[step:] == ordered[:-step]
        pairs.append((order[:-step][same], order[step:][same]))
    first, second = (np.concatenate(side) for side in zip(*pairs, strict=True))
    return first, second


def edge_keys(positions: Int64[np.ndarray, "triangle 3"]) -> Int64[np.ndarray, "triangle 3"]:
    """Returns a number for each side of each triangle, the same in both directions."""
    following = np.roll(positions, -1, axis=1)
    return np.minimum(positions, following) * (positions.max() + 1) + np.maximum(positions, following)


def closed_and_inverted(
    corners: Float64[np.ndarray, "triangle 3 3"], positions: Int64[np.ndarray, "triangle 3"]
) -> tuple[bool, bool]:
    """Decides whether back faces can never be seen from outside.

    A surface is closed if every edge is traversed equally often in both directions and all shells (there may be
    several, which may intersect) have the same orientation. An inverted shell within another one may be a cavity or a
    mistake; it counts as not closed, which is always safe.

    Returns:
        Whether the surface is closed; whether its triangles must be reversed for it to face outwards.
    """
    solid = (positions != np.roll(positions, -1, axis=1)).all(axis=1)
    corners, positions = corners[solid], positions[solid]
    if not len(corners):
        return False, False
    _, edges = np.unique(edge_keys(positions), return_inverse=True)
    forward = np.where(positions < np.roll(positions, -1, axis=1), 1, -1)
    if np.bincount(edges.reshape(-1), weights=forward.reshape(-1)).any():
        return False, False
    first, second = shared_edges(positions)
    shells = _components(len(corners), first // 3, second // 3)
    volumes = np.bincount(shells, weights=np.linalg.det(corners - corners.mean(axis=(0, 1))) / 6)
    # A shell with less than this share of the bounding cube is a two-sided sheet; the sign of its volume is rounding.
    limit = 1e-9 * np.ptp(corners.reshape(-1, 3), axis=0).max() ** 3
    inverted = bool((volumes < -limit).all())
    return inverted or bool((volumes > limit).all()), inverted


def same_rows(rows: np.ndarray) -> tuple[Int64[np.ndarray, "distinct"], Int64[np.ndarray, "row"]]:
    """Finds equal rows of a contiguous 2-D array.

    Returns:
        The index of one row of each kind; the kind of each row.
    """
    rows = np.ascontiguousarray(rows)
    whole = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).reshape(-1)
    _, index, inverse = np.unique(whole, return_index=True, return_inverse=True)
    return index, inverse.reshape(-1)


def _matching_corners(
    positions: Int64[np.ndarray, "triangle 3"], first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the corners of the second sides at the first sides' beginnings and ends."""
    reversed_ = positions.flat[first] == positions.flat[_next(second)]
    return np.where(reversed_, _next(second), second), np.where(reversed_, second, _next(second))


def _next(corner: np.ndarray) -> np.ndarray:
    return corner - corner % 3 + (corner + 1) % 3


def _components(size: int, first: np.ndarray, second: np.ndarray) -> Int32[np.ndarray, "node"]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(first), np.int8), (first, second)), shape=(size, size))
    return connected_components(graph, directed=False)[1].astype(np.int32)


def _summed(values: Float64[np.ndarray, "triangle 3 3"], groups: np.ndarray) -> Float64[np.ndarray, "triangle 3 3"]:
    flat = values.reshape(-1, 3)
    sums = np.stack([np.bincount(groups, weights=flat[:, axis]) for axis in range(3)], axis=-1)
    return sums[groups].reshape(values.shape)


def _angles(corners: Float64[np.ndarray, "triangle 3 3"]) -> Float64[np.ndarray, "triangle 3"]:
    ahead = _unit(np.roll(corners, -1, axis=1) - corners)
    behind = _unit(np.roll(corners, 1, axis=1) - corners)
    return np.arccos(np.clip((ahead * behind).sum(axis=-1), -1, 1))


def _length(vectors: np.ndarray) -> np.ndarray:
    return np.linalg.norm(vectors, axis=-1, keepdims=True)


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = _length(vectors)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
