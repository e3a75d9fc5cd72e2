"""Keypoints of meshes: those that the user names, class by class, or points that lie far apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Float64

from ondr.assets.meshes import Mesh
from ondr.assets.sidecar import Sidecar


def farthest_points(points: Float[np.ndarray, "vertex 3"], number: int) -> Float64[np.ndarray, "point 3"]:
    """Returns points far apart: always the one that is farthest from the origin and from all before.

    Args:
        points: To choose from, about the origin. On a tie the first one is taken.
        number: How many; fewer if there are not as many distinct ones.

    Source: Peng et al. 2019, "PVNet: pixel-wise voting network for 6DoF pose estimation", section 3.1, where the
        object's centre, here the origin, is a keypoint as well.
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
    meshes: Sequence[Mesh], said: Sequence[Sidecar], labels: Sequence[int], number: int
) -> tuple[tuple[tuple[str, ...], ...], Float64[np.ndarray, "mesh keypoint 3"], Bool[np.ndarray, "mesh keypoint"]]:
    """Returns the names of each class's keypoints, where each mesh has them, and which of them it has.

    The names of a class are all those that one of its files names, in order of appearance. A class without any has
    `farthest_points` of each mesh instead, named 0, 1, ...

    Args:
        meshes: The files' meshes.
        said: Of each.
        labels: Class of each.
        number: Of points for a class without names.

    Returns:
        Names by class; places in the bank's coordinates, 0 for one that a mesh does not have; which it has.
    """
    found = [
        {name: at - mesh.center for name, at in note.keypoints.items()} for mesh, note in zip(meshes, said, strict=True)
    ]
    classes = range(max(labels, default=-1) + 1)
    named = {label for label, points in zip(labels, found, strict=True) if points}
    for i, label in enumerate(labels):
        if label not in named:
            found[i] = {str(k): p for k, p in enumerate(farthest_points(meshes[i].vertices[:, :3], number))}
    names = tuple(
        tuple(dict.fromkeys(name for label, points in zip(labels, found, strict=True) if label == c for name in points))
        for c in classes
    )
    width = max(map(len, names), default=0)
    places, has = np.zeros((len(meshes), width, 3)), np.zeros((len(meshes), width), bool)
    for i, (label, points) in enumerate(zip(labels, found, strict=True)):
        for name, point in points.items():
            column = names[label].index(name)
            places[i, column], has[i, column] = point, True
    return names, places, has
