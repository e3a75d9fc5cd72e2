"""The surface points that pixels see: their rays, triangles, positions and normals."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int32, Int64
from torch import Tensor

from ondr.assets.bank import Bank
from ondr.geometry import invert
from ondr.lens import rays_at
from ondr.planes import Vector
from ondr.raster.visibility import Visibility
from ondr.scene import Camera, Instances
from ondr.surface import SurfaceHit, facets_at, meet, normals_at, position_at, surface_tables


@dataclass(frozen=True)
class Points:
    """The surface points that some pixels of a batch see, as planes over a flat list of pixels."""

    shape: tuple[int, int, int]
    """Images, height and width."""
    pixel: Int64[Tensor, "pixel"]
    """(image * height + row) * width + column."""
    ray: tuple[Float[Tensor, "pixel"], Float[Tensor, "pixel"]]
    """x and y of the ray (x, y, 1) through the pixel's centre, camera frame."""
    seen: Bool[Tensor, "pixel"]
    """Whether a surface is seen. Where not, all other fields are finite but meaningless."""
    instance: Int32[Tensor, "pixel"]
    """image * S + slot."""
    met: SurfaceHit

    @property
    def image(self) -> Int64[Tensor, "pixel"]:
        """Row of the batch."""
        return self.pixel // (self.shape[1] * self.shape[2])

    @property
    def place(self) -> tuple[Float[Tensor, "pixel"], Float[Tensor, "pixel"]]:
        """x and y of the pixels' centres."""
        _, height, width = self.shape
        return self.pixel % width + 0.5, self.pixel // width % height + 0.5

    @property
    def depth(self) -> Float[Tensor, "pixel"]:
        """Metres along the optical axis."""
        return self.met.hit.depth

    @property
    def position(self) -> Vector:
        """Position in the camera frame, metres."""
        return self.depth * self.ray[0], self.depth * self.ray[1], self.depth

    @functools.cached_property
    def position_in_bank(self) -> Vector:
        """Position in the bank's coordinates of the visible mesh."""
        return position_at(self.met.corners, self.met.hit)

    @property
    def normal(self) -> Vector:
        """Interpolated unit normal, camera frame."""
        return normals_at(self.met.corners, self.met.hit, self.met.frame)

    @property
    def facet(self) -> Vector:
        """Geometric unit normal of the triangle, towards the viewer, camera frame."""
        return facets_at(self.met.corners, self.met.frame, self.position)

    def spread(self, planes: Vector, where: Tensor | None = None) -> Float[Tensor, "batch plane height width"]:
        """Scatters planes into images; 0 elsewhere.

        Args:
            planes: One for each channel.
            where: Which points to keep; None: those on a surface.
        """
        kept, (batch, height, width) = self.seen if where is None else where, self.shape
        empty = planes[0].new_zeros(batch * height * width)
        flat = [empty.index_copy(0, self.pixel, torch.where(kept, plane, 0)) for plane in planes]
        return torch.stack([plane.reshape(batch, height, width) for plane in flat], dim=1)


def covered_pixels(triangle: Int32[Tensor, "batch height width"]) -> Int64[Tensor, "pixel"]:
    """Returns the pixels that see a surface; on a GPU all pixels, since selecting them would synchronise."""
    flat = triangle.flatten()
    return torch.arange(len(flat), device=flat.device) if flat.is_cuda else (flat >= 0).nonzero()[:, 0]


def points_at(bank: Bank, placed: Instances, seen: Visibility, camera: Camera, pixel: Int64[Tensor, "pixel"]) -> Points:
    """Returns the surface points that some pixels see.

    Args:
        bank: The meshes.
        placed: The instances in the camera frame.
        seen: What each pixel's centre sees.
        camera: The cameras of the images.
        pixel: (image * height + row) * width + column, in any order.
    """
    batch, height, width = seen.slot.shape
    image, inverse = pixel // (height * width), invert(camera.intrinsics)
    x, y = rays_at(inverse, camera.distortion, image, pixel % width + 0.5, pixel // width % height + 0.5)
    triangle, slot = seen.triangle.flatten()[pixel], seen.slot.flatten()[pixel]
    there = triangle >= 0
    instance = torch.where(there, image.int() * placed.triangle_count.shape[1] + slot, 0)
    met = meet(surface_tables(bank, placed, inverse), triangle.clamp_min(0), instance, x, y)
    return Points((batch, height, width), pixel, (x, y), there, instance, met)
