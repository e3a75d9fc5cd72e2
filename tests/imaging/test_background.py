"""Backgrounds against textures whose pixels are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from ondr.imaging.background import background_planes, background_tables
from ondr.scene import Background
from tests.scenes import background, quad, with_textures
from tests.worlds import bank_from_meshes

SIDE = 32


def bank_of(image: np.ndarray):
    return with_textures(bank_from_meshes([quad()]), [image])


def drawn(bank, where: Background, size: tuple[int, int]) -> torch.Tensor:
    return torch.stack(background_planes(background_tables(bank, where), size), dim=-1)


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
