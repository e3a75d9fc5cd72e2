"""Label noise: boxes that are off as hand-drawn ones are."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.draws import Draws
from ondr.sampling.active import Active

SIDES = tuple(f"labels.box_jitter.{side}" for side in ("x1", "y1", "x2", "y2"))


def sample_box_jitter(draws: Draws, active: Active) -> Float[Tensor, "batch object 4"] | None:
    """Returns the offset of each side of the objects' boxes, as shares of width and height; None if it is always 0."""
    return torch.stack([draws[name] for name in SIDES], dim=-1) if active.any(SIDES) else None
