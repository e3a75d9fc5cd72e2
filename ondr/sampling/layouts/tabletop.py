"""Things stand side by side on a table or the ground, seen by a camera from around and above."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from ondr.draws import vector
from ondr.sampling.layouts.ground import Ground, camera_around, height_of_centers, spread_out
from ondr.sampling.layouts.things import Placement, Things


def tabletop(things: Things) -> Placement:
    """Places objects, distractors and context on a table around the world's origin."""
    camera = camera_around(things, things.span)
    ground = Ground(things, camera, height_of_centers(things), things.cfg.objects.max_occlusion)
    return ground.placement(*spread_out(ground, half_extent(things, things.span)), things.span)


def half_extent(things: Things, span: Float[Tensor, "batch"]) -> Float[Tensor, "batch 2"]:
    """Returns half of the table's sides along x and y, metres; they bound the things even without a table."""
    sides = vector(things.draws, "table", ("width", "depth"))
    return sides * span[:, None] / 2
