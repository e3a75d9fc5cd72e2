"""The CUDA rasterizer, on nvdiffrast, which `plugin` alone imports.

nvdiffrast is under a non-commercial licence and an extra. Its conventions are turned into ours in `soup`; how it is
found and compiled is left to `plugin`, what each instance would cover alone to `cover_triton`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any

import torch
from jaxtyping import Float32, Int32, Int64
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from ondr.assets.bank import Bank
from ondr.errors import say_once
from ondr.leaves import leaves_of, map_leaves
from ondr.scene import Instances

from .plugin import load_nvdiffrast, make_context
from .soup import Ids, Soup, make_soup, seen_by_pixels, seen_by_samples
from .visibility import SampleGrid, Visibility

# Its set-up searches the images one by one for every triangle.
MAX_IMAGES = 256
# It writes 32 bytes per pixel: 1 GiB for this many.
MAX_PIXELS = 2**25

# Room for triangles grows in steps, so that it grows a few times only.
CAPACITY_STEP = 2**16


def visible(
    bank: Bank,
    instances: Instances,
    intrinsics: Tensor,
    size: tuple[int, int],
    weights: Tensor | None = None,
    *,
    compile: bool = False,
) -> Visibility:
    """Finds the triangle that each pixel's centre sees. See `ondr.raster.visible`."""
    from .cover_triton import covered_pixels

    slots = instances.triangle_count.shape[1]
    covered = torch.zeros(len(intrinsics), slots, dtype=torch.int32, device=bank.device)
    parts = []
    for part, drawn in _draw(bank, instances, intrinsics, size, compile):
        if drawn is None:
            parts.append(_nothing(part, size, bank.device))
            continue
        soup, found = drawn
        parts.append(seen_by_pixels(soup, found, slots, compile=compile))
        weight = None if weights is None else weights[part]
        alone = covered_pixels(soup, len(found) * slots, size, weight, compile=compile)
        covered[part] = alone.view(-1, slots)
    triangle, slot = _joined(parts)
    return Visibility(triangle=triangle, slot=slot, covered=covered)


def visible_ids(
    bank: Bank, instances: Instances, intrinsics: Tensor, size: tuple[int, int], *, compile: bool = False
) -> Ids:
    """Finds triangle and slot only. See `ondr.raster.visible_ids`."""
    slots = instances.triangle_count.shape[1]
    parts = [
        _nothing(part, size, bank.device) if drawn is None else seen_by_pixels(*drawn, slots, compile=compile)
        for part, drawn in _draw(bank, instances, intrinsics, size, compile)
    ]
    triangle, slot = _joined(parts)
    return triangle, slot


def visible_samples(
    bank: Bank, instances: Instances, intrinsics: Tensor, size: tuple[int, int], *, compile: bool = False
) -> SampleGrid:
    """Finds triangle, slot and 1 / depth of an image of samples. See `ondr.raster.supersampled`."""
    slots = instances.triangle_count.shape[1]
    parts: list[tuple[Tensor, ...]] = []
    for part, drawn in _draw(bank, instances, intrinsics, size, compile):
        if drawn is None:
            triangle, slot = _nothing(part, size, bank.device)
            parts.append((triangle, slot, torch.zeros(triangle.shape, device=bank.device)))
        else:
            parts.append(tuple(leaves_of(seen_by_samples(*drawn, slots, compile=compile))))
    return SampleGrid(*_joined(parts))


def _joined(parts: Sequence[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    return parts[0] if len(parts) == 1 else tuple(torch.cat(planes) for planes in zip(*parts, strict=True))


def _draw(
    bank: Bank, instances: Instances, intrinsics: Tensor, size: tuple[int, int], compile: bool
) -> Iterator[tuple[slice, tuple[Soup, Float32[Tensor, "image height width 4"]] | None]]:
    """Draws a batch in parts of equally many images; yields each part with its triangles and what nvdiffrast returns
    for them, or with None if it has no triangles."""
    batch = len(intrinsics)
    counts = _counts_on_host(instances.triangle_count)
    images = max(min(rounded_up(batch), MAX_IMAGES, MAX_PIXELS // (size[0] * size[1])), 1)
    for start in range(0, max(batch, 1), images):
        part = slice(start, min(start + images, batch))
        total = int(counts[part].sum())
        if total == 0:
            yield part, None
            continue
        chosen = map_leaves(instances, itemgetter(part))
        room = _capacity((bank.device, images, size), total)
        soup = make_soup(bank, chosen, intrinsics[part], size, room, compile=compile)
        yield part, (soup, _rasterize(soup, image_ranges(counts[part], images), size)[: part.stop - start])


def _nothing(part: slice, size: tuple[int, int], device: torch.device) -> Ids:
    """Returns the ids of images without anything in them."""
    shape = (part.stop - part.start, *size)
    triangle = torch.full(shape, -1, dtype=torch.int32, device=device)
    return triangle, torch.full(shape, -1, dtype=torch.int16, device=device)


_known_counts = WeakTensorKeyDictionary()


def _counts_on_host(count: Int32[Tensor, "batch slot"]) -> Int64[Tensor, "batch"]:
    """Returns the number of triangles of each image, on the host, where nvdiffrast takes the ranges.

    This waits for the device: once for each batch, however often it is drawn.
    """
    if count.is_inference():
        return count.sum(dim=1).cpu()
    known = _known_counts.get(count)
    if known is None or known[0] != count._version:
        known = _known_counts[count] = count._version, count.sum(dim=1).cpu()
    return known[1]


def rounded_up(images: int) -> int:
    """Returns a number of images for which there is a context: a quarter more at most, so that parts of a batch of
    varying size, as those with shadows, share a few contexts."""
    step = max(1 << max(images - 1, 0).bit_length() >> 3, 1)
    return -(-images // step) * step


def image_ranges(counts: Int64[Tensor, "image"], images: int) -> Int32[Tensor, "padded 2"]:
    """Returns the first triangle and the number of triangles of each image, padded with empty images."""
    counts = torch.cat([counts, counts.new_zeros(images - len(counts))])
    return torch.stack([counts.cumsum(0) - counts, counts], dim=1).int()


def _rasterize(soup: Soup, ranges: Tensor, size: tuple[int, int]) -> Float32[Tensor, "image height width 4"]:
    """Calls nvdiffrast."""
    device = soup.corners.device
    stream = torch.cuda.current_stream(device).cuda_stream
    with torch.no_grad():
        found: Tensor = load_nvdiffrast().rasterize(
            _context(device, stream, len(ranges), size),
            soup.corners.view(-1, 4),
            _index_buffer(device, max(n for (d, *_), n in _capacities.items() if d == device))[: len(soup.corners)],
            resolution=size,
            ranges=ranges,
            grad_db=False,
        )[0]
    return found


# One per buffer size: a context that is used with another one frees and allocates, which waits for the device.
@functools.lru_cache(maxsize=8)
def _context(device: torch.device, stream: int, images: int, size: tuple[int, int]) -> Any:
    return make_context(device)


Kind = tuple[torch.device, int, tuple[int, int]]
"""Device, number of images and size of a kind of drawing."""

# For how many triangles there is room in a drawing of each kind; it only grows.
_capacities: dict[Kind, int] = {}


def _capacity(kind: Kind, total: int) -> int:
    """Returns for how many triangles there is room; grows it, and says so, where they do not fit."""
    grown = grow(_capacities.get(kind, 0), total)
    if grown != _capacities.get(kind, 0):
        _capacities[kind] = grown
        say_once(f"nvdiffrast on {kind[0]} has room for {grown} triangles in a batch.")
    return grown


def grow(capacity: int, total: int) -> int:
    """Returns the capacity, or where it is too small a greater one with a quarter to spare."""
    if total <= capacity:
        return capacity
    return (total * 5 // 4 // CAPACITY_STEP + 1) * CAPACITY_STEP


@functools.lru_cache(maxsize=2)
def _index_buffer(device: torch.device, capacity: int) -> Tensor:
    """Returns an index buffer for triangles that share no corners."""
    buffer = torch.arange(3 * capacity, dtype=torch.int32, device=device).view(-1, 3)
    # Later calls may come from other streams.
    torch.cuda.current_stream(device).synchronize()
    return buffer
