"""Curved lanes: from coordinates along and across a lane to the ground."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def bent(
    along: Float[Tensor, "batch some"], across: Float[Tensor, "batch some"], curvature: Float[Tensor, "batch 1"]
) -> tuple[Float[Tensor, "batch some"], Float[Tensor, "batch some"], Float[Tensor, "batch some"]]:
    """Returns x and y in metres and the clockwise turn in degrees of places on parallel circular arcs.

    The arcs cross the x axis along +y and bend towards +x.

    Args:
        along: Arc length from the x axis, measured on the arc through the origin, metres.
        across: Distance to the right of that arc, metres.
        curvature: 1 / radius of that arc, per metre; 0 is straight.
    """
    turn = along * curvature
    # (1 - cos t) / curvature and sin t / curvature, finite at curvature 0. torch.sinc(x) is sin(pi x) / (pi x).
    outwards = along * torch.sin(turn / 2) * torch.sinc(turn / (2 * torch.pi))
    forward = along * torch.sinc(turn / torch.pi)
    x = across * torch.cos(turn) + outwards
    y = forward - across * torch.sin(turn)
    return x, y, torch.rad2deg(turn)
