"""Poses in which a mesh comes to rest on a plane, and how likely each of them is."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

MOST_POSES = 12
"""Kept of each mesh; what is left out is the rarest."""
MOST_CORNERS = 400
"""Of the hull whose faces are looked at. A scan's hull has thousands, and each of its faces is tiny: its extreme points
in so many evenly spread directions, 7 degrees apart, make larger ones of them."""

FLAT = 1e-4
"""A body thinner than this share of its length has no volume to speak of, and so no centre of mass."""


def resting_poses(
    hull: Float64[np.ndarray, "point 3"],
    upright: Float64[np.ndarray, "3 3"] | None = None,
) -> tuple[Float64[np.ndarray, "pose 3 3"], Float64[np.ndarray, "pose"]]:
    """Returns rotations that bring a mesh to rest on the plane z = const, the likeliest first, and their shares.

    A face of the convex hull is one to rest on if the centre of mass lies above it; its share is that of the directions
    in which a mesh that is dropped and rolls comes to lie on it. A flat mesh has its upright pose alone.

    Args:
        hull: Corners of the convex hull.
        upright: The rotation in which the mesh is upright; None: it is so in its own axes.

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
