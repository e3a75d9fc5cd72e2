"""Edges: pixels whose samples see different surfaces, against the same rules written pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ondr.imaging.edges import grid_with_edges
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


@pytest.mark.parametrize("with_depth", [False, True])
def test_edges_are_found_pixel_by_pixel(with_depth: bool) -> None:
    random = np.random.default_rng(0)
    height, width = SIZE
    seen = Visibility(*random_ids(random, height, width), torch.zeros(BATCH, 2, dtype=torch.int32))
    triangle, slot = random_ids(random, 2 * height, 2 * width)
    nearness = torch.from_numpy(random.choice([0.7, 1.0], triangle.shape)).float()
    samples = SampleGrid(triangle, slot, nearness if with_depth else None)
    grid = grid_with_edges(seen, samples, PATCHES, STEP)
    expected = []
    for image, y, x in np.ndindex(BATCH, height, width):
        at = [(image, 2 * y + j, 2 * x + i) for j in (0, 1) for i in (0, 1)]
        points = [(int(triangle[p]), int(slot[p]), float(nearness[p]) if with_depth else 1.0) for p in at]
        if not all(is_alike(points[0], point, float(STEP[image])) for point in points[1:]):
            number = (image * height + y) * width + x
            expected.append((number, [p[0] for p in points], [p[1] for p in points]))
            continue
        center = (int(seen.triangle[image, y, x]), int(seen.slot[image, y, x]), points[0][2])
        chosen = center if is_alike(points[0], center, 1.0) else points[0]
        assert (int(grid.triangle[image, y, x]), int(grid.slot[image, y, x])) == chosen[:2]
    assert grid.edges is not None
    found = zip(*(plane.tolist() for plane in vars(grid.edges).values()), strict=True)
    assert list(found) == expected
    assert 20 < len(expected) < 0.9 * BATCH * height * width


def test_without_edges_there_is_no_list() -> None:
    triangle, slot = torch.zeros(1, 4, 4, dtype=torch.int32), torch.zeros(1, 4, 4, dtype=torch.int16)
    seen = Visibility(triangle, slot, torch.zeros(1, 1, dtype=torch.int32))
    twice = (plane.repeat_interleave(2, 1).repeat_interleave(2, 2) for plane in (triangle, slot))
    assert grid_with_edges(seen, SampleGrid(*twice), PATCHES, STEP[:1]).edges is None
