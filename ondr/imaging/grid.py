"""Shading on a GPU: every sample of every image, whether a surface is seen there or not.

The planes are flat, one element per sample or pixel of the batch, and everything follows from the element's number. So
the shapes are fixed, no list of covered pixels is made, and a compiler makes one loop of it all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float32, Int16, Int32, Int64, Num
from torch import Tensor

from ondr.imaging.background import BackgroundTables, background_at, background_planes
from ondr.imaging.photometric import expose_planes, factors_of
from ondr.imaging.shading import ShadingTables, shade
from ondr.lens import rays_at
from ondr.noise import noise_at
from ondr.pixel_format import FLOATS, PixelFormat
from ondr.planes import Vector, add_product, places, take_one
from ondr.scene import Effects


@dataclass(frozen=True)
class Grid:
    """What every sample of every pixel sees: one sample per pixel, or 2 x 2 (then as an image of twice the size)."""

    triangle: Int32[Tensor, "batch height2 width2"]
    """Row of the bank's triangles; -1 for none."""
    slot: Int16[Tensor, "batch height2 width2"]
    """Which of the image's instances; -1 for none."""


SAMPLES_2X2 = ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))
"""Positions of the 2 x 2 samples within a pixel, row by row."""


def grid_of_samples(
    triangle: Int32[Tensor, "batch height width 4"], slot: Int16[Tensor, "batch height width 4"]
) -> Grid:
    """Returns the grid of what each pixel sees at `SAMPLES_2X2`."""
    batch, height, width, _ = slot.shape
    planes = (plane.view(batch, height, width, 2, 2).transpose(2, 3) for plane in (triangle, slot))
    return Grid(*(plane.reshape(batch, 2 * height, 2 * width) for plane in planes))


def shade_grid(
    tables: ShadingTables, background: BackgroundTables, grid: Grid, size: tuple[int, int], trilinear: bool
) -> Float[Tensor, "batch 3 height width"]:
    """Shades what every sample sees and composes it over the background.

    Args:
        tables: The batch's.
        background: The batch's.
        grid: What is seen.
        size: Height and width of the image.
        trilinear: Blend two mip levels rather than take the nearest.

    Returns:
        Linear RGB.
    """
    return images_of(shade_every_pixel(tables, background, grid, size, trilinear), size)


def develop_grid(
    tables: ShadingTables,
    background: BackgroundTables,
    grid: Grid,
    size: tuple[int, int],
    trilinear: bool,
    effects: Effects,
    normal_table: Float32[Tensor, "4096"],
    seed: int,
    sample_ids: Int64[Tensor, "batch"],
    pixels: PixelFormat = FLOATS,
) -> Num[Tensor, "batch 3 height width"]:
    """Shades and exposes what every sample sees: `shade_grid` and `photometric.expose` in one, without a blur between.

    Args:
        tables: As for `shade_grid`.
        background: As for `shade_grid`.
        grid: As for `shade_grid`.
        size: As for `shade_grid`.
        trilinear: As for `shade_grid`.
        effects: As for `photometric.expose`.
        normal_table: `noise.normal_table` on the device.
        seed: As for `photometric.expose`.
        sample_ids: As for `photometric.expose`.
        pixels: Format of the images.

    Returns:
        sRGB-encoded images.
    """
    linear = shade_every_pixel(tables, background, grid, size, trilinear)
    pixel = torch.arange(len(linear[0]), dtype=torch.int32, device=linear[0].device)
    image = places(pixel, size)[0]
    within = (pixel - image * (size[0] * size[1])).long()
    noise = noise_at(normal_table, seed, take_one(sample_ids, image), within)
    factors = tuple(take_one(factor, image) for factor in factors_of(effects))
    return images_of(expose_planes(linear, factors, noise), size, pixels)


def shade_every_pixel(
    tables: ShadingTables, background: BackgroundTables, grid: Grid, size: tuple[int, int], trilinear: bool
) -> Vector:
    """Returns linear RGB as three planes `[batch * height * width]`. See `shade_grid`."""
    if not len(tables.surface.vertex_offset):
        # Without a slot nothing is seen, and a GPU would be asked for row 0 of tables that have none.
        return tuple(plane.flatten() for plane in background_planes(background, size))
    step = grid.triangle.shape[2] // size[1]
    colors, seen = shade_every_sample(tables, grid, step, trilinear)
    shape = (len(grid.triangle), *size)
    pixel = torch.arange(math.prod(shape), dtype=torch.int32, device=seen.device)
    image, y, x = places(pixel, size)
    behind = background_at(background, image, x.to(colors[0].dtype) + 0.5, y.to(colors[0].dtype) + 0.5)
    if step == 1:
        return tuple(torch.where(seen, c, b) for c, b in zip(colors, behind, strict=True))
    covered = mean_of_samples(seen.to(colors[0].dtype), shape)
    front = (mean_of_samples(torch.where(seen, c, 0), shape) for c in colors)
    return tuple(add_product(f, b, 1 - covered) for f, b in zip(front, behind, strict=True))


def shade_every_sample(tables: ShadingTables, grid: Grid, step: int, trilinear: bool) -> tuple[Vector, Tensor]:
    """Returns linear RGB of each sample as flat planes, meaningless where no surface is seen, and where one is.

    Args:
        tables: The batch's.
        grid: What is seen.
        step: Samples along a pixel's side.
        trilinear: Blend two mip levels rather than take the nearest.
    """
    triangle, slot, shape = grid.triangle.reshape(-1), grid.slot.reshape(-1), grid.triangle.shape
    slots = len(tables.surface.vertex_offset) // shape[0]
    sample = torch.arange(len(triangle), dtype=torch.int32, device=triangle.device)
    image, row, column = places(sample, (shape[1], shape[2]))
    ray_x, ray_y = rays_at(
        tables.inverse_intrinsics, tables.distortion, image, (column + 0.5) / step, (row + 0.5) / step
    )
    instance = image * slots + slot.clamp_min(0)
    colors = shade(tables, triangle.clamp_min(0), instance, image, ray_x, ray_y, trilinear=trilinear)
    return colors, triangle >= 0


def mean_of_samples(plane: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Returns the means of 2 x 2 samples as a flat plane; `shape` is batch, height and width in pixels."""
    batch, height, width = shape
    (a, b), (c, d) = (half.unbind(-1) for half in plane.view(batch, height, 2, width, 2).unbind(2))
    return ((a + b + c + d) * 0.25).reshape(-1)


def images_of(
    colors: Vector, size: tuple[int, int], pixels: PixelFormat = FLOATS
) -> Num[Tensor, "batch 3 height width"]:
    """Reshapes flat planes into images."""
    return pixels.stack([color.view(-1, *size) for color in colors])
