"""The grid: its background and antialiasing by hand, and that it is shading and exposure, one after the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ondr.imaging import grid as module
from ondr.imaging.background import background_planes
from ondr.imaging.grid import SAMPLES_2X2, Edges, Grid, develop_grid, points_of, shade_grid, shade_points
from ondr.imaging.photometric import expose_fused
from ondr.imaging.shading import shading_tables
from ondr.noise import normal_table
from tests.scenes import background, effects, materials, pose, quad, scene, tables_behind, with_textures
from tests.worlds import bank_from_meshes, pinhole, place

SIZE = (6, 8)
BATCH = 3


def world():
    """Returns the tables of three images of a large quad, two of its slots of different colour, before a texture."""
    bank = with_textures(bank_from_meshes([quad(90, 90)]), [np.random.default_rng(0).random((8, 8, 3))])
    color = torch.tensor([[[1.0, 0.5, 0.2], [0.1, 0.2, 0.9]]]).repeat(BATCH, 1, 1)
    flat = scene(pinhole(20.0, *SIZE, batch=BATCH), 2, materials=materials(BATCH, 2, color=color))
    # Ambient light only, so that a colour is its own radiance.
    lights = replace(flat.lights, color=flat.lights.color * 0, ambient=torch.ones(BATCH, 3))
    instances = place(bank, [[0, 0]] * BATCH, pose(0, 0, 5).repeat(BATCH, 2, 1, 1))
    behind = tables_behind(bank, background(BATCH, color=(0.5, 0.8, 1.2), texture=1))
    return shading_tables(bank, replace(flat, lights=lights), instances), behind, color


def ids(*shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns random triangles and slots, a third of them empty."""
    generator = torch.Generator().manual_seed(len(shape))
    slot = torch.randint(-1, 2, shape, generator=generator).to(torch.int16)
    return torch.where(slot >= 0, torch.randint(0, 2, slot.shape, generator=generator), -1).int(), slot


def grid_of(edges: list[int]) -> Grid:
    """Returns random ids of pixels, and of the samples of some of them."""
    at = torch.tensor(edges, dtype=torch.int32)
    return Grid(*ids(BATCH, *SIZE), Edges(at, *ids(len(edges), 4)) if edges else None)


EDGES = pytest.mark.parametrize("edges", [[], [0], [5, 47, 48, 100, BATCH * 48 - 1]])


@EDGES
def test_pixels_and_the_samples_of_edges_are_composed_over_the_background(edges: list[int]):
    tables, behind, color = world()
    grid, under = grid_of(edges), torch.stack(background_planes(behind, SIZE), dim=-1)

    def over(slot: torch.Tensor, under: torch.Tensor) -> torch.Tensor:
        return torch.where((slot >= 0)[..., None], color[0][slot.clamp_min(0).long()], under)

    expected = over(grid.slot, under).flatten(0, 2)
    if grid.edges is not None:
        at = grid.edges.pixel.long()
        expected[at] = over(grid.edges.slot, under.flatten(0, 2)[at, None]).mean(1)
    expected = expected.view(BATCH, *SIZE, 3).permute(0, 3, 1, 2)
    torch.testing.assert_close(shade_grid(tables, behind, grid, SIZE, False), expected, rtol=0, atol=1e-5)


@EDGES
def test_developed_at_once_equals_shaded_then_exposed(edges: list[int]):
    tables, behind, _ = world()
    drawn = effects(BATCH, brightness=torch.tensor([0.8, 1, 1.3]), noise_std=torch.tensor([0.1, 0, 0.02]))
    what = (tables, behind, grid_of(edges), SIZE, False)
    exposure = (drawn, normal_table(), 3, torch.tensor([5, 2**33, 8]))
    assert torch.equal(develop_grid(*what, exposure), expose_fused(shade_grid(*what), *exposure))


def test_samples_are_shaded_where_they_lie(monkeypatch: pytest.MonkeyPatch):
    tables, _, _ = world()
    seen: dict[str, torch.Tensor] = {}

    def shade(tables, triangle, instance, image, x, y, **_):
        seen.update(x=x, y=y, image=image)
        return x, y, x

    monkeypatch.setattr(module, "shade", shade)
    edges = grid_of([1, 48 + 8 + 2]).edges
    shade_points(tables, points_of(edges), SIZE, False)
    inverse = tables.inverse_intrinsics[0]
    x, y = (seen["x"] - inverse[0, 2]) / inverse[0, 0], (seen["y"] - inverse[1, 2]) / inverse[1, 1]
    assert seen["image"].tolist() == [0] * 4 + [1] * 4
    expected = [(1 + dx, dy) for dx, dy in SAMPLES_2X2] + [(2 + dx, 1 + dy) for dx, dy in SAMPLES_2X2]
    torch.testing.assert_close(torch.stack([x, y], dim=1), torch.tensor(expected), rtol=0, atol=1e-4)
