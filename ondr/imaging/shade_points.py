"""Images from shaded points, on a GPU: one compiled function shades all points, another one makes images of them."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Float32, Int16, Int32, Int64, Num, UInt8
from torch import Tensor

from ondr.imaging.background import BackgroundTables, background_at
from ondr.imaging.photometric import expose_planes, factors_of
from ondr.imaging.points import SAMPLES_2X2, ShadingPoints
from ondr.imaging.shading import ShadingTables, shade
from ondr.lens import rays_at
from ondr.noise import noise_at
from ondr.pixel_format import FLOATS, PixelFormat
from ondr.planes import Vector, add_product, places, take_one
from ondr.runtime.compiled import compiled, mark_rows_dynamic
from ondr.scene import Effects

Front = Float[Tensor, "4 pixel"]
"""Linear RGB of the surfaces of each pixel, times the share of it that they cover, and that share."""


def linear_images(
    tables: ShadingTables,
    background: BackgroundTables,
    points: ShadingPoints,
    size: tuple[int, int],
    trilinear: bool,
    *,
    compile: bool = False,
) -> Float[Tensor, "batch 3 height width"]:
    """Shades points and composes them over the background.

    Args:
        tables: The batch's.
        background: The batch's.
        points: What is seen.
        size: Height and width of the images.
        trilinear: Blend two mip levels rather than take the nearest.
        compile: Run compiled functions; not differentiable.

    Returns:
        Linear RGB.
    """
    front = front_of(tables, points, size, trilinear, compile)
    linear: Tensor = (compiled(compose_points) if compile else compose_points)(front, background, size)
    return linear


def encoded_images(
    tables: ShadingTables,
    background: BackgroundTables,
    points: ShadingPoints,
    size: tuple[int, int],
    trilinear: bool,
    exposure: tuple[Effects, Float32[Tensor, "4096"], int, Int64[Tensor, "batch"]],
    pixels: PixelFormat = FLOATS,
    *,
    compile: bool = False,
) -> Num[Tensor, "batch 3 height width"]:
    """Returns what `linear_images` and `photometric.expose` would, without linear light in memory.

    Args:
        tables: As for `linear_images`.
        background: As for `linear_images`.
        points: As for `linear_images`.
        size: As for `linear_images`.
        trilinear: As for `linear_images`.
        exposure: Effects, `noise.normal_table` on the device, seed and sample ids, as for `photometric.expose`.
        pixels: Format of the images.
        compile: As for `linear_images`.

    Returns:
        sRGB-encoded images.
    """
    front = front_of(tables, points, size, trilinear, compile)
    run = compiled(compose_and_expose) if compile else compose_and_expose
    encoded: Tensor = run(front, background, size, *exposure, pixels)
    return encoded


def front_of(
    tables: ShadingTables, points: ShadingPoints, size: tuple[int, int], trilinear: bool, compile: bool = False
) -> Front:
    """Shades points and puts them into their pixels, the samples of edges averaged."""
    pixels = len(tables.inverse_intrinsics) * math.prod(size)
    planes = (points.pixel, points.triangle, points.slot, points.sample)
    number, whole = len(points.pixel), len(points.pixel) - points.edges * len(SAMPLES_2X2)
    if number == 0:
        return tables.inverse_intrinsics.new_zeros(4, pixels)
    if compile:
        shaded = compiled(shade_points)(tables, *map(mark_rows_dynamic, planes), size, trilinear)[:, :number]
    else:
        shaded = shade_points(tables, *planes, size, trilinear)
    front = shaded.new_zeros(4, pixels)
    front.index_copy_(1, points.pixel[:whole].long(), shaded[:, :whole])
    samples = shaded[:, whole:].unflatten(1, (points.edges, len(SAMPLES_2X2)))
    return front.index_copy_(1, points.pixel[whole :: len(SAMPLES_2X2)].long(), samples.mean(dim=-1))


def shade_points(
    tables: ShadingTables,
    pixel: Int32[Tensor, "point"],
    triangle: Int32[Tensor, "point"],
    slot: Int16[Tensor, "point"],
    sample: UInt8[Tensor, "point"],
    size: tuple[int, int],
    trilinear: bool,
) -> Float[Tensor, "4 point"]:
    """Returns linear RGB of the fields of `ShadingPoints`, 0 where no surface is seen, and where one is."""
    slots = len(tables.surface.vertex_offset) // len(tables.inverse_intrinsics)
    image, row, column = places(pixel, size)
    corner = (sample.int() - 1).clamp_min(0)
    right, down = (torch.where(sample == 0, 0.5, 0.25 + 0.5 * bit) for bit in (corner & 1, corner >> 1))
    ray_x, ray_y = rays_at(tables.inverse_intrinsics, tables.distortion, image, column + right, row + down)
    instance = image * slots + slot.clamp_min(0)
    colors = shade(tables, triangle.clamp_min(0), instance, image, ray_x, ray_y, trilinear=trilinear)
    seen = triangle >= 0
    return torch.stack([*(torch.where(seen, c, 0) for c in colors), seen.to(colors[0].dtype)])


def compose_points(
    front: Front, background: BackgroundTables, size: tuple[int, int]
) -> Float[Tensor, "batch 3 height width"]:
    """Composes surfaces over the background. See `linear_images`."""
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
    """Composes surfaces over the background and exposes both. See `encoded_images`."""
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
