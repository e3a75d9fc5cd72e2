"""Keypoints of meshes: those that the user names, per class, or points that are far apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Float64

from ondr.assets.meshes import Mesh
from ondr.assets.sidecar import Sidecar


def farthest_points(points: Float[np.ndarray, "vertex 3"], number: int) -> Float64[np.ndarray, "point 3"]:
    """Samples farthest points: each is the one farthest from the origin and from all before it.

    Args:
        points: Candidates, centred on the origin. The first one wins a tie.
        number: How many; fewer are returned if there are fewer distinct candidates.

    Source: Peng et al. 2019, "PVNet: pixel-wise voting network for 6DoF pose estimation", section 3.1, where the
        object's centre, here the origin, is the first keypoint.
    """
    points = np.asarray(points, np.float64)
    distance, chosen = np.square(points).sum(1), []
    for _ in range(number):
        farthest = int(distance.argmax())
        if distance[farthest] == 0:
            break
        chosen.append(farthest)
        distance = np.minimum(distance, np.square(points - points[farthest]).sum(1))
    return points[chosen]


def class_keypoints(
    meshes: Sequence[Mesh], sidecars: Sequence[Sidecar], labels: Sequence[int], number: int
) -> tuple[tuple[tuple[str, ...], ...], Float64[np.ndarray, "mesh keypoint 3"], Bool[np.ndarray, "mesh keypoint"]]:
    """Returns the keypoint names of each class, their positions on each mesh, and which of them each mesh has.

    The names of a class are those in any of its files, in order of appearance. A class without names has the
    `farthest_points` of each mesh instead, named 0, 1, ...

    Args:
        meshes: The files' meshes.
        sidecars: The sidecar of each.
        labels: The class of each.
        number: Number of points for a class without names.

    Returns:
        Names by class; positions in bank coordinates, 0 for a keypoint that a mesh lacks; whether each mesh has each.
    """
    found = _places(meshes, sidecars, labels, number)
    names = [dict[str, None]() for _ in range(max(labels, default=-1) + 1)]
    for label, points in zip(labels, found, strict=True):
        names[label] |= dict.fromkeys(points)
    shape = len(meshes), max(map(len, names), default=0)
    places, has = np.zeros((*shape, 3)), np.zeros(shape, bool)
    for row, (label, points) in enumerate(zip(labels, found, strict=True)):
        for column, name in enumerate(names[label]):
            if name in points:
                places[row, column], has[row, column] = points[name], True
    return tuple(map(tuple, names)), places, has


def _places(
    meshes: Sequence[Mesh], sidecars: Sequence[Sidecar], labels: Sequence[int], number: int
) -> list[dict[str, Float64[np.ndarray, "3"]]]:
    """Returns the keypoints of each mesh by name, in bank coordinates."""
    named = {label for label, sidecar in zip(labels, sidecars, strict=True) if sidecar.keypoints}
    found = []
    for mesh, sidecar, label in zip(meshes, sidecars, labels, strict=True):
        if label in named:
            found.append({name: at - mesh.center for name, at in sidecar.keypoints.items()})
        else:
            found.append({str(k): p for k, p in enumerate(farthest_points(mesh.vertices[:, :3], number))})
    return found
