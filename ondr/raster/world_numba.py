"""Gathers and checks the numba rasterizer's input, and draws one image of it."""

from __future__ import annotations

import typing
from typing import NamedTuple

import numpy as np
import torch
from numba import njit, prange

from ondr.assets.bank import Bank
from ondr.scene import Instances

from .clip_numba import MAX_CORNERS
from .triangle_numba import Vertices, draw_instance

ID_BITS = 32


class World(NamedTuple):
    """A batch as the kernels read it."""

    vertices: np.ndarray
    """float32 [V, 8]."""
    triangles: np.ndarray
    """int32 [F, 4]."""
    vertex_offset: np.ndarray
    """int32 [B, S]."""
    vertex_count: np.ndarray
    """int32 [B, S]: number of vertices from there on that the instance's triangles use."""
    first_triangle: np.ndarray
    """int32 [B, S]."""
    triangle_count: np.ndarray
    """int32 [B, S]."""
    matrix: np.ndarray
    """float64 [B, S, 3, 4]: from bank coordinates to (x z, y z, z), x and y in pixels."""
    culled: np.ndarray
    """int8 [B, S]: sign of the screen area of triangles that are culled; 0 culls none."""
    shift: int
    """The id of a triangle in its image is slot << shift | its number within the instance."""


def gather(bank: Bank, instances: Instances, intrinsics: torch.Tensor) -> World:
    """Turns a batch into the kernels' arrays, where possible without copying.

    Raises:
        ValueError: A triangle range or a triangle's vertex lies outside the bank, or there are too many triangles.
    """
    first, count, offset = (
        np.ascontiguousarray(rows.numpy())
        for rows in (instances.first_triangle, instances.triangle_count, instances.vertex_offset)
    )
    vertices, triangles = bank.vertices.detach().contiguous().numpy(), bank.triangles.contiguous().numpy()
    _check_ranges(first, count, len(triangles))
    used = _used_vertices(triangles, first, count)
    _check_vertices(offset, used, count, len(vertices))
    matrix, orientation = project(instances.camera_from_bank, intrinsics)
    return World(
        vertices=vertices,
        triangles=triangles,
        vertex_offset=offset,
        vertex_count=used[1],
        first_triangle=first,
        triangle_count=count,
        matrix=matrix,
        culled=np.where(instances.closed.numpy(), orientation, 0).astype(np.int8),
        shift=_id_shift(count),
    )


def project(camera_from_bank: torch.Tensor, intrinsics: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Returns the matrices from bank coordinates to (x z, y z, z), and the sign of a back face's screen area.

    Args:
        camera_from_bank: float32 `[B, S, 3, 4]`.
        intrinsics: float32 `[B, 3, 3]`, last row 0 0 1.
    """
    pose = camera_from_bank.detach().numpy().astype(np.float64)
    k = intrinsics.detach().numpy().astype(np.float64)[:, None]
    with np.errstate(invalid="ignore"):
        # A counter-clockwise outward face seen from the front has negative area where y runs down.
        flips = np.linalg.det(pose[..., :3]) * np.linalg.det(k[..., :2, :2])
        return np.ascontiguousarray(k @ pose), np.nan_to_num(np.sign(flips))


def _id_shift(count: np.ndarray) -> int:
    """Returns the number of bits in an id for the triangles of an instance."""
    shift = max(int(count.max(initial=0)) - 1, 0).bit_length()
    slots = max(count.shape[1] - 1, 0).bit_length()
    if shift + slots > ID_BITS:
        raise ValueError(
            f"instances.triangle_count must be at most {1 << ID_BITS - slots} with {count.shape[1]} slots, got "
            f"{count.max()}. Use fewer slots or smaller meshes."
        )
    return shift


def _check_ranges(first: np.ndarray, count: np.ndarray, total: int) -> None:
    """Refuses triangle ranges that leave the bank."""
    if ((first < 0) | (count < 0) | (first.astype(np.int64) + count > total)).any():
        raise ValueError(
            f"instances.first_triangle and triangle_count must name rows of the bank's {total} triangles, "
            f"got {first.min()}..{first.max()} and {count.min()}..{count.max()}. "
            f"Use the bank that the instances were made for."
        )


def _check_vertices(offset: np.ndarray, used: np.ndarray, count: np.ndarray, total: int) -> None:
    """Refuses triangles whose vertices leave the bank."""
    first, end = offset + used[0].astype(np.int64), offset + used[1].astype(np.int64)
    if (((first < 0) | (offset < 0) | (used[0] < 0) | (end > total)) & (count > 0)).any():
        raise ValueError(
            f"instances.vertex_offset must keep the triangles' vertices among the bank's {total}, got vertices "
            f"{first.min()}..{end.max() - 1}. Use the bank that the instances were made for."
        )


def _used_vertices(triangles: np.ndarray, first: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Returns the least and one past the greatest vertex row of each instance's triangles, int32 [2, B, S]."""
    # Computed once per mesh, which a batch may show many times.
    _, row, inverse = np.unique(first.astype(np.int64) << 32 | count, return_index=True, return_inverse=True)
    bounds = np.empty((2, len(row)), np.int32)
    _vertex_bounds(triangles, first.ravel()[row], count.ravel()[row], bounds)
    return bounds[:, inverse.ravel()].reshape(2, *first.shape)


@typing.no_type_check
@njit(cache=True, parallel=True)
def _vertex_bounds(triangles, first, count, bounds):
    """Finds the least and one past the greatest vertex row of some ranges of triangles."""
    for i in prange(len(first)):
        low, high = np.int32(0), np.int32(-1)
        for t in range(first[i], first[i] + count[i]):
            for corner in range(3):
                row = triangles[t, corner]
                low, high = min(low, row), max(high, row)
        bounds[0, i] = low
        bounds[1, i] = high + 1


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def make_scratch(vertex_count):
    """Allocates scratch for the largest instance's vertices."""
    most = vertex_count.max() if vertex_count.size > 0 else 0
    return Vertices(np.empty((most, 2), np.int32), np.empty(most, np.float32), np.empty((2, MAX_CORNERS, 3)))


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def draw_image(layers, scratch, world, b, covered):
    """Draws an image into layers whose keys are all 0, and counts the pixels that each instance covers alone."""
    layers.cover[:] = -1
    for k in range(len(covered)):
        start, first = world.vertex_offset[b, k], world.first_triangle[b, k]
        vertices = world.vertices[start : start + world.vertex_count[b, k]]
        triangles = world.triangles[first : first + world.triangle_count[b, k]]
        covered[k] = draw_instance(
            layers, scratch, vertices, triangles, world.matrix[b, k], world.culled[b, k], k, k << world.shift
        )
