"""Intermediate results that fields of a batch share, each computed at most once, when a field needs it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch
from jaxtyping import Bool, Float, Float32, Int32
from torch import Tensor

from ondr import boxes
from ondr.assets.bank import Assets
from ondr.config import Config
from ondr.labels.points import Points, covered_pixels, points_at
from ondr.leaves import needs_grad
from ondr.raster.visibility import Visibility
from ondr.runtime.compiled import maybe_compiled, wants_compile
from ondr.scene import Instances, Scene

Found = TypeVar("Found")


def visible_fraction(
    pixels: Int32[Tensor, "batch object"], covered: Int32[Tensor, "batch object"]
) -> Float32[Tensor, "batch object"]:
    """Returns the visible pixels over the pixels that each object would cover alone; 0 for a hidden object.

    `covered` counts pixels inside the image only, so that an unoccluded object cut by the frame has 1.
    """
    return pixels / covered.clamp_min(1)


@dataclass(frozen=True)
class Facts:
    """A batch and what its labels are computed from. Objects are the first N slots."""

    scene: Scene
    assets: Assets
    placed: Instances
    """The instances of `scene`, in the camera frame."""
    seen: Visibility
    cfg: Config

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images."""
        height, width = self.seen.slot.shape[1:]
        return height, width

    @property
    def count(self) -> int:
        """N."""
        return self.scene.num_objects

    @property
    def compile(self) -> bool:
        """Whether functions for a GPU are compiled; the CPU's always are."""
        return wants_compile(self.cfg.render.compile, self.seen.slot.device)

    def box_function(self, function: Callable[..., Found]) -> Callable[..., Found]:
        """Returns what suits the batch's device: a function of `boxes`, perhaps compiled, or its twin for the CPU."""
        if self.seen.slot.device.type != "cpu":
            return maybe_compiled(function, self.compile and not needs_grad(self.placed, self.scene.camera))
        from ondr import boxes_numba

        twin: Callable[..., Found] = getattr(boxes_numba, function.__name__)
        return twin

    @property
    def mesh(self) -> Int32[Tensor, "batch object"]:
        """Row of the bank's meshes; -1 for an empty slot."""
        return self.scene.poses.mesh[:, : self.count]

    @property
    def file(self) -> Int32[Tensor, "batch object"]:
        """Index into `Assets.mesh_files`. Bent meshes have rows of their own in the bank, several per file."""
        bends, bent = len(self.cfg.objects.bends_degrees), self.assets.bent
        return self.mesh if not bends else torch.where(self.mesh < 0, -1, (self.mesh - bent.start) // bends)

    @property
    def camera_from_bank(self) -> Float[Tensor, "batch object 3 4"]:
        """From each object's bank coordinates to the camera frame, metres."""
        return self.placed.camera_from_bank[:, : self.count]

    @functools.cached_property
    def extents(self) -> boxes.Extents:
        """Pixels and box of each object's visible part."""
        return self.box_function(boxes.visible_extents)(self.seen.slot, self.count)

    @functools.cached_property
    def whole_boxes(self) -> Float[Tensor, "batch object 4"]:
        """Amodal box of each object."""
        bank, camera = self.assets.bank, self.scene.camera
        what = (bank.hull, bank.hull_edges, self.mesh, self.camera_from_bank, camera.intrinsics)
        if camera.distortion is None:
            return self.box_function(boxes.amodal_boxes)(*what)
        return boxes.amodal_boxes(*what, camera.distortion)

    @functools.cached_property
    def share_visible(self) -> Float32[Tensor, "batch object"]:
        """Visible share of each object's pixels."""
        return visible_fraction(self.extents.pixels, self.seen.covered[:, : self.count])

    @functools.cached_property
    def share_outside(self) -> Float[Tensor, "batch object"]:
        """Share of each amodal box outside the image."""
        return boxes.truncation(self.whole_boxes, self.size)

    @functools.cached_property
    def below_limits(self) -> Bool[Tensor, "batch object"]:
        """Which objects violate a limit of `labels.*`."""
        limits = self.cfg.labels
        hidden, small = self.share_visible < limits.min_visibility, self.extents.pixels < limits.min_pixels
        return hidden | small | (self.share_outside > limits.max_truncation)

    @functools.cached_property
    def labelled(self) -> Bool[Tensor, "batch object"]:
        """Which slots get labels; the others are holes."""
        visible = self.extents.pixels > 0
        return visible if "ignored" in self.cfg.outputs else visible & ~self.below_limits

    @functools.cached_property
    def points(self) -> Points:
        """The surface points that pixels see."""
        # Without a slot nothing is seen, and a GPU would be asked for row 0 of tables that have none.
        pixel = covered_pixels(self.seen.triangle if self.placed.triangle_count.shape[1] else self.seen.triangle[:0])
        return points_at(self.assets.bank, self.placed, self.seen, self.scene.camera, pixel)

    def punch(self, values: Tensor, hole: float = 0) -> Tensor:
        """Returns values `[B, N, ...]` with `hole` in slots without a labelled object."""
        return torch.where(self.labelled.reshape(self.labelled.shape + (1,) * (values.dim() - 2)), values, hole)

    def of_pixels(self, values: Tensor, elsewhere: float) -> Tensor:
        """Returns, for each pixel, the value of the labelled object that it sees, taken from values `[B, N]`."""
        index = self.instance_ids.long()
        # One column more than objects, for the pixels that see none of them.
        columns = torch.nn.functional.pad(values, (0, 1), value=elsewhere)
        index = torch.where(index < 0, self.count, index)
        return torch.gather(columns, 1, index.flatten(1)).reshape(index.shape)

    @functools.cached_property
    def instance_ids(self) -> Tensor:
        """The labelled object that each pixel sees, int16 `[B, H, W]`; -1 elsewhere."""
        return self.box_function(boxes.instance_ids)(self.seen.slot, self.labelled)
