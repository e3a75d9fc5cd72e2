"""A layout's input, `Things`, and its result, `Placement`: a layout is one function from draws to poses and cameras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from jaxtyping import Bool, Float, Int32
from torch import Tensor

from ondr.config import Config
from ondr.draws import Draws
from ondr.geometry import product
from ondr.sampling.active import Active
from ondr.scene import Camera


@dataclass(frozen=True)
class Things:
    """All things of a batch, turned and scaled, to be placed."""

    draws: Draws
    active: Active
    """Which quantities may differ from neutral."""
    cfg: Config
    mesh: Int32[Tensor, "batch slot"]
    """Row of the bank's meshes; -1 for an empty slot."""
    size: Float[Tensor, "batch slot"]
    """Longest side in metres; 1 where the layout decides, and for floor, table and room."""
    scale: Float[Tensor, "batch slot 3"]
    """Metres per file unit."""
    rotation: Float[Tensor, "batch slot 3 3"]
    """world_from_object."""
    extremes: Float[Tensor, "mesh support 3"]
    """`Bank.support`."""
    unit: float
    """The objects' median size in metres, the unit of lengths for the layouts in front of a camera."""

    @property
    def groups(self) -> Mapping[str, slice]:
        """The slots of objects, distractors, and so on."""
        return self.cfg.groups

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.cfg.image_size

    @cached_property
    def present(self) -> Bool[Tensor, "batch slot"]:
        """False for an empty slot."""
        return self.mesh >= 0

    @cached_property
    def span(self) -> Float[Tensor, "batch"]:
        """The unit of lengths on the ground, metres: the objects' median size, or half of the image's largest object if
        that is more, so that a chair fits on the table and the camera is never inside it.
        """
        objects = self.groups["objects"]
        largest = (self.size * self.present)[:, objects]
        return torch.nn.functional.pad(largest / 2, (0, 1), value=self.unit).amax(dim=1)

    @cached_property
    def support(self) -> Float[Tensor, "batch slot support 3"]:
        """Extreme points relative to the centre of each bounding box, turned and scaled, metres."""
        points = self.extremes[self.mesh.clamp_min(0)] * self.scale[..., None, :]
        return product(points, self.rotation.mT)

    def every(self, name: str, groups: tuple[str, ...]) -> Float[Tensor, "batch some"]:
        """Returns a quantity of some groups, in the order of their slots."""
        return torch.cat([self.draws[f"{group}.{name}"] for group in groups], dim=1)

    def turned(self, rotation: Float[Tensor, "batch slot 3 3"]) -> Things:
        """Returns the things with another rotation; themselves, with what is cached, if it is the same."""
        return self if rotation is self.rotation else replace(self, rotation=rotation)

    def zeros(self, slots: int) -> Float[Tensor, "batch slots 3"]:
        """Returns zero positions for slots that are placed later."""
        return self.size.new_zeros(len(self.size), slots, 3)


@dataclass(frozen=True)
class Boards:
    """Boards under things in the layout structured, metres."""

    across: Float[Tensor, "batch 1"]
    """Half of their length along x."""
    along: Float[Tensor, "batch 1"]
    """Half of their length along y."""
    rise: Float[Tensor, "batch 1"]
    """Height from one board to the next; 0 if there is only one."""
    free: Float[Tensor, "batch 1"]
    """Largest thickness."""
    number: Float[Tensor, "batch 1"]
    """Number of boards; the top of the first is z = 0."""


@dataclass(frozen=True)
class Placement:
    """Where things are, and the camera that sees them."""

    camera: Camera
    position: Float[Tensor, "batch slot 3"]
    """Centres of bounding boxes in the world, metres."""
    rotation: Float[Tensor, "batch slot 3 3"]
    """world_from_object."""
    placed: Bool[Tensor, "batch slot"]
    """False for what found no free place and is left out."""
    enlarged: Float[Tensor, "batch slot 3"]
    """Factors on `Things.scale`."""
    span: Float[Tensor, "batch"]
    """The unit of lengths on the ground, metres."""
    boards: Boards | None = None
    """Boards in place of the table; None: a table of the drawn size."""

    @classmethod
    def of(cls, things: Things, camera: Camera, position: Float[Tensor, "batch slot 3"]) -> Placement:
        """Returns things at some positions: all of them, turned and sized as they are, `Things.unit` as the span."""
        return cls(
            camera,
            position,
            rotation=things.rotation,
            placed=torch.ones_like(things.present),
            enlarged=torch.ones_like(things.scale),
            span=things.size.new_full((len(things.size),), things.unit),
        )
