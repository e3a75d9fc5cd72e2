"""Visibility through a lens: each pixel takes the ids of the nearest pixel of a larger pinhole image.

Triangles have straight edges in a pinhole image only. So the ids come from a pinhole image that contains every ray of
the camera, while depth and colour are computed at each pixel's own ray, as everywhere. The pixels that an object would
cover alone are counted through the same map, so that its visible pixels never exceed them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float32, Int16, Int32, Int64
from torch import Tensor

from ondr import raster
from ondr.assets.bank import Bank
from ondr.errors import say_once
from ondr.geometry import intrinsics_matrix, invert
from ondr.lens import normalized, reaches, rows_of_inverse, undistort
from ondr.raster.visibility import SampleGrid, Visibility
from ondr.scene import Camera, Instances

FINER = 2.5
"""Sides of the pinhole image over those of the camera's image: the parts that the lens magnifies keep their detail, and
the samples of a pixel do not all fall into one pinhole pixel."""
MARGIN = 0.01
"""Border of the pinhole image on each side, as a share of it: samples lie outside the outermost pixels' centres."""
STEP = 4
"""Pixels between the rays that are undistorted in full. The rays between start from their interpolation."""
LAST_STEPS = 2
"""Newton iterations for those."""

Point = tuple[float, float]
"""x and y relative to a pixel's centre, pixels."""
Size = tuple[int, int]
"""Height and width."""


@dataclass(frozen=True)
class Samples:
    """What each pixel sees at some points within it."""

    triangle: Int32[Tensor, "batch height width point"]
    """Row of the bank's triangles; -1 for none."""
    slot: Int16[Tensor, "batch height width point"]
    """Which of the image's instances; -1 for none."""


def quarters_of(samples: Samples) -> SampleGrid:
    """Returns four points of each pixel, row by row, as an image of twice the size."""
    batch, height, width, _ = samples.slot.shape
    planes = (plane.view(batch, height, width, 2, 2).transpose(2, 3) for plane in (samples.triangle, samples.slot))
    return SampleGrid(*(plane.reshape(batch, 2 * height, 2 * width) for plane in planes))


@dataclass(frozen=True)
class Rays:
    """The rays (x, y, 1) of the pixels' centres, `[batch, height, width]`."""

    x: Tensor
    y: Tensor
    found: Bool[Tensor, "batch height width"]
    """Whether a ray leads there."""
    to_right: tuple[Tensor, Tensor]
    """Change of x and y from a pixel to its right neighbour."""
    to_lower: tuple[Tensor, Tensor]
    """Likewise to its lower neighbour."""

    def at(self, point: Point) -> tuple[Tensor, Tensor]:
        """Returns the rays of a point in each pixel by linear extrapolation, whose error half a pixel from the centre
        is some thousandths of a pixel.
        """
        right, down = point
        return (
            self.x + right * self.to_right[0] + down * self.to_lower[0],
            self.y + right * self.to_right[1] + down * self.to_lower[1],
        )


def see_through_lens(
    bank: Bank,
    instances: Instances,
    camera: Camera,
    size: Size,
    points: Sequence[Point],
    *,
    compile: bool = False,
) -> tuple[Visibility, Samples]:
    """Finds what each pixel sees at its centre, and at other points within it, which do not affect the former.

    Args:
        bank: The meshes.
        instances: The scene's, in the camera frame.
        camera: Cameras with a lens.
        size: Height and width of the images.
        points: The other points; if empty, the samples are those at the centres.
        compile: As for `raster.visible`.

    Raises:
        BackendError: The device's renderer is missing.
    """
    finer = math.ceil(FINER * size[0]), math.ceil(FINER * size[1])
    rays = rays_through_lens(camera, size)
    if not rays.found.is_cuda and not rays.found.all():
        share = 1 - rays.found.double().mean().item()
        say_once(
            f"camera.distortion sends no ray to {share:.1%} of the pixels of some images: the image folds before its "
            "corner. Nothing is seen there. Weaken it, narrow the view, or shift the image less."
        )
    pinhole = pinhole_around(rays, finer)
    centers = nearest(rays, (0.0, 0.0), pinhole, finer)
    seen = raster.visible_in_tiles(bank, instances, pinhole, finer, uses(centers, finer), compile=compile)

    def at(index: Tensor) -> tuple[Tensor, Tensor]:
        planes = (plane.flatten(1).gather(1, index.flatten(1).clamp_min(0)) for plane in (seen.triangle, seen.slot))
        triangle, slot = (torch.where(index < 0, -1, plane.view(index.shape)) for plane in planes)
        return triangle, slot

    triangle, slot = at(centers)
    at_points = [at(nearest(rays, point, pinhole, finer)) for point in points] or [(triangle, slot)]
    samples = Samples(*(torch.stack(planes, dim=-1) for planes in zip(*at_points, strict=True)))
    return Visibility(triangle, slot, seen.covered), samples


def rays_through_lens(camera: Camera, size: Size) -> Rays:
    """Returns the rays of the pixels' centres of cameras with a lens."""
    if camera.distortion is None or camera.distortion.shape != (len(camera.intrinsics), 5):
        found = None if camera.distortion is None else list(camera.distortion.shape)
        raise ValueError(
            f"camera.distortion must be [{len(camera.intrinsics)}, 5], got {found}. Give k1 k2 p1 p2 k3 of each image."
        )
    device = camera.intrinsics.device
    inverse = invert(camera.intrinsics.detach().float())[..., None, None]
    rows_of_k = tuple(inverse[:, i, j] for i in range(2) for j in range(3))
    lens = tuple(k[:, None, None] for k in camera.distortion.detach().float().unbind(1))

    def bent(y: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the normalized image coordinates of all points of some rows and columns."""
        return normalized(rows_of_k, x, y[:, None])

    nodes = [torch.arange(side // STEP + 2, device=device).mul(STEP).clamp(max=side).float() for side in size]
    pixels = [torch.arange(side, device=device) + 0.5 for side in size]
    start = (_between(plane, pixels) for plane in undistort(*bent(nodes[0], nodes[1]), lens))
    wanted = bent(pixels[0], pixels[1])
    x, y = undistort(*wanted, lens, start=(next(start), next(start)), steps=LAST_STEPS)
    rows = rows_of_inverse(x, y, lens)
    to_right, to_lower = (tuple(a * inverse[:, 0, i] + b * inverse[:, 1, i] for a, b in rows) for i in (0, 1))
    return Rays(x, y, reaches(x, y, *wanted, lens), (to_right[0], to_right[1]), (to_lower[0], to_lower[1]))


def _between(nodes: Tensor, pixels: Sequence[Tensor]) -> Tensor:
    """Interpolates bilinearly between nodes at every `STEP`-th pixel edge and the image's border."""
    for dim, place in enumerate(pixels, start=1):
        index = (place / STEP).long()
        width = (len(place) - index * STEP).clamp(max=STEP)
        share = (place - index * STEP) / width
        share = share if dim == 2 else share[:, None]
        here, there = nodes.index_select(dim, index), nodes.index_select(dim, index + 1)
        nodes = here + share * (there - here)
    return nodes


def pinhole_around(rays: Rays, finer: Size) -> Float32[Tensor, "batch 3 3"]:
    """Returns K of the longest pinhole whose image contains all rays."""
    fx, cx = _fitted(rays.x, rays.found, finer[1])
    fy, cy = _fitted(rays.y, rays.found, finer[0])
    return intrinsics_matrix(fx, fy, cx, cy)


def _fitted(ray: Tensor, found: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Returns focal length and principal point, in pixels, of an image whose side just contains some rays."""
    low = torch.where(found, ray, torch.inf).amin((1, 2))
    high = torch.where(found, ray, -torch.inf).amax((1, 2))
    # Without any ray nothing will be seen, but the numbers must stay finite.
    low, high = torch.where(low < high, low, -1.0), torch.where(low < high, high, 1.0)
    focal = side * (1 - 2 * MARGIN) / (high - low)
    return focal, side / 2 - focal * (low + high) / 2


def nearest(rays: Rays, point: Point, pinhole: Tensor, finer: Size) -> Int64[Tensor, "batch height width"]:
    """Returns the pixel of the pinhole image that is nearest to a point of each pixel; -1 for none."""
    k = pinhole[..., None, None]
    column, row = ((k[:, i, i] * ray + k[:, i, 2]).floor() for i, ray in enumerate(rays.at(point)))
    inside = rays.found & (column >= 0) & (column < finer[1]) & (row >= 0) & (row < finer[0])
    # In integers: float32 cannot tell pixel numbers above 2^24 apart.
    row, column = (torch.where(inside, place, 0).long() for place in (row, column))
    return torch.where(inside, row * finer[1] + column, -1)


def uses(index: Int64[Tensor, "batch height width"], finer: Size) -> Int32[Tensor, "batch finer_height finer_width"]:
    """Returns how many pixels take their ids from each pixel of the pinhole image."""
    counts = index.new_zeros((len(index), math.prod(finer) + 1), dtype=torch.int32)
    counts.scatter_add_(1, index.flatten(1) + 1, torch.ones_like(index, dtype=torch.int32).flatten(1))
    return counts[:, 1:].reshape(len(index), *finer)
