"""What a surface's colour is made of: materials, textures, vertex colours, each with a colour known by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from ondr.imaging import appearance, surface
from ondr.imaging.planes import take
from tests.scenes import materials, pose, quad, with_textures
from tests.worlds import bank_from_meshes, pinhole, place

GREY = (128 / 255) ** 2
CORNERS = np.array([[[1, 0, 0], [0, 1, 0]], [[0, 0, 1], [1, 1, 1]]], float)
"""Red, green; blue, white: neither mirrored nor rotated it is the same."""


def albedo(bank, mats, points: list[tuple[float, float]], z: float = 1.0) -> torch.Tensor:
    """Returns the colour `[point, 3]` of a quad of side 2 at points of its plane, x to the right, y down."""
    instances = place(bank, [[0]], pose(0, 0, z)[None, None])
    tables = surface.surface_tables(bank, instances, torch.linalg.inv(pinhole(64.0, 128, 128)))
    x, y = torch.tensor(points).t() / z
    triangle = (x > y).logical_not().int()
    instance = torch.zeros_like(triangle)
    corners = surface.corners_of(tables, triangle, instance)
    hit = surface.intersect(corners, take(tables.object_from_camera, instance), tables.two_sided[instance], x, y)
    looks = appearance.appearance_tables(bank, mats)
    return torch.stack(appearance.albedo_at(looks, corners, hit, instance), -1)


def one(value: int | float | bool, dtype: torch.dtype | None = None) -> torch.Tensor:
    return torch.tensor([[value]], dtype=dtype)


def test_texture_is_upright_and_unmirrored():
    bank = with_textures(bank_from_meshes([quad()]), [CORNERS])
    mats = materials(texture=one(1, torch.int32))
    got = albedo(bank, mats, [(-0.5, -0.5), (0.5, -0.5), (-0.5, 0.5), (0.5, 0.5)])
    torch.testing.assert_close(got, torch.tensor(CORNERS).float().view(4, 3), rtol=0, atol=1e-4)


def test_foreign_color_and_repeats():
    bank = with_textures(bank_from_meshes([quad()]), [CORNERS])
    color = torch.tensor([[[0.2, 0.5, 0.8]]])
    mats = materials(texture=one(1, torch.int32), color=color, texture_scale=one(2.0))
    # Two repeats: the left half of the left half is red or blue, texel centres lie at odd eighths of the quad.
    got = albedo(bank, mats, [(-0.75, -0.75), (0.25, -0.75), (0.75, 0.75)])
    expected = torch.tensor([[0.2, 0, 0], [0.2, 0, 0], [0.2, 0.5, 0.8]])
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-4)


def test_own_material_texture_and_vertex_colors():
    bank = with_textures(bank_from_meshes([quad()]), [np.full((4, 4, 3), GREY)])
    red_left = torch.tensor([0xFF0000FF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFF0000FF]).to(torch.int32)
    bank = replace(
        bank,
        colors=red_left,
        material_color=torch.tensor([[0.5, 1.0, 1.0]]),
        material_texture=torch.tensor([1], dtype=torch.int32),
    )
    mats = materials(own=one(True), texture=one(0, torch.int32), color=torch.zeros(1, 1, 3))
    got = albedo(bank, mats, [(-1, 0), (0, 0), (1, 0)])
    # In the middle the square root of green and blue is half way between 0 and 1.
    factors = torch.tensor([[1, 0, 0], [1, 0.25, 0.25], [1, 1, 1]]) * torch.tensor([0.5, 1, 1]) * GREY
    torch.testing.assert_close(got, factors, rtol=0, atol=1e-5)


def test_foreign_look_hides_vertex_colors():
    bank = replace(bank_from_meshes([quad()]), colors=torch.zeros(4, dtype=torch.int32))
    assert albedo(bank, materials(), [(0.1, 0.0)]).eq(1).all()


def test_gradients_reach_colors_and_repeats():
    bank = with_textures(bank_from_meshes([quad()]), [np.random.default_rng(0).random((8, 8, 3))])
    bank = replace(bank, vertices=bank.vertices.double(), material_color=bank.material_color.double())
    color, repeats = torch.rand(1, 1, 3).double().requires_grad_(), torch.tensor([[1.3]]).double().requires_grad_()

    def evaluate(color: torch.Tensor, repeats: torch.Tensor) -> torch.Tensor:
        mats = materials(texture=one(1, torch.int32), color=color, texture_scale=repeats)
        return albedo(bank, mats, [(-0.31, 0.2), (0.77, -0.1)])

    assert torch.autograd.gradcheck(evaluate, (color, repeats))
