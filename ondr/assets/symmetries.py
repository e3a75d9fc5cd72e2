"""Symmetries of a mesh as a list of rigid transforms."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from ondr.assets.sidecar import Sidecar, Turning


def symmetry_transforms(sidecar: Sidecar, steps: int) -> Float64[np.ndarray, "symmetry 4 4"]:
    """Returns the rigid transforms of the file's coordinates under which a mesh looks the same, the identity first.

    Every discrete symmetry is followed by every turn about every continuous axis.

    Args:
        sidecar: The mesh's.
        steps: Number of steps into which a full turn about a continuous axis is divided.

    Source: Hodan et al. 2020, "BOP challenge 2020 on 6D object localization", section 2.2; `models_info.json`.
    """
    discrete = np.concatenate([np.eye(4)[None], sidecar.matrices])
    turns = np.concatenate([np.eye(4)[None], *(_turns(axis, steps)[1:] for axis in sidecar.symmetries_continuous)])
    every = np.einsum("tij,djk->dtik", turns, discrete).reshape(-1, 4, 4)
    # The file may name the identity, or a turn of its own axis.
    _, first = np.unique(every.round(6) + 0.0, axis=0, return_index=True)
    return every[np.sort(first)]


def _turns(about: Turning, steps: int) -> Float64[np.ndarray, "step 4 4"]:
    """Returns rotations about an axis, the identity first. Source: Rodrigues' rotation formula."""
    axis = np.array(about.axis) / np.linalg.norm(about.axis)
    x, y, z = axis
    across = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = (np.arange(steps) * (2 * np.pi / steps))[:, None, None]
    turns = np.tile(np.eye(4), (steps, 1, 1))
    turns[:, :3, :3] += np.sin(angle) * across + (1 - np.cos(angle)) * across @ across
    turns[:, :3, 3] = about.offset - turns[:, :3, :3] @ about.offset
    return turns
