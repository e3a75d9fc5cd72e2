"""Which points are shaded, against the same rules written pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ondr.imaging.points import ShadingPoints, points_of_centers, points_of_samples
from ondr.raster.visibility import SampleGrid, Visibility

BATCH, SIZE = 2, (7, 9)
PATCHES = torch.tensor([0, 0, 1, 1, 2], dtype=torch.int32)
STEP = torch.tensor([0.1, 0.4])


def random_ids(random: np.random.Generator, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns triangles and slots, smooth enough that many pixels see one surface."""
    slot = random.integers(-1, 2, (BATCH, height // 4 + 1, width // 4 + 1)).repeat(4, 1).repeat(4, 2)
    slot = slot[:, :height, :width]
    triangle = np.where(slot >= 0, random.choice([0, 1, 1, 1, 2], slot.shape), -1)
    return torch.from_numpy(triangle).int(), torch.from_numpy(slot).short()


def is_alike(one: tuple[int, int, float], other: tuple[int, int, float], step: float) -> bool:
    """Returns whether (triangle, slot, nearness) are of one surface, or both of none."""
    if one[1] != other[1]:
        return False
    smooth = PATCHES[one[0]] == PATCHES[other[0]] and abs(one[2] - other[2]) <= step * one[2]
    return one[0] == other[0] or bool(smooth)


Point = tuple[int, int, int, int]
"""Pixel, triangle, slot, sample."""


def as_list(points: ShadingPoints) -> list[Point]:
    planes = (points.pixel, points.triangle, points.slot, points.sample)
    return list(zip(*(plane.tolist() for plane in planes), strict=True))


@pytest.mark.parametrize("with_depth", [False, True])
def test_points_are_those_of_each_pixel(with_depth: bool) -> None:
    random = np.random.default_rng(0)
    height, width = SIZE
    seen = Visibility(*random_ids(random, height, width), torch.zeros(BATCH, 2, dtype=torch.int32))
    triangle, slot = random_ids(random, 2 * height, 2 * width)
    nearness = torch.from_numpy(random.choice([0.7, 1.0], triangle.shape)).float()
    samples = SampleGrid(triangle, slot, nearness if with_depth else None)
    points = points_of_samples(seen, samples, PATCHES, STEP)
    centers: list[Point] = []
    edges: list[Point] = []
    for pixel, (image, y, x) in enumerate(np.ndindex(BATCH, height, width)):
        at = [(image, 2 * y + j, 2 * x + i) for j in (0, 1) for i in (0, 1)]
        here = [(int(triangle[p]), int(slot[p]), float(nearness[p]) if with_depth else 1.0) for p in at]
        if not all(is_alike(here[0], other, float(STEP[image])) for other in here[1:]):
            edges += [(pixel, *ids[:2], number) for number, ids in enumerate(here, 1)]
        elif here[0][0] >= 0:
            center = (int(seen.triangle[image, y, x]), int(seen.slot[image, y, x]), here[0][2])
            chosen = center if is_alike(here[0], center, 1.0) else here[0]
            centers.append((pixel, *chosen[:2], 0))
    assert as_list(points) == centers + edges
    assert points.edges == len(edges) // 4 > 20
    assert len(centers) > 10


def test_without_antialiasing_they_are_centers() -> None:
    seen = Visibility(*random_ids(np.random.default_rng(1), *SIZE), torch.zeros(BATCH, 2, dtype=torch.int32))
    flat = zip(seen.triangle.flatten().tolist(), seen.slot.flatten().tolist(), strict=True)
    points = points_of_centers(seen)
    assert as_list(points) == [(pixel, t, s, 0) for pixel, (t, s) in enumerate(flat) if t >= 0]
    assert points.edges == 0


def test_one_surface_has_no_edges() -> None:
    triangle, slot = torch.zeros(1, 4, 4, dtype=torch.int32), torch.zeros(1, 4, 4, dtype=torch.int16)
    seen = Visibility(triangle, slot, torch.zeros(1, 1, dtype=torch.int32))
    twice = (plane.repeat_interleave(2, 1).repeat_interleave(2, 2) for plane in (triangle, slot))
    points = points_of_samples(seen, SampleGrid(*twice), PATCHES, STEP[:1])
    assert points.edges == 0
    assert as_list(points) == as_list(points_of_centers(seen))
