"""On a table, or the ground: things stand beside each other, and the camera is around them."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from ondr.draws import vector
from ondr.sampling.layouts.ground import Ground, camera_around, height_of_centers, spread_out
from ondr.sampling.layouts.things import Placement, Things


def tabletop(things: Things) -> Placement:
    """Stands objects, distractors and context on a table around the world's origin."""
    camera = camera_around(things, things.span)
    ground = Ground(things, camera, height_of_centers(things), things.cfg.objects.max_occlusion)
    return ground.placement(*spread_out(ground, half_extent(things, things.span)), things.span)


def half_extent(things: Things, span: Float[Tensor, "batch"]) -> Float[Tensor, "batch 2"]:
    """Returns half of the table's sides along x and y, metres; things keep to them where there is no table as well."""
    sides = vector(things.draws, "table", ("width", "depth"))
    return sides * span[:, None] / 2
