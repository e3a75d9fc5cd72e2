"""Shading on a GPU: every pixel of every image, whether a surface is seen there or not, and the samples of edges.

The planes are flat, one element per point, and everything follows from a point's tables of ids. So one compiled
function shades all pixels, and then the few points more where the samples of a pixel see different surfaces.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float32, Int16, Int32, Int64, Num, UInt8
from torch import Tensor

from ondr.imaging.background import BackgroundTables, background_at
from ondr.imaging.photometric import expose_planes, factors_of
from ondr.imaging.shading import ShadingTables, shade
from ondr.lens import rays_at
from ondr.noise import noise_at
from ondr.pixel_format import FLOATS, PixelFormat
from ondr.planes import Vector, add_product, places, take_one
from ondr.runtime.compiled import compiled, mark_rows_dynamic
from ondr.scene import Effects

Front = Float[Tensor, "4 pixel"]
"""Linear RGB of the surfaces of each pixel, times the share of it that they cover, and that share."""


@dataclass(frozen=True)
class Edges:
    """The pixels whose samples see different surfaces."""

    pixel: Int32[Tensor, "edge"]
    """(image * height + y) * width + x, ascending."""
    triangle: Int32[Tensor, "edge 4"]
    """Row of the bank's triangles at each of `SAMPLES_2X2`; -1 for none."""
    slot: Int16[Tensor, "edge 4"]
    """Which of the image's instances; -1 for none."""


@dataclass(frozen=True)
class Grid:
    """What every pixel sees."""

    triangle: Int32[Tensor, "batch height width"]
    """Row of the bank's triangles; -1 for none. Meaningless for the pixels of `edges`."""
    slot: Int16[Tensor, "batch height width"]
    """Which of the image's instances; -1 for none. Meaningless for the pixels of `edges`."""
    edges: Edges | None = None
    """None: every pixel shows one surface, or none."""


SAMPLES_2X2 = ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))
"""Positions of the 2 x 2 samples within a pixel, row by row."""


@dataclass(frozen=True)
class Points:
    """Points of images that are shaded."""

    pixel: Int32[Tensor, "point"]
    """As in `Edges`."""
    triangle: Int32[Tensor, "point"]
    slot: Int16[Tensor, "point"]
    sample: UInt8[Tensor, "point"]
    """Where in the pixel: from 1, which of `SAMPLES_2X2`; 0: its centre."""


def shade_grid(
    tables: ShadingTables,
    background: BackgroundTables,
    grid: Grid,
    size: tuple[int, int],
    trilinear: bool,
    *,
    compile: bool = False,
) -> Float[Tensor, "batch 3 height width"]:
    """Shades what every pixel sees and composes it over the background.

    Args:
        tables: The batch's.
        background: The batch's.
        grid: What is seen.
        size: Height and width of the image.
        trilinear: Blend two mip levels rather than take the nearest.
        compile: Run compiled functions; not differentiable.

    Returns:
        Linear RGB.
    """
    front = shade_pixels(tables, grid, size, trilinear, compile)
    linear: Tensor = (compiled(compose_grid) if compile else compose_grid)(front, background, size)
    return linear


def develop_grid(
    tables: ShadingTables,
    background: BackgroundTables,
    grid: Grid,
    size: tuple[int, int],
    trilinear: bool,
    exposure: tuple[Effects, Float32[Tensor, "4096"], int, Int64[Tensor, "batch"]],
    pixels: PixelFormat = FLOATS,
    *,
    compile: bool = False,
) -> Num[Tensor, "batch 3 height width"]:
    """Returns what `shade_grid` and `photometric.expose` would one after the other, without linear light in memory.

    Args:
        tables: As for `shade_grid`.
        background: As for `shade_grid`.
        grid: As for `shade_grid`.
        size: As for `shade_grid`.
        trilinear: As for `shade_grid`.
        exposure: Effects, `noise.normal_table` on the device, seed and sample ids, as for `photometric.expose`.
        pixels: Format of the images.
        compile: As for `shade_grid`.

    Returns:
        sRGB-encoded images.
    """
    front = shade_pixels(tables, grid, size, trilinear, compile)
    run = compiled(compose_and_expose) if compile else compose_and_expose
    encoded: Tensor = run(front, background, size, *exposure, pixels)
    return encoded


def shade_pixels(
    tables: ShadingTables, grid: Grid, size: tuple[int, int], trilinear: bool, compile: bool = False
) -> Front:
    """Shades all pixels at their centre, and those of edges at their samples."""
    batch = len(grid.triangle)
    if not len(tables.surface.vertex_offset):
        # Without a slot nothing is seen, and a GPU would be asked for row 0 of tables that have none.
        return tables.inverse_intrinsics.new_zeros(4, batch * math.prod(size))

    def shaded(points: Points) -> Front:
        if not compile:
            return shade_points(tables, points, size, trilinear)
        front: Tensor = compiled(shade_points)(tables, mark_rows_dynamic(points), size, trilinear)
        return front[:, : len(points.pixel)]

    triangle, slot = grid.triangle.flatten(), grid.slot.flatten()
    number = torch.arange(len(triangle), dtype=torch.int32, device=triangle.device)
    front = shaded(Points(number, triangle, slot, torch.zeros_like(number, dtype=torch.uint8)))
    if grid.edges is None:
        return front
    at = grid.edges.pixel.long()
    samples = shaded(points_of(grid.edges)).view(4, len(at), len(SAMPLES_2X2)).mean(dim=-1)
    return front.index_copy_(1, at, samples) if compile else front.index_copy(1, at, samples)


def points_of(edges: Edges) -> Points:
    """Returns the samples of edges, pixel by pixel."""
    samples = torch.arange(1, 1 + len(SAMPLES_2X2), dtype=torch.uint8, device=edges.pixel.device)
    return Points(
        pixel=edges.pixel[:, None].expand_as(edges.triangle).flatten(),
        triangle=edges.triangle.flatten(),
        slot=edges.slot.flatten(),
        sample=samples.expand_as(edges.triangle).flatten(),
    )


def shade_points(tables: ShadingTables, points: Points, size: tuple[int, int], trilinear: bool) -> Front:
    """Shades points. See `shade_grid`."""
    slots = len(tables.surface.vertex_offset) // len(tables.inverse_intrinsics)
    image, row, column = places(points.pixel, size)
    corner = (points.sample.int() - 1).clamp_min(0)
    right, down = (torch.where(points.sample == 0, 0.5, 0.25 + 0.5 * bit) for bit in (corner & 1, corner >> 1))
    ray_x, ray_y = rays_at(tables.inverse_intrinsics, tables.distortion, image, column + right, row + down)
    instance = image * slots + points.slot.clamp_min(0)
    colors = shade(tables, points.triangle.clamp_min(0), instance, image, ray_x, ray_y, trilinear=trilinear)
    seen = points.triangle >= 0
    return torch.stack([*(torch.where(seen, c, 0) for c in colors), seen.to(colors[0].dtype)])


def compose_grid(
    front: Front, background: BackgroundTables, size: tuple[int, int]
) -> Float[Tensor, "batch 3 height width"]:
    """Composes surfaces over the background. See `shade_grid`."""
    return images_of(_composed(front, background, size), size)


def compose_and_expose(
    front: Front,
    background: BackgroundTables,
    size: tuple[int, int],
    effects: Effects,
    normal_table: Float32[Tensor, "4096"],
    seed: int,
    sample_ids: Int64[Tensor, "batch"],
    pixels: PixelFormat,
) -> Num[Tensor, "batch 3 height width"]:
    """Composes surfaces over the background and exposes both. See `develop_grid`."""
    linear = _composed(front, background, size)
    pixel = torch.arange(front.shape[1], dtype=torch.int32, device=front.device)
    image = places(pixel, size)[0]
    within = (pixel - image * (size[0] * size[1])).long()
    noise = noise_at(normal_table, seed, take_one(sample_ids, image), within)
    factors = tuple(take_one(factor, image) for factor in factors_of(effects))
    return images_of(expose_planes(linear, factors, noise), size, pixels)


def _composed(front: Front, background: BackgroundTables, size: tuple[int, int]) -> Vector:
    """Returns linear RGB as three flat planes."""
    image, y, x = places(torch.arange(front.shape[1], dtype=torch.int32, device=front.device), size)
    behind = background_at(background, image, x.to(front.dtype) + 0.5, y.to(front.dtype) + 0.5)
    red, green, blue, covered = front
    return tuple(add_product(f, b, 1 - covered) for f, b in zip((red, green, blue), behind, strict=True))


def images_of(
    colors: Vector, size: tuple[int, int], pixels: PixelFormat = FLOATS
) -> Num[Tensor, "batch 3 height width"]:
    """Reshapes flat planes into images."""
    return pixels.stack([color.view(-1, *size) for color in colors])
