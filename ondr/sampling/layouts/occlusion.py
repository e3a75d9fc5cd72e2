"""How much of the objects' boxes other things cover, and keeping it below `objects.max_occlusion`.

Everything counts as its bounding square in the image, so no object is hidden beyond the limit, and some less than they
might be.
"""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True)
class Squares:
    """Bounding squares of things in an image."""

    center: Float[Tensor, "batch some 2"]
    """Pixels."""
    side: Float[Tensor, "batch some"]
    """Pixels."""
    depth: Float[Tensor, "batch some"]
    """Metres along the optical axis."""


@dataclass(frozen=True)
class Objects:
    """The objects of interest, and how much of them may be covered."""

    squares: Squares
    present: Bool[Tensor, "batch object"]
    limit: float

    def covered_by(self, things: Squares) -> Float[Tensor, "batch some object"]:
        """Returns the share of each object's square that each thing covers."""
        apart = things.center[:, :, None] - self.squares.center[:, None]
        area = overlap(apart, things.side[:, :, None], self.squares.side[:, None])
        before = (things.depth[:, :, None] < self.squares.depth[:, None]) & self.present[:, None]
        return area / self.squares.side[:, None].square().clamp_min(1e-12) * before

    def too_much(
        self, tried: Squares, placed: Squares, kept: Bool[Tensor, "batch before"]
    ) -> Bool[Tensor, "batch try"]:
        """Returns which places of a thing would leave too little of an object.

        Args:
            tried: The thing at each place.
            placed: What was placed before and may cover objects as well.
            kept: Which of that found a place.
        """
        so_far = (self.covered_by(placed) * kept[..., None]).sum(1, keepdim=True)
        more = self.covered_by(tried)
        return ((so_far + more > self.limit) & (more > 0)).any(dim=2)


def overlap(apart: Float[Tensor, "*shape 2"], side: Tensor, other: Tensor) -> Float[Tensor, "*shape"]:
    """Returns the area that two squares have in common whose centres are apart by a vector."""
    smaller = side.minimum(other)[..., None]
    common = ((side + other)[..., None] / 2 - apart.abs()).clamp_min(0)
    return common.minimum(smaller).prod(dim=-1)
