"""How far an estimated pose is from the true one: what is trained on, and what is reported.

Poses are of an object's points, which are given in metres around the middle of its box. All poses that look the same
count as true: the nearest one of them is what is learned from.

Sources: Hinterstoisser et al. 2012 (ADD); Xiang et al. 2018, "PoseCNN" (ADD-S, loss over points); Wang et al. 2019,
"Normalized object coordinate space" (the least over symmetries); Simonelli et al. 2019, "Disentangling monocular 3D
object detection" (one part of the pose at a time).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from pose_network import Guesses, depth_steps, towards
from torch import Tensor
from torch.nn import functional as F

CLOSE = 0.1
"""Of the diameter: what counts as right."""
SHARPNESS = 6.0
"""Of the choice between anchors, in the trace of the rotation between them: one 30 degrees away counts 14 times as
much as one 50 degrees away."""
CORRECTED = 4
"""Anchors, the nearest ones, whose corrections are learned from an object."""


@dataclass
class Truth:
    """Where n objects are."""

    rotations: Tensor
    """All that look the same, the same number for each object, `[n, symmetry, 3, 3]`; the first is as labelled."""
    translations: Tensor
    """Of the middle of the object's points, metres, `[n, 3]`."""
    points: Tensor
    """On the surface, metres, around the middle, `[n, point, 3]`."""
    diameters: Tensor
    """Metres, `[n]`."""
    symmetric: Tensor
    """Which objects look the same in more than one pose, `[n]`."""


def turned_by(estimated: Tensor, truth: Truth) -> Tensor:
    """Returns how far points are moved by the error of each guess at the rotation, as a share of the diameter.

    Args:
        estimated: Rotations, `[n, guess, 3, 3]`.
        truth: With all rotations that look the same, of which each guess is compared with the nearest.

    Returns:
        Errors, `[n, guess]`.
    """
    # The mean square of |R x - T x| over points is 2 (trace M - trace T^T R M), M being the mean of x x^T.
    moments = truth.points.mT @ truth.points / truth.points.shape[1]
    nearest = torch.einsum("nsij,ngij->ngs", truth.rotations, estimated.detach() @ moments[:, None]).argmax(2)
    targets = truth.rotations[torch.arange(len(nearest))[:, None], nearest]
    apart = truth.points[:, None] @ (estimated - targets).mT
    return apart.square().sum(-1).add(1e-12).sqrt().mean(2) / truth.diameters[:, None]


def nearness(anchors: Tensor, truth: Truth) -> Tensor:
    """Returns how much each anchor is to be chosen, `[n, anchor]`: positive, with the sum 1."""
    seen_along_ray = towards(truth.translations).mT[:, None] @ truth.rotations
    return (SHARPNESS * torch.einsum("nsij,aij->nsa", seen_along_ray, anchors).amax(1)).softmax(1)


def depth_nearness(frequent: Tensor, depths: Tensor) -> Tensor:
    """Returns how much each of the frequent depths is to be chosen for these, `[n, depth]`: with the sum 1."""
    apart = (depths[:, None] / frequent).log().abs() / depth_steps(frequent)
    return (-apart).softmax(1)


def pose_loss(guesses: Guesses, truth: Truth) -> Tensor:
    """Returns the mean loss: choice of the rotation and of the depth, their corrections, position across the ray."""
    near = nearness(guesses.anchors, truth)
    weights, nearest = near.topk(CORRECTED, dim=1)
    corrected = guesses.rotations[torch.arange(len(near))[:, None], nearest]
    turned = (turned_by(corrected, truth) * weights).sum(1) / weights.sum(1)
    true_depths = truth.translations[:, 2:]
    off = guesses.rays[:, :2] - truth.translations[:, :2] / true_depths
    across = off.square().sum(1).add(1e-12).sqrt() * true_depths[:, 0] / truth.diameters
    close = depth_nearness(guesses.frequent, true_depths[:, 0])
    weights, nearest = close.topk(CORRECTED, dim=1)
    apart = (guesses.depths.gather(1, nearest) - true_depths).abs() / truth.diameters[:, None]
    along = (apart / CLOSE).log1p().mul(weights).sum(1) / weights.sum(1)
    choices = F.cross_entropy(guesses.rotation_scores, near) + F.cross_entropy(guesses.depth_scores, close)
    # Turning is taught in parts of the diameter: in tenths of it, as place is, its gradient would drown the choice's.
    return choices + (turned + across / CLOSE / 2 + along / 2).mean()


def distances(rotations: Tensor, translations: Tensor, truth: Truth) -> Tensor:
    """Returns ADD, of symmetric objects ADD-S, as a share of the diameter, `[n]`.

    Args:
        rotations: Estimated, `[n, 3, 3]`.
        translations: Estimated, metres, `[n, 3]`.
        truth: What they are compared with.
    """
    seen = truth.points @ rotations.mT + translations[:, None]
    true = truth.points @ truth.rotations[:, 0].mT + truth.translations[:, None]
    apart = (true - seen).norm(dim=-1)
    nearest = torch.cdist(true, seen, compute_mode="donot_use_mm_for_euclid_dist").amin(2)
    return torch.where(truth.symmetric[:, None], nearest, apart).mean(1) / truth.diameters


def angles(rotations: Tensor, truth: Truth) -> Tensor:
    """Returns the angle to the nearest rotation that looks the same, degrees, `[n]`."""
    traces = torch.einsum("nsij,nij->ns", truth.rotations, rotations).amax(1)
    return ((traces - 1) / 2).clamp(-1, 1).acos().rad2deg()
