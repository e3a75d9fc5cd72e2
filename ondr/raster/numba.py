"""The CPU rasterizer: one parallel loop over images, each with its own depth buffer, vertices at 1/256 pixel."""

from __future__ import annotations

import typing

import numpy as np
import torch
from numba import njit, prange

from ondr.assets.bank import Bank
from ondr.runtime.scratch import scratch
from ondr.runtime.threads_numba import numba_threads
from ondr.scene import Instances

from .fill_numba import Layers
from .fragments_numba import Decoder, Lists, group_samples, read_centers
from .lanes_numba import LANES
from .turns_numba import next_turn
from .visibility import Fragments, Visibility, silhouette_step
from .world_numba import draw_image, gather, make_scratch

UNWEIGHTED = np.zeros((1, 0, 0), np.int32)


def visible(
    bank: Bank,
    instances: Instances,
    intrinsics: torch.Tensor,
    size: tuple[int, int],
    weights: torch.Tensor | None = None,
) -> Visibility:
    """Finds the triangle that each pixel's centre sees. See `ondr.raster.visible`."""
    seen = _empty_visibility(instances, size)
    with numba_threads() as threads:
        world = gather(bank, instances, intrinsics)
        parts = min(threads, len(intrinsics))
        counts = UNWEIGHTED if weights is None else weights.contiguous().numpy()
        _draw_centers(world, parts, seen.triangle.numpy(), seen.slot.numpy(), seen.covered.numpy(), counts)
    return seen


def fragments(
    bank: Bank, instances: Instances, intrinsics: torch.Tensor, size: tuple[int, int]
) -> tuple[Visibility, Fragments]:
    """Finds what each pixel's centre and its samples see. See `ondr.raster.fragments`."""
    batch = len(intrinsics)
    seen = _empty_visibility(instances, size)
    lists = _scratch_lists(batch, LANES * size[0] * size[1])
    count = np.zeros(batch, np.int64)
    with numba_threads() as threads:
        world = gather(bank, instances, intrinsics)
        patches, step = bank.patches.contiguous().numpy(), silhouette_step(intrinsics).numpy()
        out = seen.triangle.numpy(), seen.slot.numpy(), seen.covered.numpy()
        _draw_samples(world, min(threads, batch), patches, step, *out, lists, count)
    # Inside prange, numba drops assignments to slices of a named tuple's arrays; numpy copies as fast.
    flat = (np.concatenate([rows[b, :n] for b, n in enumerate(count)] or [rows.reshape(-1)]) for rows in lists)
    return seen, Fragments(*map(torch.from_numpy, flat))


def _empty_visibility(instances: Instances, size: tuple[int, int]) -> Visibility:
    """Allocates the result."""
    batch, slots = instances.triangle_count.shape
    return Visibility(
        triangle=torch.empty(batch, *size, dtype=torch.int32),
        slot=torch.empty(batch, *size, dtype=torch.int16),
        covered=torch.empty(batch, slots, dtype=torch.int32),
    )


def _scratch_lists(batch: int, most: int) -> Lists:
    """Returns scratch for the fragments."""
    types = {"pixel": torch.int32, "triangle": torch.int32, "instance": torch.int32, "mask": torch.uint8}
    return Lists(**{name: scratch(f"fragments.{name}", batch, most, dtype=t).numpy() for name, t in types.items()})


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def _make_layers(height, width, sampled, weights):
    """Makes the empty depth buffers of one image."""
    groups = (width + LANES - 1) // LANES
    return Layers(
        width,
        np.zeros(height * groups * LANES, np.int64),
        np.zeros(height * groups * LANES * LANES if sampled else 0, np.int64),
        np.empty((height, groups), np.int32),
        weights,
    )


@typing.no_type_check
@njit(cache=True, parallel=True, error_model="numpy")
def _draw_centers(world, parts, triangle, slot, covered, weights):
    """Draws every image at the pixels' centres. Each of `parts` threads reuses its scratch."""
    batch, height, width = triangle.shape
    turn = np.zeros(1, np.int64)
    for _ in prange(parts):
        scratch, empty = make_scratch(world.vertex_count), _make_layers(height, width, False, weights[0])
        b = next_turn(turn)
        while b < batch:
            layers = Layers(empty.width, empty.centers, empty.samples, empty.cover, weights[b % len(weights)])
            draw_image(layers, scratch, world, b, covered[b])
            read_centers(layers, Decoder(world.shift, world.first_triangle[b]), triangle[b], slot[b])
            b = next_turn(turn)


@typing.no_type_check
@njit(cache=True, parallel=True, error_model="numpy")
def _draw_samples(world, parts, patches, step, triangle, slot, covered, lists, count):
    """Draws every image at the centres and at the samples, and groups the samples into fragments."""
    batch, height, width = triangle.shape
    turn = np.zeros(1, np.int64)
    for _ in prange(parts):
        scratch, layers = (
            make_scratch(world.vertex_count),
            _make_layers(height, width, True, np.empty((0, 0), np.int32)),
        )
        b = next_turn(turn)
        while b < batch:
            draw_image(layers, scratch, world, b, covered[b])
            decoder = Decoder(world.shift, world.first_triangle[b])
            count[b] = group_samples(layers, decoder, patches, step[b], b, lists)
            read_centers(layers, decoder, triangle[b], slot[b])
            b = next_turn(turn)
