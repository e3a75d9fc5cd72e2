"""A network that says how an object in a crop is turned and where it is.

Turning is learned as a choice between 60 evenly spread rotations, each with its own correction: a screw whose head is
hidden can lie either way round, and the mean of two rotations is neither. Each class has outputs of its own.

Sources: Kehl et al. 2017, "SSD-6D" (rotations as classes); Kundu et al. 2018, "3D-RCNN" (rotation as seen along the
ray, not along the optical axis).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from networks import stages
from pose_crops import CROP_PIXELS, Crops
from scipy.spatial.transform import Rotation
from torch import Tensor, nn
from torch.nn import functional as F

WIDTHS = (32, 64, 128, 128)
HIDDEN = 256
LAST = 128
"""Numbers from which all outputs are made."""
ANCHORS = 60
"""Rotations of an icosahedron: no rotation is further than 45 degrees from all of them."""
TURN, PLACE = 4, 3
"""Numbers said of each anchor, and of the position."""
GENTLE = 0.1
"""Share of the gradient of the place that reaches the encoder."""
VIEW = 7
"""Numbers of `Crops.view`."""


@dataclass
class Guesses:
    """What the network says of n objects."""

    rotations: Tensor
    """`camera_from_object`, one near each anchor, `[n, anchor, 3, 3]`."""
    scores: Tensor
    """Logits, `[n, anchor]`."""
    translations: Tensor
    """Of the middles of the objects' boxes, metres, `[n, 3]`."""
    anchors: Tensor
    """As seen along the ray, `[anchor, 3, 3]`."""

    def best(self) -> tuple[Tensor, Tensor]:
        """Returns the rotation that scores best, `[n, 3, 3]`, and the translation, `[n, 3]`."""
        return self.rotations[torch.arange(len(self.scores)), self.scores.argmax(1)], self.translations


class PoseNetwork(nn.Module):
    """Sees crops, with their classes and cameras."""

    typical_size: Tensor
    anchors: Tensor

    def __init__(self, classes: int, typical_size: float, widths: Sequence[int] = WIDTHS) -> None:
        """Builds an untrained network.

        Args:
            classes: How many there are.
            typical_size: Metres that a crop's side shows at the object's depth.
            widths: Channels of the stages.
        """
        super().__init__()
        # Not averaged over the picture: where something is seen says how the object is turned.
        features = widths[-1] * (CROP_PIXELS >> len(widths)) ** 2
        # Normalised over the batch: else what all crops have in common outgrows what tells them apart, within some
        # hundred steps, and what is learned comes from the boxes alone.
        squeeze = (nn.Linear(features, HIDDEN), nn.BatchNorm1d(HIDDEN), nn.GELU())
        self.encoder = nn.Sequential(*stages(widths), nn.Flatten(), *squeeze)
        known = HIDDEN + VIEW + classes
        self.turned = nn.Sequential(nn.Linear(known, LAST), nn.GELU(), nn.Linear(LAST, classes * TURN * ANCHORS))
        # Deeper: at which of a camera's mounts a box of this size may be seen is no smooth function.
        self.placed = nn.Sequential(
            nn.Linear(known, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, LAST), nn.GELU(), nn.Linear(LAST, classes * PLACE)
        )
        self.classes = classes
        self.register_buffer("typical_size", torch.tensor(typical_size))
        group = torch.tensor(Rotation.create_group("I").as_matrix(), dtype=torch.float32)
        self.register_buffer("anchors", group)

    def forward(self, crops: Crops) -> Guesses:
        """Returns what it says of each object."""
        view, seen = crops.view(), self.encoder(crops.images)
        # Depth is wanted to a thousandth, which bfloat16 does not hold.
        with torch.autocast(seen.device.type, enabled=False):
            label = F.one_hot(crops.labels, self.classes).to(view.dtype)
            known = torch.cat([view, label], dim=1)
            turned = self.turned(torch.cat([seen.float(), known], dim=1))
            # Boxes and classes say nearly all about the place, and its loss is steep: let through in full, it would
            # teach the encoder to look away, since what does not depend on the picture disturbs the place least.
            gentle = GENTLE * seen.float() + (1 - GENTLE) * seen.float().detach()
            placed = self.placed(torch.cat([gentle, known], dim=1))
            which = torch.arange(len(crops)), crops.labels
            of_class = (said.unflatten(1, (self.classes, -1))[which] for said in (turned, placed))
            return self._read(*of_class, crops)

    def _read(self, turned: Tensor, place: Tensor, crops: Crops) -> Guesses:
        k, (u, v, side) = crops.intrinsics, crops.squares.unbind(1)
        turned = turned.unflatten(1, (ANCHORS, TURN))
        x = (u + place[:, 0] * side - k[:, 0, 2]) / k[:, 0, 0]
        y = (v + place[:, 1] * side - k[:, 1, 2]) / k[:, 1, 1]
        ray = torch.stack([x, y, torch.ones_like(x)], dim=1)
        # What looks twice as large is half as far away, whatever else is to be learned about depth.
        depth = (self.typical_size * k[:, 0, 0] / side * place[:, 2].clamp(-3, 3).exp())[:, None]
        rotations = towards(ray)[:, None] @ turn(turned[..., 1:]) @ self.anchors
        return Guesses(rotations, turned[..., 0], depth * ray, self.anchors)


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
