"""Backgrounds against textures whose pixels are known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from kornia.geometry.calibration import undistort_points

from ondr.assets.bank import Bank
from ondr.geometry import look_along, transform
from ondr.imaging import compose_numba
from ondr.imaging.background import background_planes, background_tables
from ondr.raster.visibility import Fragments
from ondr.scene import Background, Camera
from tests.scenes import background, quad, tables_behind, with_textures
from tests.worlds import bank_from_meshes

SIDE = 32


def bank_of(image: np.ndarray):
    return with_textures(bank_from_meshes([quad()]), [image])


def drawn(bank, where: Background, size: tuple[int, int]) -> torch.Tensor:
    return torch.stack(background_planes(tables_behind(bank, where), size), dim=-1)


def covering(size: tuple[int, int], **changes) -> Background:
    """Returns a background whose texture covers the image exactly."""
    matrix = torch.tensor([[[1 / size[1], 0, 0], [0, 1 / size[0], 0]]])
    return replace(background(color=(1, 1, 1), texture=1), uv_from_pixel=matrix, **changes)


def test_a_photo_of_the_images_size_is_the_photo():
    photo = (np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)) / 255) ** 2
    got = drawn(bank_of(photo), covering((SIDE, SIDE)), (SIDE, SIDE))[0]
    # uv * side is a pixel's centre to within 1e-5 of a pixel, times the step between random neighbours.
    np.testing.assert_allclose(got.numpy(), photo, atol=1e-4)


def test_a_shrunk_photo_is_the_mean_of_its_light():
    photo = (np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)) / 255) ** 2
    got = drawn(bank_of(photo), covering((SIDE // 4, SIDE // 4)), (SIDE // 4, SIDE // 4))[0]
    mean = photo.reshape(SIDE // 4, 4, SIDE // 4, 4, 3).mean((1, 3))
    # The bank keeps the means' square roots in steps of 1/255.
    np.testing.assert_allclose(got.numpy(), mean, atol=1 / 255)


def test_the_map_is_affine():
    ramp = np.linspace(0, 1, SIDE)[None, :, None] ** 2 * np.ones((SIDE, 1, 3))
    quarter_turn = replace(covering((8, 8)), uv_from_pixel=torch.tensor([[[0, 1 / 16, 0.25], [1 / 16, 0, 0]]]))
    got = drawn(bank_of(ramp), quarter_turn, (8, 8))[0, ..., 0]
    assert torch.allclose(got, got[:, :1].expand(8, 8), atol=1e-5)
    assert (got[1:, 0] > got[:-1, 0]).all()


def test_color_tints():
    got = drawn(bank_of(np.ones((2, 2, 3))), covering((4, 4), color=torch.tensor([[0.2, 0.5, 1.5]])), (4, 4))
    torch.testing.assert_close(got, torch.tensor([0.2, 0.5, 1.5]).expand(1, 4, 4, 3))


def test_gradients_reach_color_and_map():
    bank = bank_of(np.random.default_rng(0).random((8, 8, 3)))
    where = covering((4, 4))
    matrix = (where.uv_from_pixel.double() * 0.37 + 0.01).requires_grad_()
    color = torch.rand(1, 3).double().requires_grad_()

    def evaluate(matrix: torch.Tensor, color: torch.Tensor) -> torch.Tensor:
        return drawn(bank, replace(where, uv_from_pixel=matrix, color=color), (4, 4))

    assert torch.autograd.gradcheck(evaluate, (matrix, color))


FACES = {(1, 0, 0): (1, 0, 0), (-1, 0, 0): (0, 1, 1), (0, 1, 0): (0, 1, 0), (0, -1, 0): (1, 0, 1), (0, 0, 1): (0, 0, 1)}


def panorama(side: int = 256) -> np.ndarray:
    """Returns a panorama whose color is that of the axis nearest to each direction; straight down is black."""
    v, u = (np.mgrid[:side, :side] + 0.5) / side
    polar, azimuth = np.pi * v, 2 * np.pi * (0.5 - u)
    direction = np.stack([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], -1)
    axes = np.array([*FACES, (0, 0, -1)])
    return np.array([*FACES.values(), (0, 0, 0)])[(direction @ axes.T).argmax(-1)].astype(float)


def looking(*directions: tuple[float, float, float]) -> Camera:
    rotation = look_along(torch.tensor(directions))
    k = torch.tensor([[40.0, 0, 16], [0, 40.0, 12], [0, 0, 1]]).repeat(len(directions), 1, 1)
    return Camera(k, transform(rotation, torch.zeros(len(directions), 3)))


def around(batch: int, **changes: Any) -> Background:
    return replace(
        background(batch, color=(0.2, 0.2, 0.2)),
        panorama=torch.ones(batch, dtype=torch.int32),
        panorama_radiance=torch.full((batch,), 0.5),
        panorama_yaw_degrees=torch.zeros(batch),
        **changes,
    )


def both_twins(bank: Bank, where: Background, camera: Camera) -> torch.Tensor:
    """Returns images of nothing but the background, made by the definition, once the fast twin has made the same."""
    tables = background_tables(bank, where, camera)
    slow = torch.stack(background_planes(tables, (24, 32)), dim=1)
    none = Fragments(*(torch.zeros(0, dtype=t) for t in (torch.int32, torch.int32, torch.int32, torch.uint8)))
    fast = compose_numba.compose(none, torch.zeros(3, 0), tables, (24, 32))
    torch.testing.assert_close(fast, slow, rtol=0, atol=2e-3)
    return slow


def test_a_panorama_is_seen_where_the_camera_looks():
    axes = [*FACES, (0, 0, -1)]
    seen = both_twins(bank_of(panorama()), around(6), looking(*(tuple(map(float, axis)) for axis in axes)))
    expected = 0.5 * torch.tensor([*FACES.values(), (0, 0, 0)])
    torch.testing.assert_close(seen[:, :, 12, 16], expected.float(), rtol=0, atol=1e-3)


def test_a_panorama_is_upright_and_not_mirrored():
    # Level, towards the edge between +x and -y: -y, clockwise of +x, lies to the right; above both is +z.
    seen = both_twins(bank_of(panorama()), around(1), looking((1.0, -1.0, 0.6)))[0]
    assert seen[:, 12, 2].tolist() == pytest.approx([0.5, 0, 0], abs=1e-3)
    assert seen[:, 12, 29].tolist() == pytest.approx([0.5, 0, 0.5], abs=1e-3)
    assert seen[:, 0, 16].tolist() == pytest.approx([0, 0, 0.5], abs=1e-3)


def test_a_panorama_turns_counter_clockwise():
    turned = around(1)
    turned = replace(turned, panorama_yaw_degrees=torch.tensor([90.0]))
    seen = both_twins(bank_of(panorama()), turned, looking((0.0, 1.0, 0.0)))
    # What lay along +x lies along +y.
    assert seen[0, :, 12, 16].tolist() == pytest.approx([0.5, 0, 0], abs=1e-3)


def test_images_without_a_panorama_keep_their_background():
    mixed = around(3)
    mixed = replace(mixed, panorama=torch.tensor([-1, 1, -1], dtype=torch.int32))
    seen = both_twins(bank_of(panorama()), mixed, looking(*[(1.0, 0.0, 0.0)] * 3))
    torch.testing.assert_close(seen[[0, 2]], torch.full((2, 3, 24, 32), 0.2), rtol=0, atol=2e-3)
    assert seen[1, :, 12, 16].tolist() == pytest.approx([0.5, 0, 0], abs=1e-3)


def test_a_panorama_bends_with_the_lens():
    camera = looking((1.0, 0.1, 0.7))
    lens = torch.tensor([[-0.3, 0.05, 0.01, -0.02, 0.0]])
    bent = both_twins(bank_of(panorama()), around(1), replace(camera, distortion=lens))
    # Each pixel of the bent image is one of the straight image, where kornia has it.
    where = torch.cartesian_prod(torch.arange(8, 16), torch.arange(10, 22)).flip(-1) + 0.5
    rays = undistort_points(where, camera.intrinsics[0], lens[0], num_iters=40)
    row, column = rays[:, 1].long(), rays[:, 0].long()
    straight = both_twins(bank_of(panorama()), around(1), camera)[0, :, row, column]
    got = bent[0, :, where[:, 1].long(), where[:, 0].long()]
    # Apart from the pixels on a border between two colours.
    assert ((got - straight).abs().amax(0) < 0.05).double().mean() > 0.85
