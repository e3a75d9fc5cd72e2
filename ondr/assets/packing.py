"""Packs meshes and textures in numpy into the bank's tensors."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from ondr.assets.bank import Bank, Levels
from ondr.assets.hulls import support_points
from ondr.assets.meshes import Mesh
from ondr.assets.resting import resting_poses
from ondr.assets.textures import TextureStore
from ondr.errors import AssetError
from ondr.geometry import raised
from ondr.settings.section import Up

MOST_ROWS = 2**31 - 1
"""Indices are int32."""


def pack_bank(
    meshes: Sequence[Mesh],
    textures: Sequence[Sequence[int]],
    store: TextureStore,
    *,
    levels: bool = False,
    resting: Up | None = None,
) -> Bank:
    """Packs meshes and textures into a bank on the CPU.

    Args:
        meshes: The meshes in the order of the bank's rows.
        textures: For each mesh, the row of the store's texture for each of its surfaces.
        store: The textures.
        levels: Whether to pack the meshes' levels of detail.
        resting: `objects.up`, by which flat meshes lie, if resting poses are needed; None: they are not.

    Raises:
        AssetError: There are more vertices, triangles or texels than an int32 can count.
    """
    vertices, ranges = [len(m.vertices) for m in meshes], [_ranges(m, levels) for m in meshes]
    triangles = [sum(len(corners) for corners, _ in own) for own in ranges]
    _check_counts(vertices=sum(vertices), triangles=sum(triangles), texels=store.size)
    first_material, first_triangle = _starts([len(m.surfaces) for m in meshes]), _starts(triangles)
    rows = [
        np.column_stack([corners, m.materials[source] + first])
        for m, own, first in zip(meshes, ranges, first_material, strict=True)
        for corners, source in own
    ]
    patches = [m.patches[source] for m, own in zip(meshes, ranges, strict=True) for _, source in own]
    colors = [surface.color for m in meshes for surface in m.surfaces]
    poses, shares = (None, None) if resting is None else _resting(meshes, resting)
    return Bank(
        vertices=torch.from_numpy(np.concatenate([m.vertices for m in meshes])),
        colors=torch.from_numpy(np.concatenate([m.colors for m in meshes])),
        triangles=torch.from_numpy(np.concatenate(rows).astype(np.int32)),
        patches=torch.from_numpy(np.concatenate(patches)),
        material_color=torch.tensor(colors, dtype=torch.float32),
        material_texture=torch.tensor([row for own in textures for row in own], dtype=torch.int32),
        texels=torch.from_numpy(store.texels()),
        textures=torch.tensor(store.rows, dtype=torch.int32),
        vertex_offset=torch.tensor(_starts(vertices), dtype=torch.int32),
        first_triangle=torch.tensor(first_triangle, dtype=torch.int32),
        triangle_count=torch.tensor([len(m.triangles) for m in meshes], dtype=torch.int32),
        closed=torch.tensor([m.closed for m in meshes]),
        extent=torch.from_numpy(np.stack([m.extent for m in meshes])).float(),
        center=torch.from_numpy(np.stack([m.center for m in meshes])).float(),
        hull=torch.from_numpy(_padded([m.hull for m in meshes])),
        support=torch.from_numpy(np.stack([support_points(m.hull) for m in meshes])).float(),
        hull_edges=torch.from_numpy(_padded([m.hull_edges for m in meshes])).int(),
        levels=_levels(meshes, first_triangle) if levels else None,
        upright=_upright(meshes),
        resting=poses,
        resting_share=shares,
    )


def _ranges(mesh: Mesh, levels: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns triangles and the original triangle of each, in full detail and for each level."""
    full = (mesh.triangles, np.arange(len(mesh.triangles)))
    return [full, *((level.triangles, level.source) for level in mesh.levels)] if levels else [full]


def _levels(meshes: Sequence[Mesh], first_triangle: Sequence[int]) -> Levels:
    """Returns `Bank.levels`."""
    most = max(len(m.levels) for m in meshes)
    counts = [[len(m.triangles), *(len(level.triangles) for level in m.levels)] for m in meshes]
    starts = [[first + before for before in _starts(own)] for first, own in zip(first_triangle, counts, strict=True)]
    first, count = (
        torch.tensor([own + own[-1:] * (most + 1 - len(own)) for own in rows], dtype=torch.int32)
        for rows in (starts, counts)
    )
    errors = [[0.0, *(level.error for level in m.levels)] for m in meshes]
    return Levels(first, count, torch.tensor([own + [math.inf] * (most + 1 - len(own)) for own in errors]))


def _upright(meshes: Sequence[Mesh]) -> torch.Tensor | None:
    """Returns `Bank.upright`."""
    if all(mesh.up == "z" for mesh in meshes):
        return None
    return torch.stack([raised(torch.eye(3), mesh.up) for mesh in meshes])


def _resting(meshes: Sequence[Mesh], up: Up) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns `Bank.resting` and `Bank.resting_share`."""
    stands = [raised(torch.eye(3, dtype=torch.float64), mesh.up if up == "auto" else up).numpy() for mesh in meshes]
    found = [resting_poses(m.hull.astype(np.float64), stand) for m, stand in zip(meshes, stands, strict=True)]
    most = max(len(shares) for _, shares in found)
    poses = [np.concatenate([r, np.repeat(r[-1:], most - len(r), axis=0)]) for r, _ in found]
    # The cumulative sum ends at exactly 1, whatever the rounding.
    below = [np.pad(np.cumsum(shares)[:-1], (0, most - len(shares) + 1), constant_values=1.0) for _, shares in found]
    return torch.from_numpy(np.stack(poses)).float(), torch.from_numpy(np.stack(below)).float()


def _check_counts(**counts: int) -> None:
    for what, count in counts.items():
        if count > MOST_ROWS:
            raise AssetError(
                f"the assets must have at most {MOST_ROWS} {what} together, got {count}. "
                f"Load fewer files, or lower assets.max_texture_size or background.max_photos."
            )


def _starts(counts: Sequence[int]) -> list[int]:
    return [0, *np.cumsum(counts)[:-1].tolist()]


def _padded(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Stacks arrays of different lengths, padding the shorter ones with their first row."""
    length = max(len(a) for a in arrays)
    return np.stack([np.concatenate([a, np.repeat(a[:1], length - len(a), axis=0)]) for a in arrays])
