"""One subject in the middle of the ground, other things around it, the camera anywhere above the horizon."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.sampling.layouts.ground import Ground, camera_around, height_of_centers, spread_out, standing
from ondr.sampling.layouts.tabletop import half_extent
from ondr.sampling.layouts.things import Placement, Things

NEVER_WHOLE = 0.75
"""Largest share of the subject's box that others may cover, even if `objects.max_occlusion` allows more."""


def hemisphere(things: Things) -> Placement:
    """Places the first object, the subject, at the world's origin and all others around it.

    The subject's size replaces the objects' median size as the unit of lengths in its image, so that the camera's
    distance fixes its size in the image, and the sizes of distractors and context are relative to it.

    Source: Valtchev and Wu 2021, "Domain randomization for neural network classification".
    """
    span = subject_size(things)
    factor = around(things, span)
    things = replace(things, size=things.size * factor, scale=things.scale * factor[..., None])
    limit = min(things.cfg.objects.max_occlusion, NEVER_WHOLE)
    ground = Ground(things, camera_around(things, span), height_of_centers(things), limit)
    placement = ground.placement(*spread_out(ground, half_extent(things, span), held=1), span)
    return replace(placement, enlarged=factor[..., None].expand(-1, -1, 3))


def subject_size(things: Things) -> Float[Tensor, "batch"]:
    """Returns the longest side of the first object, metres; the objects' median size if there is none."""
    first = slice(0, min(1, things.groups["objects"].stop))
    size = torch.where(things.present, things.size, things.unit)[:, first]
    return torch.nn.functional.pad(size, (0, 1 - first.stop), value=things.unit)[:, 0]


def around(things: Things, span: Float[Tensor, "batch"]) -> Float[Tensor, "batch slot"]:
    """Returns factors on the sizes of distractors and context; 1 for all other things."""
    factor = (span / things.unit)[:, None].expand_as(things.size)
    slot = torch.arange(things.size.shape[1], device=span.device)
    others = (slot >= things.groups["objects"].stop) & (slot < standing(things))
    return torch.where(others, factor, 1.0)
