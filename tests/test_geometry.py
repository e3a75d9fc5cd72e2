"""Frames: inverses, compositions, round trips, and hand-computed directions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import trimesh

from ondr import geometry
from tests.worlds import random_poses

# float64 throughout: what is left is the rounding of sines and cosines.
CLOSE = {"atol": 1e-12, "rtol": 0}


def quaternions(n: int = 50) -> torch.Tensor:
    u = torch.rand(n, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return geometry.quaternion_from_uniforms(u)


def test_quaternions_have_unit_length() -> None:
    torch.testing.assert_close(quaternions().norm(dim=-1), torch.ones(50, dtype=torch.float64), **CLOSE)


def test_rotation_agrees_with_trimesh() -> None:
    q = quaternions()
    expected = [trimesh.transformations.quaternion_matrix(row.numpy())[:3, :3] for row in q]
    torch.testing.assert_close(geometry.rotation_from_quaternion(q), torch.from_numpy(np.stack(expected)), **CLOSE)


def test_product_is_the_matrix_product_of_any_shapes() -> None:
    draw = torch.Generator().manual_seed(0)
    for a, b in (((5, 1, 3, 3), (4, 3, 2)), ((2, 7, 3), (2, 3, 3)), ((0, 3, 3), (0, 3, 1))):
        left, right = (torch.rand(shape, generator=draw, dtype=torch.float64) for shape in (a, b))
        torch.testing.assert_close(geometry.product(left, right), left @ right, **CLOSE)


def test_yaw_turns_x_towards_y() -> None:
    quarter = geometry.rotation_from_quaternion(geometry.yaw_quaternion(torch.tensor(0.25, dtype=torch.float64)))
    torch.testing.assert_close(
        quarter @ torch.tensor([1.0, 0, 0]).double(), torch.tensor([0.0, 1, 0]).double(), **CLOSE
    )
    torch.testing.assert_close(quarter, geometry.rotation_about("z", torch.tensor(90.0, dtype=torch.float64)), **CLOSE)


@pytest.mark.parametrize(
    ("azimuth", "elevation", "direction"), [(0, 0, (1, 0, 0)), (90, 0, (0, 1, 0)), (33, 90, (0, 0, 1))]
)
def test_directions(azimuth: float, elevation: float, direction: tuple[float, ...]) -> None:
    made = geometry.direction_from_angles(*(torch.tensor(a, dtype=torch.float64) for a in (azimuth, elevation)))
    torch.testing.assert_close(made, torch.tensor(direction, dtype=torch.float64), **CLOSE)


def test_the_level_camera_looks_along_y_with_z_up() -> None:
    camera = torch.tensor(geometry.CAMERA_FROM_WORLD)
    assert (camera @ torch.tensor([0.0, 1, 0])).tolist() == [0, 0, 1]  # ahead: forward
    assert (camera @ torch.tensor([0.0, 0, 1])).tolist() == [0, -1, 0]  # up: against y, which runs down
    assert (camera @ torch.tensor([1.0, 0, 0])).tolist() == [1, 0, 0]
    assert torch.linalg.det(camera) == 1


@pytest.mark.parametrize("size", [(400, 1200), (1200, 400), (256, 256)])
def test_the_field_of_view_spans_the_longer_side(size: tuple[int, int]) -> None:
    k = geometry.intrinsics_from_fov(torch.tensor([60.0], dtype=torch.float64), size)[0]
    half = math.degrees(math.atan(max(size) / 2 / k[0, 0].item()))
    assert half == pytest.approx(30)
    assert k[:2, 2].tolist() == [size[1] / 2, size[0] / 2]
    assert k[0, 0] == k[1, 1]


def test_transform_applies_rotation_then_translation() -> None:
    rotation = geometry.rotation_from_quaternion(quaternions(4))
    translation = torch.arange(12, dtype=torch.float64).reshape(4, 3)
    point = torch.tensor([1.0, 2, 3, 1], dtype=torch.float64)
    made = geometry.transform(rotation, translation) @ point
    torch.testing.assert_close(made[:, :3], rotation @ point[:3] + translation, **CLOSE)
    assert made[:, 3].tolist() == [1, 1, 1, 1]


def test_inverse() -> None:
    random = np.random.default_rng(0)
    matrices = random_poses(random, (50,), (1, 2), 1e-4, 0.1)[:, :, :3] * torch.tensor([1.0, 20.0, 0.1])
    product = geometry.invert(matrices) @ matrices
    # Columns that differ 200-fold cost that much of float32's 1e-7.
    torch.testing.assert_close(product, torch.eye(3).expand(50, 3, 3), rtol=0, atol=5e-5)
    assert geometry.invert(torch.zeros(1, 3, 3)).eq(0).all()
