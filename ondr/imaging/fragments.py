"""The CPU's form of what is seen: a flat list of surfaces, shaded in chunks that fit into the cache."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int16, Int32
from torch import Tensor
from torch.nn.functional import pad

from ondr.imaging.compiled import compiled, free_rows
from ondr.imaging.planes import Vector, places, take
from ondr.imaging.shading import ShadingTables, rays_at, shade
from ondr.raster.visibility import SAMPLES, Fragments, Visibility

WHOLE = (1 << len(SAMPLES)) - 1
CHUNK = 65536
"""Fragments shaded at once when eager: torch gives a core no less than 32k elements, so that two work from 64k on."""
COMPILED_CHUNK = 16384
"""Fragments shaded at once when compiled; fixed, since the shape is part of what is compiled. Intermediate values stay
in registers, so a small chunk costs little, and little is wasted when the last one is filled up."""


def fragments_of(visibility: Visibility) -> Fragments:
    """Returns one whole-pixel fragment for each pixel that sees a triangle: an image without antialiasing."""
    slots = visibility.covered.shape[1]
    slot = visibility.slot.flatten()
    pixel = (slot >= 0).nonzero()[:, 0]
    image = pixel // visibility.slot[0].numel() if len(visibility.slot) else pixel
    return Fragments(
        pixel=pixel.to(torch.int32),
        triangle=visibility.triangle.flatten()[pixel],
        instance=(image * slots + slot[pixel]).to(torch.int32),
        mask=torch.full_like(pixel, WHOLE, dtype=torch.uint8),
    )


def fragments_of_samples(
    visibility: Visibility,
    triangle: Int32[Tensor, "batch height width point"],
    slot: Int16[Tensor, "batch height width point"],
    patches: Int32[Tensor, "triangle"],
) -> Fragments:
    """Groups what the samples of each pixel see: samples of one instance and smooth patch make one fragment.

    Args:
        visibility: What the pixels' centres see.
        triangle: Of the bank, at each of `SAMPLES`; -1 for none.
        slot: Likewise.
        patches: `Bank.patches`.
    """
    triangle, slot = triangle.flatten(0, 2), slot.flatten(0, 2)
    surface = _surface(triangle, slot, patches)
    whole = (surface[:, 1:] == surface[:, :1]).all(1)
    # A fragment belongs to its first sample: none before it sees the same. Most pixels see one surface.
    begins, mask = slot >= 0, torch.full_like(slot, WHOLE, dtype=torch.int32)
    begins[:, 1:] &= ~whole[:, None]
    mixed = whole.logical_not().nonzero()[:, 0]
    bits = 1 << torch.arange(len(SAMPLES), dtype=torch.int32, device=slot.device)
    equal = surface[mixed, :, None] == surface[mixed, None]
    mask[mixed] = (equal * bits).sum(-1, dtype=torch.int32)
    begins[mixed] &= mask[mixed] & bits - 1 == 0
    pixel, first = begins.nonzero().unbind(1)
    image = pixel // visibility.slot[0].numel() if len(visibility.slot) else pixel
    center = visibility.triangle.flatten()[pixel]
    inside = whole[pixel] & (_surface(center, visibility.slot.flatten()[pixel], patches) == surface[pixel, first])
    return Fragments(
        pixel=pixel.to(torch.int32),
        triangle=torch.where(inside, center, triangle[pixel, first]),
        instance=(image * visibility.covered.shape[1] + slot[pixel, first]).to(torch.int32),
        mask=mask[pixel, first].to(torch.uint8),
    )


def _surface(triangle: Tensor, slot: Tensor, patches: Tensor) -> Tensor:
    """Returns a number for each smooth patch of each instance; negative for none."""
    return slot.long() << 32 | patches[triangle.clamp_min(0)].long()


def sample_means() -> Float[Tensor, "mask 2"]:
    """Returns, for each mask of samples, where within a pixel it is shaded: the samples' mean; the centre for all."""
    means = [(0.5, 0.5)]
    for mask in range(1, WHOLE + 1):
        chosen = [p for j, p in enumerate(SAMPLES) if mask >> j & 1]
        means.append((sum(x for x, _ in chosen) / len(chosen), sum(y for _, y in chosen) / len(chosen)))
    return torch.tensor(means)


MEANS = sample_means()


def shade_fragments(
    tables: ShadingTables, fragments: Fragments, size: tuple[int, int], *, trilinear: bool, compile: bool
) -> Float[Tensor, "3 fragment"]:
    """Returns linear RGB of each fragment.

    Args:
        tables: Of the batch.
        fragments: Of the batch.
        size: Height and width of the image.
        trilinear: Blend two mip levels rather than take the nearest.
        compile: Run a compiled function; not differentiable.
    """
    lists: tuple[Tensor, ...] = (fragments.pixel, fragments.triangle, fragments.instance, fragments.mask)
    count, chunk = len(fragments.pixel), COMPILED_CHUNK if compile else CHUNK
    if count == 0:
        return tables.inverse_intrinsics.new_zeros(3, 0)
    function: Callable[..., Vector] = shade_list
    means = MEANS.to(tables.inverse_intrinsics)
    if compile:
        function, tables = compiled(shade_list), free_rows(tables)
        lists = tuple(pad(plane, (0, -count % chunk)) for plane in lists)
    parts = [
        torch.stack(function(tables, means, *(plane[i : i + chunk] for plane in lists), size, trilinear))
        for i in range(0, count, chunk)
    ]
    return torch.cat(parts, dim=1)[:, :count]


def shade_list(
    tables: ShadingTables,
    means: Tensor,
    pixel: Tensor,
    triangle: Tensor,
    instance: Tensor,
    mask: Tensor,
    size: tuple[int, int],
    trilinear: bool,
) -> Vector:
    """Shades some fragments at the mean position of their samples.

    Args:
        tables: Of the batch.
        means: `sample_means`.
        pixel: As in `Fragments`.
        triangle: Likewise.
        instance: Likewise.
        mask: Likewise.
        size: Height and width of the image.
        trilinear: Blend two mip levels rather than take the nearest.
    """
    image, row, column = places(pixel, size)
    offset_x, offset_y = take(means, mask.int())
    ray_x, ray_y = rays_at(tables, image, offset_x + column, offset_y + row)
    return shade(tables, triangle, instance, image, ray_x, ray_y, trilinear=trilinear)
