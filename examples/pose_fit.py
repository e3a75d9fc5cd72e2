"""What the size of a box says about depth, once it is known how the object in it is turned.

Source: Mousavian et al. 2017, "3D bounding box estimation using deep learning and geometry". Solved there, features of
a network here, since boxes of what is partly hidden are too small.
"""

from __future__ import annotations

import torch
from pose_crops import Crops
from torch import Tensor

FIT = 4
"""Numbers of `box_fit`."""
LARGEST = 3.0
"""Logarithm of the ratio of two sizes; further off says nothing."""
LEAST = 1e-4
"""Side of a box, in focal lengths, and of the points, likewise."""


def box_rays(crops: Crops) -> tuple[Tensor, Tensor]:
    """Returns rays through the middles of the boxes, `[n, 3]`, and the boxes' sides, `[n, 2]`, both at a depth of 1."""
    k = crops.intrinsics
    corners = crops.boxes.unflatten(1, (2, 2)) - k[:, None, :2, 2]
    low, high = (corners / torch.stack([k[:, 0, 0], k[:, 1, 1]], dim=1)[:, None]).unbind(1)
    middle = (low + high) / 2
    return torch.cat([middle, torch.ones_like(middle[:, :1])], dim=1), (high - low).clamp(min=LEAST)


def box_fit(points: Tensor, rotations: Tensor, depth: Tensor, crops: Crops) -> Tensor:
    """Compares boxes with those that the objects would have at a given depth.

    Args:
        points: Of each object, metres, around its middle, `[n, point, 3]`.
        rotations: `camera_from_object`, `[n, 3, 3]`.
        depth: Metres, for all of them.
        crops: With the boxes and cameras.

    Returns:
        How much wider and higher objects would be seen than they are, as logarithms of the ratios, which is how much
        further away they are; and how far the middle of their box would be from that of the object, right and down, in
        units of the longer side. `[n, 4]`.
    """
    ray, sides = box_rays(crops)
    at = points @ rotations.mT + (depth * ray)[:, None]
    across = at[..., :2] / at[..., 2:]
    low, high = across.amin(1), across.amax(1)
    would_be = (high - low).clamp(min=LEAST)
    farther = (would_be / sides).log().clamp(-LARGEST, LARGEST)
    beside = ((low + high) / 2 - ray[:, :2]) / would_be.amax(1, keepdim=True)
    return torch.cat([farther, beside], dim=1)
