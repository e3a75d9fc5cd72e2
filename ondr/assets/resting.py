"""Stable poses of a mesh on a plane and their probabilities."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

MOST_POSES = 12
"""Poses kept per mesh, the most probable ones."""
MOST_CORNERS = 400
"""Corners of the hull whose faces are considered, at most. A scan's hull has thousands, and tiny faces; its extreme
points in that many evenly spread directions, 7 degrees apart, give larger ones."""
FLAT = 1e-4
"""A body thinner than this share of its length has too little volume for a centre of mass."""


def resting_poses(
    hull: Float64[np.ndarray, "point 3"],
    upright: Float64[np.ndarray, "3 3"] | None = None,
) -> tuple[Float64[np.ndarray, "pose 3 3"], Float64[np.ndarray, "pose"]]:
    """Returns rotations that bring a mesh to rest on a plane z = const, the likeliest first, and their probabilities.

    A mesh can rest on a face of its convex hull if the centre of mass is above it; the probability is that of a dropped
    mesh rolling onto it from a random orientation. A flat mesh has its upright pose only.

    Args:
        hull: Corners of the convex hull.
        upright: Rotation that brings the mesh upright; None: the identity.

    Source: Goldberg et al. 1999, "Part pose statistics", as computed by trimesh.
    """
    import trimesh

    from ondr.assets.hulls import extreme_points

    points = np.unique(hull if len(hull) <= MOST_CORNERS else extreme_points(hull, MOST_CORNERS), axis=0)
    thickness = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    if thickness[-1] < FLAT * thickness[0]:
        return (np.eye(3) if upright is None else upright)[None], np.ones(1)
    body = trimesh.PointCloud(points).convex_hull
    transforms, shares = trimesh.poses.compute_stable_poses(body, n_samples=1)
    order = np.argsort(-shares, kind="stable")[:MOST_POSES]
    return transforms[order, :3, :3], shares[order] / shares[order].sum()
