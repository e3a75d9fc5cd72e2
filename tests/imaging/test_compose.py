"""Composition against a loop over fragments, the numba twin against torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ondr.imaging import compose, compose_numba
from ondr.imaging.background import BackgroundTables, background_planes
from ondr.raster.visibility import Fragments
from tests.scenes import background, quad, tables_behind, with_textures
from tests.worlds import bank_from_meshes

SIZE = (6, 9)
BATCH = 3


def random_fragments(seed: int) -> tuple[Fragments, torch.Tensor]:
    """Returns up to three fragments per pixel with disjoint masks, and their colours."""
    generator = np.random.default_rng(seed)
    pixels, masks = [], []
    for pixel in range(BATCH * SIZE[0] * SIZE[1]):
        owner = generator.integers(0, 4, 4)
        for fragment in range(generator.integers(0, 4)):
            mask = int(((owner == fragment) << np.arange(4)).sum())
            if mask:
                pixels.append(pixel)
                masks.append(mask)
    colors = torch.tensor(generator.random((3, len(pixels))) * 3, dtype=torch.float32)
    ids = torch.zeros(len(pixels), dtype=torch.int32)
    fragments = Fragments(
        pixel=torch.tensor(pixels, dtype=torch.int32),
        triangle=ids,
        instance=ids,
        mask=torch.tensor(masks, dtype=torch.uint8),
    )
    return fragments, colors


def tables() -> BackgroundTables:
    image = np.random.default_rng(5).random((8, 8, 3))
    bank = with_textures(bank_from_meshes([quad()]), [image])
    where = background(BATCH, color=(0.5, 0.8, 1.2), texture=1)
    turn = torch.tensor([[0.03, -0.05, 0.2], [0.05, 0.03, -3.1]])
    where.uv_from_pixel[1] = turn
    return tables_behind(bank, where)


def loop(fragments: Fragments, colors: torch.Tensor, behind: torch.Tensor) -> torch.Tensor:
    """Composes sample by sample."""
    samples = behind[..., None].repeat(1, 1, 1, 1, 4)
    for i, pixel in enumerate(fragments.pixel.tolist()):
        b, y, x = pixel // (SIZE[0] * SIZE[1]), pixel // SIZE[1] % SIZE[0], pixel % SIZE[1]
        for j in range(4):
            if int(fragments.mask[i]) >> j & 1:
                samples[b, :, y, x, j] = colors[:, i]
    return samples.mean(-1)


@pytest.mark.parametrize("function", [compose.compose, compose_numba.compose])
def test_against_a_loop(function):
    behind = torch.stack(background_planes(tables(), SIZE), dim=1)
    for seed in range(3):
        fragments, colors = random_fragments(seed)
        got = function(fragments, colors, tables(), SIZE)
        # The twins sum in another order, and numba steps uv * side along a line: 1e-5 of a texel.
        torch.testing.assert_close(got, loop(fragments, colors, behind), rtol=0, atol=1e-5)


@pytest.mark.parametrize("function", [compose.compose, compose_numba.compose])
def test_nothing_seen_is_background(function):
    nothing = Fragments(*(torch.zeros(0, dtype=d) for d in (torch.int32, torch.int32, torch.int32, torch.uint8)))
    got = function(nothing, torch.zeros(3, 0), tables(), SIZE)
    torch.testing.assert_close(got, torch.stack(background_planes(tables(), SIZE), 1), rtol=0, atol=1e-5)


def test_numba_reads_every_level_and_side():
    generator = np.random.default_rng(0)
    bank = with_textures(bank_from_meshes([quad()]), [generator.random((2**n, 2**n, 3)) for n in range(7)])
    where = background(8, color=(1, 1, 1))
    where.texture[:] = torch.arange(8, dtype=torch.int32)
    for factor in (0.3, 2.0, 9.0, 100.0):
        where.uv_from_pixel[:] = torch.tensor([[0.01, 0.003, -0.7], [-0.002, 0.012, 0.4]]) * factor
        prepared = tables_behind(bank, where)
        nothing = Fragments(*(torch.zeros(0, dtype=d) for d in (torch.int32, torch.int32, torch.int32, torch.uint8)))
        got = compose_numba.compose(nothing, torch.zeros(3, 0), prepared, (16, 16))
        torch.testing.assert_close(got, torch.stack(background_planes(prepared, (16, 16)), 1), rtol=0, atol=2e-4)


def test_gradients_reach_colors():
    fragments, colors = random_fragments(0)
    colors.requires_grad_()
    compose.compose(fragments, colors, tables(), SIZE).sum().backward()
    shares = compose_numba.MASK_SHARES[fragments.mask.numpy()]
    np.testing.assert_array_equal(colors.grad.numpy(), np.tile(shares, (3, 1)))
