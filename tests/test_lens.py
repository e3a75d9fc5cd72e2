"""The lens's model against kornia's, which follows OpenCV's, and against what is known of it in closed form."""

from __future__ import annotations

import math

import pytest
import torch
from kornia.geometry.calibration import distort_points

import ondr
from ondr.lens import LOOKS, WIDEST, distort, distort_all, fold_radius, folds_within, rays_at, reaches, undistort

LENSES = torch.tensor(
    [
        [-0.28, 0.07, 0.001, -0.002, 0.0],
        [0.3, -0.1, 0.01, 0.005, 0.02],
        [-0.1, 0.0, 0.03, 0.05, 0.0],
        [0.0, 0.0, 0.0, 0.0, 0.0],
    ],
    dtype=torch.float64,
)


def rays() -> torch.Tensor:
    """Returns points of a grid up to 38 degrees from the axis, `[N, 2]`."""
    axis = torch.linspace(-0.55, 0.55, 23, dtype=torch.float64)
    return torch.cartesian_prod(axis, axis)


def columns(lens: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return tuple(lens.unbind())


@pytest.mark.parametrize("lens", LENSES)
def test_points_go_where_kornia_has_them(lens: torch.Tensor) -> None:
    points, eye = rays(), torch.eye(3, dtype=torch.float64)
    x, y = distort(points[:, 0], points[:, 1], columns(lens))
    torch.testing.assert_close(torch.stack([x, y], -1), distort_points(points, eye, lens), rtol=0, atol=1e-12)


@pytest.mark.parametrize("lens", LENSES)
def test_rays_come_back(lens: torch.Tensor) -> None:
    points = rays().float()
    there = distort(points[:, 0], points[:, 1], columns(lens.float()))
    back = undistort(*there, columns(lens.float()))
    # Float32 rounds each of a dozen operations to 6e-8.
    torch.testing.assert_close(torch.stack(back, -1), points, rtol=0, atol=2e-6)
    assert reaches(*back, *there, columns(lens.float())).all()


def test_rays_through_pixels_undo_the_projection() -> None:
    k = torch.tensor([[[300.0, 4, 120], [0, 280, 90], [0, 0, 1]], [[-200.0, 0, 60], [0, 210, 70], [0, 0, 1]]]).double()
    image, x, y = torch.tensor([0, 1, 1]), torch.tensor([3.5, 9, 100]).double(), torch.tensor([7.5, 2, 50]).double()
    ray = torch.stack([*rays_at(torch.linalg.inv(k), None, image, x, y), torch.ones(3).double()], dim=-1)
    back = torch.einsum("nij,nj->ni", k[image], ray)
    torch.testing.assert_close(back, torch.stack([x, y, torch.ones(3).double()], dim=-1), atol=1e-10, rtol=0)


def test_where_a_barrel_folds() -> None:
    k1 = torch.tensor([-0.5, -0.2, 0.0, 0.3])
    reach = fold_radius(torch.stack([k1, *[torch.zeros(4)] * 4], dim=1))
    # r (1 + k1 r^2) grows up to r = 1 / sqrt(-3 k1); looked for in steps of WIDEST / LOOKS.
    expected = torch.tensor([1 / math.sqrt(1.5), 1 / math.sqrt(0.6), WIDEST, WIDEST])
    torch.testing.assert_close(reach, expected, rtol=0, atol=WIDEST / LOOKS)


def test_past_the_fold_no_ray_is_found() -> None:
    lens = columns(torch.tensor([-0.5, 0.0, 0.0, 0.0, 0.0]))
    # The widest circle of the image is 2/3 of the fold's radius, 0.544.
    x = torch.tensor([0.5, 0.54, 0.55, 0.7, 3.0])
    found = undistort(x, torch.zeros(5), lens)
    assert reaches(*found, x, torch.zeros(5), lens).tolist() == [True, True, False, False, False]
    assert torch.isfinite(torch.stack(found)).all()


def test_past_the_fold_points_go_on_outwards() -> None:
    lens, radius = torch.tensor([[-0.5, 0.0, 0.0, 0.0, 0.0]]), torch.linspace(0, 20, 400)
    bent, _ = distort_all(radius, torch.zeros(400), columns(lens[0]), fold_radius(lens))
    assert (bent.diff() > 0).all()


def test_whether_a_lens_folds_an_image() -> None:
    assert folds_within({"k1": -0.5}, 0.55)
    assert not folds_within({"k1": -0.5}, 0.53)
    assert not folds_within({"k1": 0.5}, 100)
    # Held back by a stronger k2, which wins further out.
    assert not folds_within({"k1": -0.3, "k2": 0.1}, 100)


def test_a_config_whose_lens_folds_the_image_is_refused() -> None:
    with pytest.raises(ondr.errors.ConfigError, match=r"camera.distortion must send a ray to every pixel, got.*-0.5"):
        ondr.Config(camera={"fov_degrees": [40, 80], "distortion": {"k1": [-0.5, 0]}})
    ondr.Config(camera={"fov_degrees": [20, 30], "distortion": {"k1": [-0.5, 0]}})
