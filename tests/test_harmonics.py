"""Harmonics against integrals over the sphere that are known, or summed up slowly in numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ondr.geometry import rotation_about
from ondr.harmonics import basis, irradiance_harmonics, quadratic_forms, turned


def sphere(rows: int = 128) -> tuple[np.ndarray, np.ndarray]:
    """Returns directions of an equirectangular grid and their solid angles, in float64."""
    polar, azimuth = (np.arange(rows) + 0.5) / rows * math.pi, (np.arange(2 * rows) + 0.5) / rows * math.pi
    p, a = np.meshgrid(polar, azimuth, indexing="ij")
    directions = np.stack([np.sin(p) * np.cos(a), np.sin(p) * np.sin(a), np.cos(p)], axis=-1).reshape(-1, 3)
    # The exact area of each cell.
    edges = np.cos(np.arange(rows + 1) / rows * math.pi)
    return directions, np.repeat((edges[:-1] - edges[1:]) * math.pi / rows, 2 * rows)


def harmonics_of(radiance: np.ndarray, directions: np.ndarray, solid_angle: np.ndarray) -> torch.Tensor:
    return irradiance_harmonics(*(torch.tensor(a) for a in (radiance, directions, solid_angle)))


def evaluated(harmonics: torch.Tensor, normals: np.ndarray) -> np.ndarray:
    return (basis(torch.tensor(normals)) @ harmonics).numpy()


def some_normals(count: int = 50) -> np.ndarray:
    normals = np.random.default_rng(0).normal(size=(count, 3))
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


def smooth_map(directions: np.ndarray) -> np.ndarray:
    """A bright soft window, a dim wall and a floor: what rooms look like, three colours."""
    x, y, z = directions.T
    window = np.exp(4 * (x - 1))
    return np.stack([0.3 + 2 * window, 0.4 + 1.5 * window + 0.2 * y, 0.5 + window + 0.3 * np.maximum(z, 0)], axis=-1)


def test_the_functions_are_orthonormal():
    directions, solid_angle = sphere()
    values = basis(torch.tensor(directions)).numpy()
    gram = values.T @ (values * solid_angle[:, None])
    # The grid's midpoint rule is off by 1e-4.
    np.testing.assert_allclose(gram, np.eye(9), atol=3e-4)


def test_a_uniform_sky_lights_all_sides_alike():
    directions, solid_angle = sphere()
    harmonics = harmonics_of(np.full((len(directions), 3), 0.7), directions, solid_angle)
    np.testing.assert_allclose(evaluated(harmonics, some_normals()), 0.7, rtol=1e-3)


def test_light_from_above_alone():
    directions, solid_angle = sphere()
    harmonics = harmonics_of((directions[:, 2:] > 0).astype(float), directions, solid_angle)
    normals = some_normals()
    # A half sphere's irradiance is (1 + z) / 2, which is of order 1; order 2 adds nothing.
    np.testing.assert_allclose(evaluated(harmonics, normals)[:, 0], (1 + normals[:, 2]) / 2, atol=2e-3)


def test_any_smooth_map_within_three_percent():
    directions, solid_angle = sphere()
    radiance = smooth_map(directions)
    normals = some_normals()
    cosines = np.maximum(normals @ directions.T, 0) / math.pi
    exact = cosines @ (radiance * solid_angle[:, None])
    # Ramamoorthi and Hanrahan 2001: order 2 is off by 1 % on average, 3 % at most on real maps (of the mean here).
    off = np.abs(evaluated(harmonics_of(radiance, directions, solid_angle), normals) - exact) / exact.mean()
    assert off.mean() < 0.01
    assert off.max() < 0.03


@pytest.mark.parametrize("degrees", [0.0, 30.0, 90.0, -145.0])
def test_turning_coefficients_turns_the_map(degrees):
    directions, solid_angle = sphere(64)
    back = np.linalg.inv(rotation_about("z", torch.tensor([degrees]).double())[0].numpy())
    turned_map = smooth_map(directions @ back.T)
    expected = harmonics_of(turned_map, directions, solid_angle)
    original = harmonics_of(smooth_map(directions), directions, solid_angle)
    actual = turned(original[None], torch.tensor([degrees]).double())[0]
    np.testing.assert_allclose(actual, expected, atol=1e-4)


def test_each_image_turns_by_its_own_angle():
    harmonics = torch.randn(3, 9, 3, generator=torch.Generator().manual_seed(0))
    degrees = torch.tensor([10.0, 200.0, -70.0])
    one_by_one = torch.cat([turned(harmonics[i : i + 1], degrees[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(turned(harmonics, degrees), one_by_one)


def test_quadratic_forms_are_the_same_function():
    harmonics = torch.randn(2, 9, 3, generator=torch.Generator().manual_seed(1)).double()
    normals = torch.tensor(some_normals())
    extended = torch.cat([normals, torch.ones_like(normals[:, :1])], dim=1)
    forms = quadratic_forms(harmonics)
    actual = torch.einsum("ni,bcij,nj->bnc", extended, forms, extended)
    torch.testing.assert_close(actual, basis(normals) @ harmonics)
