"""Shading on the CPU: a flat list of fragments, as one compiled loop or in chunks that fit into the cache."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Int16, Int32
from torch import Tensor

from ondr.fusion.loop import Job, run
from ondr.imaging.shading import ShadingTables, shade
from ondr.leaves import leaves_of
from ondr.lens import rays_at
from ondr.planes import of_image, places, take
from ondr.raster.visibility import SAMPLES, Fragments, Visibility

WHOLE = (1 << len(SAMPLES)) - 1
CHUNK = 65536
"""Fragments shaded at once when eager. torch gives each core at least 32k elements, so that 64k keep two busy."""
LARGE = 2**15
"""Image size in pixels from which images are shaded one by one: values that an image's pixels share, above all its
lights, are then not fetched per pixel, which saves more than the additional calls cost."""


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
    """Groups the samples of each pixel: those that see one instance and smooth patch make one fragment.

    Args:
        visibility: What the pixels' centres see.
        triangle: Row of the bank's triangles at each of `SAMPLES`; -1 for none.
        slot: Which of the image's instances, likewise.
        patches: `Bank.patches`.
    """
    triangle, slot = triangle.flatten(0, 2), slot.flatten(0, 2)
    surface = _surface(triangle, slot, patches)
    whole = (surface[:, 1:] == surface[:, :1]).all(1)
    # A fragment is listed at its first sample, which no earlier one equals. Most pixels see a single surface.
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
    """Returns where within a pixel each mask of samples is shaded: at the samples' mean, or the centre for all."""
    means = [(0.5, 0.5)]
    for mask in range(1, WHOLE + 1):
        chosen = [p for j, p in enumerate(SAMPLES) if mask >> j & 1]
        means.append((sum(x for x, _ in chosen) / len(chosen), sum(y for _, y in chosen) / len(chosen)))
    return torch.tensor(means)


MEANS = sample_means()


def shade_fragments(
    tables: ShadingTables,
    fragments: Fragments,
    size: tuple[int, int],
    *,
    trilinear: bool,
    compile: bool,
    out: Float[Tensor, "3 fragment"] | None = None,
) -> Float[Tensor, "3 fragment"]:
    """Returns linear RGB of each fragment.

    Args:
        tables: The batch's.
        fragments: The batch's.
        size: Height and width of the image.
        trilinear: Blend two mip levels rather than take the nearest.
        compile: Run as a compiled loop; not differentiable.
        out: Memory for the result of a compiled loop; None: new memory.
    """
    if len(fragments.pixel) == 0:
        return tables.inverse_intrinsics.new_zeros(3, 0)
    lists = list(leaves_of(fragments))
    shared, pixels = FragmentTables(tables, MEANS.to(tables.inverse_intrinsics)), size[0] * size[1]
    if not compile and pixels < LARGE:
        return _in_chunks(shared, lists, size, trilinear, False)
    parts = _of_images(fragments.pixel, len(tables.inverse_intrinsics), pixels)
    if compile:
        jobs = [Job(of_image(shared, image), first, end) for image, first, end in parts]
        return run(shade_list, jobs, lists, size, trilinear, True, out=out)
    colors = [
        _in_chunks(of_image(shared, image), [plane[first:end] for plane in lists], size, trilinear, True)
        for image, first, end in parts
    ]
    return torch.cat(colors, dim=1)


@dataclass(frozen=True)
class FragmentTables:
    """Inputs of the fragments' colours."""

    PER_IMAGE: ClassVar[tuple[str, ...]] = ()

    shading: ShadingTables
    means: Float[Tensor, "mask 2"]
    """`sample_means`."""


def _of_images(pixel: Int32[Tensor, "fragment"], batch: int, pixels: int) -> Iterator[tuple[int, int, int]]:
    """Yields each image with fragments, its first fragment and the one after its last."""
    starts = torch.arange(batch + 1, dtype=torch.int32) * pixels
    bounds = torch.searchsorted(pixel, starts).tolist()
    for image, (first, end) in enumerate(itertools.pairwise(bounds)):
        if first < end:
            yield image, first, end


def _in_chunks(
    tables: FragmentTables, lists: Sequence[Tensor], size: tuple[int, int], trilinear: bool, alone: bool
) -> Float[Tensor, "3 fragment"]:
    """Shades operation by operation, in chunks that fit into the cache."""
    parts = []
    for start in range(0, len(lists[0]), CHUNK):
        pixel, triangle, instance, mask = (plane[start : start + CHUNK] for plane in lists)
        parts.append(shade_list(tables, pixel, triangle, instance, mask, size, trilinear, alone))
    return torch.cat(parts, dim=1)


def shade_list(
    tables: FragmentTables,
    pixel: Tensor,
    triangle: Tensor,
    instance: Tensor,
    mask: Tensor,
    size: tuple[int, int],
    trilinear: bool,
    alone: bool = False,
) -> Float[Tensor, "3 fragment"]:
    """Returns linear RGB of some fragments, shaded at the mean position of their samples.

    Args:
        tables: The batch's.
        pixel: As in `Fragments`.
        triangle: As in `Fragments`.
        instance: As in `Fragments`.
        mask: As in `Fragments`.
        size: Height and width of the image.
        trilinear: Blend two mip levels rather than take the nearest.
        alone: Whether all fragments belong to one image, whose tables `of_image` returned.
    """
    number, row, column = places(pixel, size)
    image = None if alone else number
    offset_x, offset_y = take(tables.means, mask.int())
    shading, x, y = tables.shading, offset_x + column, offset_y + row
    ray_x, ray_y = rays_at(shading.inverse_intrinsics, shading.distortion, image, x, y)
    return torch.stack(shade(shading, triangle, instance, image, ray_x, ray_y, trilinear=trilinear))
