"""A network that says how an object in a crop is turned and where it is.

Turning is learned as a choice between 60 evenly spread rotations, each with its own correction: a screw whose head is
hidden can lie either way round, and the mean of two rotations is neither. Depth is learned likewise, as a choice
between depths at which objects are often seen: on the table, on another one, at the one or the other mount of the
camera. What the box would be at one of them, turned as it is thought to be, is seen before. Each class has outputs of
its own.

Sources: Kehl et al. 2017, "SSD-6D" (rotations as classes); Kundu et al. 2018, "3D-RCNN" (rotation as seen along the
ray, not along the optical axis); Bhat et al. 2021, "AdaBins" (depths where they are frequent).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from networks import stages
from pose_crops import CROP_PIXELS, Crops
from pose_fit import FIT, box_fit, box_rays
from scipy.spatial.transform import Rotation
from torch import Tensor, nn
from torch.nn import functional as F

WIDTHS = (32, 64, 128, 128)
HIDDEN = 256
LAST = 128
"""Numbers from which all outputs are made."""
ANCHORS = 60
"""Rotations of an icosahedron: no rotation is further than 45 degrees from all of them."""
DEPTHS = 32
"""Among which one is chosen."""
TURN, ACROSS, ALONG = 4, 2, 2
"""Numbers said of each rotation, of where the object's middle is in the square, and of each depth."""
GENTLE = 0.1
"""Share of the gradient of the place that reaches the encoder."""
LEAST_STEP = 1e-3
"""Between depths, as their ratio."""
FARTHEST = 3.0
"""Correction of a depth, in steps to its neighbour."""
VIEW = 7
"""Numbers of `Crops.view`."""


@dataclass
class Guesses:
    """What the network says of n objects."""

    rotations: Tensor
    """`camera_from_object`, one near each anchor, `[n, anchor, 3, 3]`."""
    rotation_scores: Tensor
    """Logits, `[n, anchor]`."""
    anchors: Tensor
    """Rotations as seen along the ray, `[anchor, 3, 3]`."""
    rays: Tensor
    """Towards the middles of the objects' boxes, up to a depth of 1, `[n, 3]`."""
    depths: Tensor
    """Of these middles, metres, one near each of the frequent depths, `[n, depth]`."""
    depth_scores: Tensor
    """Logits, `[n, depth]`."""
    frequent: Tensor
    """Depths, metres, rising, `[depth]`."""

    def best(self) -> tuple[Tensor, Tensor]:
        """Returns the rotation that scores best, `[n, 3, 3]`, and the translation that does, `[n, 3]`."""
        every = torch.arange(len(self.rays), device=self.rays.device)
        depth = self.depths[every, self.depth_scores.argmax(1)]
        return self.rotations[every, self.rotation_scores.argmax(1)], depth[:, None] * self.rays


class PoseNetwork(nn.Module):
    """Sees crops, with their classes and cameras."""

    points: Tensor
    frequent: Tensor
    anchors: Tensor

    def __init__(self, points: Tensor, depths: Tensor, widths: Sequence[int] = WIDTHS) -> None:
        """Builds an untrained network.

        Args:
            points: On an object of each class, metres, around the middle of its box, `[class, point, 3]`.
            depths: Of many objects, metres, in any order, `[n]`.
            widths: Channels of the stages.
        """
        super().__init__()
        # Not averaged over the picture: where something is seen says how the object is turned.
        features = widths[-1] * (CROP_PIXELS >> len(widths)) ** 2
        # Normalised over the batch: else what all crops have in common outgrows what tells them apart, within some
        # hundred steps, and what is learned comes from the boxes alone.
        squeeze = (nn.Linear(features, HIDDEN), nn.BatchNorm1d(HIDDEN), nn.GELU())
        self.encoder = nn.Sequential(*stages(widths), nn.Flatten(), *squeeze)
        self.classes = classes = len(points)
        known = HIDDEN + VIEW + classes
        self.turned = nn.Sequential(nn.Linear(known, LAST), nn.GELU(), nn.Linear(LAST, classes * TURN * ANCHORS))
        # Deeper: at which of a camera's mounts a box of this size may be seen is no smooth function.
        first = (nn.Linear(known + FIT, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, LAST), nn.GELU())
        self.placed = nn.Sequential(*first, nn.Linear(LAST, classes * (ACROSS + ALONG * DEPTHS)))
        self.register_buffer("points", points)
        self.register_buffer("frequent", depths.float().cpu().quantile((torch.arange(DEPTHS) + 0.5) / DEPTHS))
        group = torch.tensor(Rotation.create_group("I").as_matrix(), dtype=torch.float32)
        self.register_buffer("anchors", group)

    def forward(self, crops: Crops) -> Guesses:
        """Returns what it says of each object."""
        view, seen = crops.view(), self.encoder(crops.images)
        # Depth is wanted to a thousandth, which bfloat16 does not hold.
        with torch.autocast(seen.device.type, enabled=False):
            known = torch.cat([view, F.one_hot(crops.labels, self.classes).to(view.dtype)], dim=1)
            turned = self._of_class(self.turned(torch.cat([seen.float(), known], dim=1)), crops)
            turned = turned.unflatten(1, (ANCHORS, TURN))
            scores, along_ray = turned[..., 0], turn(turned[..., 1:]) @ self.anchors
            fit = self._fit(along_ray[torch.arange(len(crops)), scores.argmax(1)].detach(), crops)
            # Boxes and classes say nearly all about the place, and its loss is steep: let through in full, it would
            # teach the encoder to look away, since what does not depend on the picture disturbs the place least.
            gentle = GENTLE * seen.float() + (1 - GENTLE) * seen.float().detach()
            place = self._of_class(self.placed(torch.cat([gentle, known, fit], dim=1)), crops)
            rays, depths, depth_scores = self._place(place, crops)
            return Guesses(
                rotations=towards(rays)[:, None] @ along_ray,
                rotation_scores=scores,
                anchors=self.anchors,
                rays=rays,
                depths=depths,
                depth_scores=depth_scores,
                frequent=self.frequent,
            )

    def _of_class(self, said: Tensor, crops: Crops) -> Tensor:
        return said.unflatten(1, (self.classes, -1))[torch.arange(len(crops)), crops.labels]

    def _fit(self, along_ray: Tensor, crops: Crops) -> Tensor:
        rotations = towards(box_rays(crops)[0]) @ along_ray
        return box_fit(self.points[crops.labels], rotations, self.frequent.median(), crops)

    def _place(self, place: Tensor, crops: Crops) -> tuple[Tensor, Tensor, Tensor]:
        k, (u, v, side) = crops.intrinsics, crops.squares.unbind(1)
        (right, down), along = place[:, :ACROSS].unbind(1), place[:, ACROSS:].unflatten(1, (DEPTHS, ALONG))
        x, y = (u + right * side - k[:, 0, 2]) / k[:, 0, 0], (v + down * side - k[:, 1, 2]) / k[:, 1, 1]
        # Corrections in steps between neighbours, fine where depths crowd.
        steps = along[..., 1].clamp(-FARTHEST, FARTHEST) * depth_steps(self.frequent)
        return torch.stack([x, y, torch.ones_like(x)], dim=1), self.frequent * steps.exp(), along[..., 0]


def depth_steps(frequent: Tensor) -> Tensor:
    """Returns how far apart neighbours among rising depths are, as logarithms of their ratios, `[depth]`."""
    return torch.gradient(frequent.log())[0].clamp(min=LEAST_STEP)


def turn(v: Tensor) -> Tensor:
    """Returns rotations about the vectors v, by 2 arctan of their lengths, `[..., 3, 3]`. Source: Cayley."""
    x, y, z = v.unbind(-1)
    zero = torch.zeros_like(x)
    across = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).unflatten(-1, (3, 3))
    factor = 2 / (1 + v.square().sum(-1))[..., None, None]
    return torch.eye(3, device=v.device) + factor * (across + across @ across)


def towards(ray: Tensor) -> Tensor:
    """Returns rotations whose third column is the ray: of a camera that looks at the object."""
    z = F.normalize(ray, dim=1)
    x = F.normalize(torch.linalg.cross(torch.tensor([0.0, 1.0, 0.0], device=ray.device).expand_as(z), z), dim=1)
    return torch.stack([x, torch.linalg.cross(z, x), z], dim=2)
