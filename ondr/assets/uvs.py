"""Texture coordinates for triangles without any: box projection along each triangle's dominant axis."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

AXES = np.eye(3)
UPWARDS = AXES[[2, 2, 1]]
"""The texture's up direction on faces along x, y and z."""


def project_uvs(
    corners: Float64[np.ndarray, "triangle 3 3"], normals: Float64[np.ndarray, "triangle 3"]
) -> Float64[np.ndarray, "triangle 3 2"]:
    """Projects each triangle along its dominant axis, such that textures are not mirrored seen from outside.

    Args:
        corners: Positions; a texture repeats once over the longest side of their bounding box.
        normals: Unit normals of the triangles.

    Returns:
        u to the right, v down.
    """
    low = corners.min(axis=(0, 1))
    scaled = (corners - low) / (corners.max(axis=(0, 1)) - low).max()
    axis = np.abs(normals).argmax(axis=1)
    facing = np.sign(normals[np.arange(len(axis)), axis])[:, None] * AXES[axis]
    up = UPWARDS[axis]
    right = np.cross(up, facing)
    return np.stack([np.einsum("fkc,fc->fk", scaled, right), -np.einsum("fkc,fc->fk", scaled, up)], axis=-1)
