"""Three depth layers in front of the camera: occluders, objects, and a wall of clutter that fills the image."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.laws import middle
from ondr.sampling.camera import to_world
from ondr.sampling.layouts.flying import depths, flying, image_of
from ondr.sampling.layouts.image import behind
from ondr.sampling.layouts.things import Placement, Things
from ondr.scene import Camera

RADIUS = 0.87
"""Distance from a cube's centre to its corners, in sides: no thing extends further from its centre."""
LEAST_FRONT = 0.25
"""Least depth of a clutter piece's front as a share of its centre's, so that the wall is at most four times as far away
as the objects."""


def clutter(things: Things) -> Placement:
    """Places objects as the layout flying does, and clutter on a jittered grid behind them.

    Source: Hinterstoisser et al. 2019, "An annotation saved is an annotation earned", section 3.
    """
    free = flying(things)
    wall = things.groups["clutter"]
    share = things.draws["clutter.scale"] * middle(things.cfg.objects.screen_size)
    focal = free.camera.intrinsics[:, 0, 0].abs()
    per_depth = share * (min(things.image_size) / focal)[:, None]
    depth = farthest(things, free.camera) / (1 - RADIUS * per_depth).clamp_min(LEAST_FRONT)
    position = torch.cat(
        [
            free.position[:, : wall.start],
            to_world(free.camera, behind(free.camera, grid(things) * image_of(things), depth.expand_as(share))),
            free.position[:, wall.stop :],
        ],
        dim=1,
    )
    sizes = torch.ones_like(things.size)
    sizes[:, wall] = per_depth * depth
    return replace(free, position=position, enlarged=sizes[..., None].expand(-1, -1, 3))


def farthest(things: Things, camera: Camera) -> Float[Tensor, "batch 1"]:
    """Returns the depth beyond which nothing flies, metres along the optical axis."""
    depth = depths(things, camera)
    number = depth.shape[1]
    reach = (depth + RADIUS * things.size[:, :number]) * things.present[:, :number]
    # The padding stands for an image in which nothing flies.
    return torch.nn.functional.pad(reach, (0, 1), value=things.unit).amax(dim=1, keepdim=True)


def grid(things: Things) -> Float[Tensor, "batch clutter 2"]:
    """Returns the places of clutter in the image, one per cell of a grid, as shares of its width and height."""
    height, width = things.image_size
    jitter_x, jitter_y = things.draws["clutter.jitter.x"], things.draws["clutter.jitter.y"]
    count = things.draws["clutter.count"][:, None].clamp_min(1).to(jitter_x.dtype)
    columns = (count * (width / height)).sqrt().round().clamp_min(1)
    rows = (count / columns).ceil()
    number = torch.arange(jitter_x.shape[1], device=count.device, dtype=count.dtype)
    row = (number / columns).floor()
    column = number - row * columns
    # A last row with fewer pieces is spread over the whole width.
    in_row = torch.minimum(columns, count - row * columns).clamp_min(1)
    return torch.stack([(column + 0.5 + jitter_x) / in_row, (row + 0.5 + jitter_y) / rows], dim=-1)
