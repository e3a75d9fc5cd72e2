"""Lanes that bend: from places along and across straight lanes to the ground."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def bent(
    along: Float[Tensor, "batch some"], across: Float[Tensor, "batch some"], curvature: Float[Tensor, "batch 1"]
) -> tuple[Float[Tensor, "batch some"], Float[Tensor, "batch some"], Float[Tensor, "batch some"]]:
    """Returns the places x and y in metres, and the clockwise turn in degrees, of what is on parallel circular arcs.

    The arcs run through the origin's x axis along +y, and bend towards +x.

    Args:
        along: Metres from there, on the arc through the origin.
        across: Metres to the right of that arc.
        curvature: One over that arc's radius, one per metre; 0 is straight.
    """
    turn = along * curvature
    # (1 - cos t) / curvature and sin t / curvature, which are finite where the curvature is 0. torch.sinc has pi in it.
    outwards = along * torch.sin(turn / 2) * torch.sinc(turn / (2 * torch.pi))
    forward = along * torch.sinc(turn / torch.pi)
    x = across * torch.cos(turn) + outwards
    y = forward - across * torch.sin(turn)
    return x, y, torch.rad2deg(turn)
