"""Images of points: background and antialiasing by hand, and that they are shaded and exposed, one after the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ondr.imaging import shade_points as module
from ondr.imaging.background import background_planes
from ondr.imaging.photometric import expose_fused
from ondr.imaging.points import SAMPLES_2X2, ShadingPoints
from ondr.imaging.shade_points import encoded_images, linear_images, shade_points
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


def points_with(edges: list[int]) -> tuple[ShadingPoints, torch.Tensor, torch.Tensor]:
    """Returns points of random ids, the slot at each pixel's centre, and those at the samples of edges."""
    triangle, slot = (plane.flatten() for plane in ids(BATCH, *SIZE))
    slot[edges] = -1
    at = (slot >= 0).nonzero()[:, 0]
    samples = ids(len(edges), 4)
    points = ShadingPoints(
        pixel=torch.cat([at, torch.tensor(edges, dtype=torch.int64).repeat_interleave(4)]).int(),
        triangle=torch.cat([triangle[at], samples[0].flatten()]),
        slot=torch.cat([slot[at], samples[1].flatten()]),
        sample=torch.cat([torch.zeros_like(at), torch.arange(1, 5).repeat(len(edges))]).to(torch.uint8),
        edges=len(edges),
    )
    return points, slot, samples[1]


EDGES = pytest.mark.parametrize("edges", [[], [0], [5, 47, 48, 100, BATCH * 48 - 1]])


@EDGES
def test_pixels_and_the_samples_of_edges_are_composed_over_the_background(edges: list[int]):
    tables, behind, color = world()
    points, center, samples = points_with(edges)
    under = torch.stack(background_planes(behind, SIZE), dim=-1).flatten(0, 2)

    def over(slot: torch.Tensor, under: torch.Tensor) -> torch.Tensor:
        return torch.where((slot >= 0)[..., None], color[0][slot.clamp_min(0).long()], under)

    expected = over(center, under)
    expected[edges] = over(samples, under[edges][:, None]).mean(1)
    expected = expected.view(BATCH, *SIZE, 3).permute(0, 3, 1, 2)
    torch.testing.assert_close(linear_images(tables, behind, points, SIZE, False), expected, rtol=0, atol=1e-5)


@EDGES
def test_encoded_at_once_equals_shaded_then_exposed(edges: list[int]):
    tables, behind, _ = world()
    drawn = effects(BATCH, brightness=torch.tensor([0.8, 1, 1.3]), noise_std=torch.tensor([0.1, 0, 0.02]))
    what = (tables, behind, points_with(edges)[0], SIZE, False)
    exposure = (drawn, normal_table(), 3, torch.tensor([5, 2**33, 8]))
    assert torch.equal(encoded_images(*what, exposure), expose_fused(linear_images(*what), *exposure))


def test_points_are_shaded_where_they_lie(monkeypatch: pytest.MonkeyPatch):
    tables, _, _ = world()
    seen: dict[str, torch.Tensor] = {}

    def shade(tables, triangle, instance, image, x, y, **_):
        seen.update(x=x, y=y, image=image)
        return x, y, x

    monkeypatch.setattr(module, "shade", shade)
    pixel, sample = torch.tensor([1, *[48 + 8 + 2] * 4]).int(), torch.arange(5).to(torch.uint8)
    shade_points(tables, pixel, torch.zeros_like(pixel), torch.zeros_like(pixel).short(), sample, SIZE, False)
    inverse = tables.inverse_intrinsics[0]
    x, y = (seen["x"] - inverse[0, 2]) / inverse[0, 0], (seen["y"] - inverse[1, 2]) / inverse[1, 1]
    assert seen["image"].tolist() == [0, 1, 1, 1, 1]
    expected = [(1.5, 0.5)] + [(2 + dx, 1 + dy) for dx, dy in SAMPLES_2X2]
    torch.testing.assert_close(torch.stack([x, y], dim=1), torch.tensor(expected), rtol=0, atol=1e-4)


def test_gradients_reach_the_light_through_pixels_and_samples():
    tables, behind, _ = world()
    ambient = tables.light.ambient.clone().requires_grad_()
    lit = replace(tables, light=replace(tables.light, ambient=ambient))
    linear_images(lit, behind, points_with([0, 5])[0], SIZE, False).sum().backward()
    assert (ambient.grad > 0).all()
