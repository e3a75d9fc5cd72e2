"""What a camera with a lens sees: each pixel takes the ids of the nearest pixel of a larger image without one.

Triangles have straight edges before a pinhole only. So the ids come from a pinhole's image that holds every ray of the
camera's, while depth and colour are computed at each pixel's own ray, as everywhere. What an object would cover alone
is counted through the same map from pixel to pixel, so that no more is ever seen of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float32, Int16, Int32, Int64
from torch import Tensor

from ondr import raster
from ondr.assets.bank import Bank
from ondr.imaging.surface import invert
from ondr.lens import reaches, undistort
from ondr.raster.visibility import Visibility
from ondr.scene import Camera, Instances

LARGER = 1.25
"""Sides of the pinhole's image over those of the camera's: what a lens squeezes together there is not lost."""
BORDER = 33
"""Points along each side of the image from which the extent of its rays is found."""
MARGIN = 0.01
"""Share of the pinhole's image on each side, since that many points do not quite meet the extremes."""
STEP = 4
"""Pixels from one ray that is searched for to the next. Between them a lens is all but linear: one that moves the
corner of a 256 x 256 image by 20 pixels is off by at most 0.02."""

Point = tuple[float, float]
"""x and y within a pixel, from its upper left corner."""
CENTER = (0.5, 0.5)


@dataclass(frozen=True)
class Samples:
    """What some points of each pixel see."""

    triangle: Int32[Tensor, "batch height width point"]
    """Row of the bank's triangles; -1 for none."""
    slot: Int16[Tensor, "batch height width point"]
    """Which of the image's instances; -1 for none."""


def see_through_lens(
    bank: Bank, instances: Instances, camera: Camera, size: tuple[int, int], points: tuple[Point, ...]
) -> tuple[Visibility, Samples]:
    """Finds what each pixel sees at its centre, and at other points within it.

    Args:
        bank: Meshes.
        instances: Placed before the cameras.
        camera: With a lens.
        size: Height and width of the image.
        points: The other points; without any, the pinhole's image is half as fine.

    Raises:
        BackendError: The device's renderer is missing.
    """
    view = _View(camera, size, fine=2 if points else 1)
    centers = view.nearest(CENTER)
    seen = raster.visible_in_tiles(bank, instances, view.pinhole, view.larger, view.uses(centers))

    def at(index: Tensor) -> tuple[Tensor, Tensor]:
        planes = (plane.flatten(1).gather(1, index.flatten(1).clamp_min(0)) for plane in (seen.triangle, seen.slot))
        triangle, slot = (torch.where(index < 0, -1, plane.view(index.shape)) for plane in planes)
        return triangle, slot

    triangle, slot = at(centers)
    at_points = [at(view.nearest(point)) for point in points] or [(triangle, slot)]
    samples = Samples(*(torch.stack(planes, dim=-1) for planes in zip(*at_points, strict=True)))
    return Visibility(triangle, slot, seen.covered), samples


class _View:
    """A pinhole's image that holds all rays of a camera's with a lens, and which of its pixels is nearest to a ray."""

    def __init__(self, camera: Camera, size: tuple[int, int], fine: int) -> None:
        if camera.distortion is None:
            raise ValueError("camera.distortion must be there, got None. Use raster.visible for a pinhole.")
        self.size = size
        self.larger = math.ceil(LARGER * size[0]) * fine, math.ceil(LARGER * size[1]) * fine
        self._inverse = invert(camera.intrinsics.detach().float())[..., None, None]
        self._lens = tuple(k[:, None, None] for k in camera.distortion.detach().float().unbind(1))
        self.pinhole = self._pinhole()

    def rays(self, x: Tensor, y: Tensor) -> tuple[tuple[Tensor, Tensor], Bool[Tensor, "batch row column"]]:
        """Returns the rays through points of the images, and whether the lens sends one there."""
        bent_x, bent_y = (
            self._inverse[:, i, 0] * x + self._inverse[:, i, 1] * y + self._inverse[:, i, 2] for i in (0, 1)
        )
        rays = undistort(bent_x, bent_y, self._lens)
        return rays, reaches(*rays, bent_x, bent_y, self._lens)

    def nearest(self, point: Point) -> Int64[Tensor, "batch height width"]:
        """Returns which pixel of the pinhole's image is nearest to a point of each pixel: -1 for none."""
        column, row = (_between(plane, point, self.size).floor() for plane in self._nodes)
        # Not a number where the lens sends no ray, which is inside nothing.
        inside = (column >= 0) & (column < self.larger[1]) & (row >= 0) & (row < self.larger[0])
        return torch.where(inside, row * self.larger[1] + column, -1).long()

    @cached_property
    def _nodes(self) -> tuple[Tensor, Tensor]:
        """Columns and rows of the pinhole's image, as real numbers, at every `STEP`-th corner of a pixel."""
        y, x = (torch.arange(side // STEP + 2, device=self.pinhole.device) * float(STEP) for side in self.size)
        rays, found = self.rays(x, y[:, None])
        k = self.pinhole[..., None, None]
        column, row = (torch.where(found, k[:, i, i] * ray + k[:, i, 2], torch.nan) for i, ray in enumerate(rays))
        return column, row

    def uses(self, index: Int64[Tensor, "batch height width"]) -> Int32[Tensor, "batch larger_height larger_width"]:
        """Returns how many pixels take their ids from each pixel of the pinhole's image."""
        counts = index.new_zeros((len(index), math.prod(self.larger) + 1), dtype=torch.int32)
        counts.scatter_add_(1, index.flatten(1) + 1, torch.ones_like(index, dtype=torch.int32).flatten(1))
        return counts[:, 1:].reshape(len(index), *self.larger)

    def _pinhole(self) -> Float32[Tensor, "batch 3 3"]:
        height, width = self.size
        along = torch.linspace(0, 1, BORDER, device=self._inverse.device)
        near, far = torch.zeros_like(along), torch.ones_like(along)
        x, y = torch.cat([along, along, near, far]) * width, torch.cat([near, far, along, along]) * height
        rays, found = self.rays(x, y[None])
        (fx, cx), (fy, cy) = (
            _fitted(ray, found, side) for ray, side in zip(rays, (self.larger[1], self.larger[0]), strict=True)
        )
        zero, one = torch.zeros_like(fx), torch.ones_like(fx)
        rows = ((fx, zero, cx), (zero, fy, cy), (zero, zero, one))
        return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def _between(nodes: Tensor, point: Point, size: tuple[int, int]) -> Tensor:
    """Returns what lies between the nodes of a grid, at a point of each pixel."""
    for dim, (offset, side) in enumerate(zip(reversed(point), size, strict=True), start=1):
        share = (torch.arange(STEP, device=nodes.device) + offset) / STEP
        share = share if dim == 2 else share[:, None]
        here, there = nodes.narrow(dim, 0, nodes.shape[dim] - 1), nodes.narrow(dim, 1, nodes.shape[dim] - 1)
        finer = here.unsqueeze(dim + 1) + share * (there - here).unsqueeze(dim + 1)
        nodes = finer.flatten(dim, dim + 1).narrow(dim, 0, side)
    return nodes


def _fitted(ray: Tensor, found: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Returns focal length and centre, in pixels, of an image whose side just holds some rays."""
    low = torch.where(found, ray, torch.inf).amin((1, 2))
    high = torch.where(found, ray, -torch.inf).amax((1, 2))
    # No ray at all on the border: nothing of such an image would be seen, but it is to be finite.
    low, high = torch.where(low < high, low, -1.0), torch.where(low < high, high, 1.0)
    focal = side * (1 - 2 * MARGIN) / (high - low)
    return focal, side / 2 - focal * (low + high) / 2
