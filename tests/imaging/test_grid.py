"""The grid: its background and antialiasing by hand, and that it is shading and exposure, one after the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ondr.imaging.background import background_planes
from ondr.imaging.grid import Grid, develop_grid, mean_of_samples, shade_grid
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


def ids(step: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns random triangles and slots, a third of them empty."""
    generator = torch.Generator().manual_seed(step)
    slot = torch.randint(-1, 2, (BATCH, SIZE[0] * step, SIZE[1] * step), generator=generator).to(torch.int16)
    return torch.where(slot >= 0, torch.randint(0, 2, slot.shape, generator=generator), -1).int(), slot


@pytest.mark.parametrize("step", [1, 2])
def test_samples_are_averaged_over_the_background(step: int):
    tables, behind, color = world()
    triangle, slot = ids(step)
    under = torch.stack(background_planes(behind, SIZE), dim=-1)
    samples = under.repeat_interleave(step, 1).repeat_interleave(step, 2)
    samples = torch.where((slot >= 0)[..., None], color[0][slot.clamp_min(0).long()], samples)
    expected = torch.nn.functional.avg_pool2d(samples.permute(0, 3, 1, 2), step)
    torch.testing.assert_close(
        shade_grid(tables, behind, Grid(triangle, slot), SIZE, False), expected, rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("step", [1, 2])
def test_developed_at_once_equals_shaded_then_exposed(step: int):
    tables, behind, _ = world()
    drawn = effects(BATCH, brightness=torch.tensor([0.8, 1, 1.3]), noise_std=torch.tensor([0.1, 0, 0.02]))
    what, numbers = (tables, behind, Grid(*ids(step)), SIZE, False), torch.tensor([5, 2**33, 8])
    expected = expose_fused(shade_grid(*what), drawn, normal_table(), 3, numbers)
    assert torch.equal(develop_grid(*what, drawn, normal_table(), 3, numbers), expected)


def test_mean_of_samples():
    plane = torch.arange(2 * 4 * 6.0)
    expected = torch.nn.functional.avg_pool2d(plane.view(2, 4, 6), 2).flatten()
    assert torch.equal(mean_of_samples(plane, (2, 2, 3)), expected)
