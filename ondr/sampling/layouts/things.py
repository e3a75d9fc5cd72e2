"""What a layout is given and what it returns: a layout is one function from draws to poses and cameras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from jaxtyping import Bool, Float, Int32
from torch import Tensor

from ondr.draws import Draws
from ondr.geometry import product
from ondr.sampling.active import Active
from ondr.scene import Camera


@dataclass(frozen=True)
class Things:
    """Everything of a batch that is to be placed, turned and scaled as it will be."""

    draws: Draws
    groups: Mapping[str, slice]
    """`cfg.groups`: which slots are objects, distractors, and so on."""
    size: Float[Tensor, "batch slot"]
    """Longest side in metres; of a surface, the side of its unit square, 1."""
    rotation: Float[Tensor, "batch slot 3 3"]
    """world_from_object."""
    scale: Float[Tensor, "batch slot 3"]
    """Metres per file unit."""
    extremes: Float[Tensor, "mesh support 3"]
    """`Bank.support`."""
    mesh: Int32[Tensor, "batch slot"]
    """Row of the bank's meshes; -1 for an empty slot."""
    unit: float
    """The objects' median size in metres, in which all else is measured."""
    image_size: tuple[int, int]
    """Height and width in pixels."""
    active: Active
    """What may differ from neutral."""

    @cached_property
    def present(self) -> Bool[Tensor, "batch slot"]:
        """False for an empty slot."""
        return self.mesh >= 0

    @cached_property
    def support(self) -> Float[Tensor, "batch slot support 3"]:
        """Extreme points around the centre of each bounding box, turned and scaled, metres."""
        points = self.extremes[self.mesh.clamp_min(0)] * self.scale[..., None, :]
        return product(points, self.rotation.mT)


@dataclass(frozen=True)
class Placement:
    """Where a layout puts things, and the camera that sees them."""

    camera: Camera
    position: Float[Tensor, "batch slot 3"]
    """Where the centre of each bounding box lies in the world, metres."""
    size: Float[Tensor, "batch slot"]
    """`Things.size`, or what the layout makes of it."""
    placed: Bool[Tensor, "batch slot"] | None = None
    """False for what found no room and is left out; None: all found room."""
