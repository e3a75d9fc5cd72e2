"""What a surface's colour is made of: materials, textures, vertex colours, each with a colour known by hand."""

from __future__ import annotations

import colorsys
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from ondr import surface
from ondr.color import linear_from_srgb, srgb_from_linear
from ondr.imaging import appearance
from ondr.planes import take
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
    hit = surface.intersect(corners, take(tables.bank_from_camera, instance), tables.two_sided[instance], x, y)
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


QUARTERS = [(-0.5, -0.5), (0.5, -0.5), (-0.5, 0.5), (0.5, 0.5)]


def test_a_texture_is_turned_clockwise():
    bank = with_textures(bank_from_meshes([quad()]), [CORNERS])
    upright = albedo(bank, materials(texture=one(1, torch.int32)), QUARTERS)
    # The texture repeats, so that turned about its corner it is turned about its middle as well.
    for quarter, order in ((1, [2, 0, 3, 1]), (2, [3, 2, 1, 0]), (-1, [1, 3, 0, 2])):
        mats = materials(texture=one(1, torch.int32), texture_radians=one(quarter * math.pi / 2))
        torch.testing.assert_close(albedo(bank, mats, QUARTERS), upright[order], rtol=0, atol=1e-4)


def test_a_texture_is_moved():
    bank = with_textures(bank_from_meshes([quad()]), [CORNERS])
    upright = albedo(bank, materials(texture=one(1, torch.int32)), QUARTERS)
    for offset, order in (((0.5, 0.0), [1, 0, 3, 2]), ((0.0, -0.5), [2, 3, 0, 1])):
        mats = materials(texture=one(1, torch.int32), texture_offset=torch.tensor([[offset]]))
        torch.testing.assert_close(albedo(bank, mats, QUARTERS), upright[order], rtol=0, atol=1e-4)


def test_where_a_turned_moved_and_repeated_texture_is_looked_up():
    turn, repeats = math.radians(30), 2.0
    columns = [torch.tensor(c) for c in (math.cos(turn), math.sin(turn), 0.25, -0.5)]
    u, v = appearance.turned(torch.tensor(0.3) * repeats, torch.tensor(0.1) * repeats, tuple(columns))
    # As complex numbers, v down: clockwise is a negative angle for the place that is looked up.
    expected = repeats * (0.3 + 0.1j) * np.exp(-1j * turn) + (0.25 - 0.5j)
    assert [u.item(), v.item()] == pytest.approx([expected.real, expected.imag])


def test_own_textures_are_neither_turned_nor_moved():
    bank = with_textures(bank_from_meshes([quad()]), [CORNERS])
    bank = replace(bank, material_texture=torch.tensor([1], dtype=torch.int32))
    own = materials(own=one(True))
    moved = replace(own, texture_radians=one(1.0), texture_offset=torch.full((1, 1, 2), 0.3))
    assert torch.equal(albedo(bank, moved, QUARTERS), albedo(bank, own, QUARTERS))


@pytest.mark.parametrize("shift", [(0, 1, 1), (75, 1, 1), (-200, 0.5, 1), (0, 3, 0.4), (0, 0, 1), (30, 1, 1.5)])
def test_own_colors_move_as_colorsys_says(shift: tuple[float, float, float]):
    for encoded in ((0.8, 0.3, 0.1), (0.2, 0.7, 0.65), (0.5, 0.5, 0.5), (0.05, 0.0, 0.9), (1.0, 1.0, 0.0)):
        linear = linear_from_srgb(torch.tensor([encoded]))
        bank = replace(bank_from_meshes([quad()]), material_color=linear)
        mats = materials(own=one(True), own_shift=torch.tensor([[shift]], dtype=torch.float32))
        hue, saturation, value = colorsys.rgb_to_hsv(*encoded)
        turned = (hue + shift[0] / 360) % 1
        expected = colorsys.hsv_to_rgb(turned, min(saturation * shift[1], 1), min(value * shift[2], 1))
        got = srgb_from_linear(albedo(bank, mats, [(0.1, 0.0)]))[0]
        assert got.tolist() == pytest.approx(expected, abs=1e-4)


def test_a_shift_of_own_colors_leaves_others_as_they_are():
    bank = bank_from_meshes([quad()])
    mats = materials(color=torch.tensor([[[0.2, 0.5, 0.8]]]))
    moved = replace(mats, own_shift=torch.tensor([[[90.0, 0.5, 0.5]]]))
    assert torch.equal(albedo(bank, moved, QUARTERS), albedo(bank, mats, QUARTERS))
