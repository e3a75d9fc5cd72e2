"""The CUDA rasterizer, on nvdiffrast, which `plugin` alone imports.

nvdiffrast is under a non-commercial licence and an extra. Its conventions are turned into ours in `soup`; how it is
found and compiled is left to `plugin`, what each instance would cover alone to `cover_triton`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

import torch
from jaxtyping import Int16, Int32, Int64
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from ondr.assets.bank import Bank
from ondr.errors import say_once
from ondr.leaves import map_leaves
from ondr.scene import Instances

from .plugin import load_nvdiffrast, make_context
from .soup import NOWHERE, Soup, decode_ids, make_soup
from .visibility import Visibility

# Its set-up searches the images one by one for every triangle.
MAX_IMAGES = 256
# It writes 32 bytes per pixel: 1 GiB for this many.
MAX_PIXELS = 2**25

# Room for triangles grows in steps, so that it grows a few times only.
CAPACITY_STEP = 2**16


def visible(
    bank: Bank, instances: Instances, intrinsics: Tensor, size: tuple[int, int], weights: Tensor | None = None
) -> Visibility:
    """Finds the triangle that each pixel's centre sees. See `ondr.raster.visible`."""
    from .cover_triton import covered_pixels

    batch, slots = instances.triangle_count.shape
    triangle, slot = _empty_ids(batch, size, bank.device)
    covered = torch.zeros(batch, slots, dtype=torch.int32, device=bank.device)
    for part, soup, ids in _draw(bank, instances, intrinsics, size):
        triangle[part], slot[part] = _name(soup, ids, slots)
        weight = None if weights is None else weights[part]
        covered[part] = covered_pixels(soup, (part.stop - part.start) * slots, size, weight).view(-1, slots)
    return Visibility(triangle=triangle, slot=slot, covered=covered)


def visible_ids(
    bank: Bank, instances: Instances, intrinsics: Tensor, size: tuple[int, int]
) -> tuple[Int32[Tensor, "batch height width"], Int16[Tensor, "batch height width"]]:
    """Finds triangle and slot only. See `ondr.raster.visible_ids`."""
    batch, slots = instances.triangle_count.shape
    triangle, slot = _empty_ids(batch, size, bank.device)
    for part, soup, ids in _draw(bank, instances, intrinsics, size):
        triangle[part], slot[part] = _name(soup, ids, slots)
    return triangle, slot


def _empty_ids(batch: int, size: tuple[int, int], device: torch.device) -> tuple[Tensor, Tensor]:
    """Returns ids of images without anything in them."""
    triangle = torch.full((batch, *size), -1, dtype=torch.int32, device=device)
    return triangle, torch.full((batch, *size), -1, dtype=torch.int16, device=device)


def _draw(
    bank: Bank, instances: Instances, intrinsics: Tensor, size: tuple[int, int]
) -> Iterator[tuple[slice, Soup, Int64[Tensor, "image height width"]]]:
    """Draws a batch in parts of equally many images; yields each part, its triangles, and which of them is seen."""
    batch = len(intrinsics)
    counts = _counts_on_host(instances.triangle_count)
    images = max(min(batch, MAX_IMAGES, MAX_PIXELS // (size[0] * size[1])), 1)
    for start in range(0, batch, images):
        part = slice(start, min(start + images, batch))
        chosen = map_leaves(instances, itemgetter(part))
        total = int(counts[part].sum())
        if total == 0:
            continue
        soup = make_soup(bank, chosen, intrinsics[part], size, total)
        yield part, soup, _rasterize(soup, image_ranges(counts[part], images), size)[: part.stop - start]


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


def image_ranges(counts: Int64[Tensor, "image"], images: int) -> Int32[Tensor, "padded 2"]:
    """Returns the first triangle and the number of triangles of each image, padded with empty images."""
    counts = torch.cat([counts, counts.new_zeros(images - len(counts))])
    return torch.stack([counts.cumsum(0) - counts, counts], dim=1).int()


def _rasterize(soup: Soup, ranges: Tensor, size: tuple[int, int]) -> Int64[Tensor, "image height width"]:
    """Calls nvdiffrast; returns which triangle of the soup each pixel sees, -1 for none."""
    device = soup.corners.device
    corners = pad_corners(soup.corners, _capacity(device, len(soup.row)))
    stream = torch.cuda.current_stream(device).cuda_stream
    with torch.no_grad():
        seen, _ = load_nvdiffrast().rasterize(
            _context(device, stream, len(ranges), size),
            corners.view(-1, 4),
            _index_buffer(device, len(corners)),
            resolution=size,
            ranges=ranges,
            grad_db=False,
        )
    return decode_ids(seen[..., 3])


def pad_corners(corners: Tensor, capacity: int) -> Tensor:
    """Returns corners with room for `capacity` triangles, the rest of which are never drawn."""
    padded = corners.new_empty(capacity, 3, 4)
    padded[: len(corners)] = corners
    for column, nowhere in enumerate(NOWHERE):
        padded[len(corners) :, :, column] = nowhere
    return padded


# One per buffer size: a context that is used with another one frees and allocates, which waits for the device.
@functools.lru_cache(maxsize=8)
def _context(device: torch.device, stream: int, images: int, size: tuple[int, int]) -> Any:
    return make_context(device)


# Memory that only grows: the room in which a device's triangles are counted, and the index buffer that fills it.
_capacities: dict[torch.device, int] = {}


def _capacity(device: torch.device, total: int) -> int:
    """Returns for how many triangles there is room; grows it, and says so, where they do not fit."""
    grown = grow(_capacities.get(device, 0), total)
    if grown != _capacities.get(device, 0):
        _capacities[device] = grown
        say_once(f"nvdiffrast on {device} has room for {grown} triangles in a batch.")
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


def _name(soup: Soup, ids: Tensor, slots: int) -> tuple[Tensor, Tensor]:
    """Turns rows of the soup into rows of the bank and slots."""
    seen, at = ids >= 0, ids.clamp(min=0)
    triangle = torch.where(seen, soup.row[at], -1).int()
    return triangle, torch.where(seen, soup.instance[at] % slots, -1).short()
