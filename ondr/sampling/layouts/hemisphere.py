"""One subject in the middle of the ground, the camera anywhere above the horizon, other things around it."""

from __future__ import annotations

import torch

from ondr.sampling.layouts.ground import spread_out
from ondr.sampling.layouts.tabletop import camera_around, half_extent, on_ground
from ondr.sampling.layouts.things import Placement, Things


def hemisphere(things: Things) -> Placement:
    """Stands the first object at the world's origin, and all others around it.

    Source: Valtchev and Wu 2021, "Domain randomization for neural network classification".
    """
    camera, half = camera_around(things), half_extent(things)
    return on_ground(things, camera, *spread_out(things, camera, half, first=torch.zeros_like(half)))
