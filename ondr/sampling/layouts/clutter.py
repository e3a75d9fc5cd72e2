"""Three depth layers before the camera: a wall of things that fills the image, the objects, and what covers them."""

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
"""Of a cube's corners, in longest sides: no thing reaches further from its centre."""
LEAST_FRONT = 0.25
"""Bounds how much further away than the objects a wall of large things has to stand: four times."""


def clutter(things: Things) -> Placement:
    """Places objects as the layout flying does, and the clutter on a jittered grid behind them.

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
    """Returns the distance along the optical axis behind which nothing flies, metres."""
    depth = depths(things, camera)
    number = depth.shape[1]
    reach = (depth + RADIUS * things.size[:, :number]) * things.present[:, :number]
    # The last column stands for an image in which nothing flies.
    return torch.nn.functional.pad(reach, (0, 1), value=things.unit).amax(dim=1, keepdim=True)


def grid(things: Things) -> Float[Tensor, "batch clutter 2"]:
    """Returns where each piece of clutter appears, shares of the image's sides: one in each cell of a grid."""
    height, width = things.image_size
    jitter_x, jitter_y = things.draws["clutter.jitter.x"], things.draws["clutter.jitter.y"]
    count = things.draws["clutter.count"][:, None].clamp_min(1).to(jitter_x.dtype)
    columns = (count * (width / height)).sqrt().round().clamp_min(1)
    rows = (count / columns).ceil()
    number = torch.arange(jitter_x.shape[1], device=count.device, dtype=count.dtype)
    row = (number / columns).floor()
    column = number - row * columns
    # The last row may hold fewer: they are spread over the whole width.
    in_row = torch.minimum(columns, count - row * columns).clamp_min(1)
    return torch.stack([(column + 0.5 + jitter_x) / in_row, (row + 0.5 + jitter_y) / rows], dim=-1)
