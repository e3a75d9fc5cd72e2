"""Texture fetches against Pillow's resize, sums of mip levels, and what is known of the texture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from ondr.imaging.texture import fetch, fetch_level, level_start, unpack
from tests.scenes import quad, with_textures
from tests.worlds import bank_from_meshes

SIDE = 16


def random_image(side: int = SIDE, seed: int = 0) -> np.ndarray:
    """Returns linear light whose square roots are whole numbers of 255ths."""
    return (np.random.default_rng(seed).integers(0, 256, (side, side, 3)) / 255) ** 2


def bank_of(*images: np.ndarray):
    return with_textures(bank_from_meshes([quad()]), images)


def test_unpack():
    word = torch.tensor([3 | 200 << 8 | 255 << 16 | 255 << 24]).to(torch.int32)
    assert [c.item() for c in unpack(word, torch.float32)] == [3, 200, 255]


def test_level_start_is_the_sum_of_the_levels_before():
    for n in range(15):
        for level in range(n + 1):
            expected = sum(4 ** (n - i) for i in range(level))
            got = level_start(torch.tensor(n, dtype=torch.int32), torch.tensor(level, dtype=torch.int32))
            assert got.item() == expected


@pytest.mark.parametrize("row", [1, 2])
def test_enlarged_equals_pillow(row: int):
    images = [random_image(seed=1), random_image(seed=2)]
    bank = bank_of(*images)
    first, log2_side = (bank.textures[row, i].expand(64, 64) for i in range(2))
    at = (torch.arange(64) + 0.5) / 64
    v, u = torch.meshgrid(at, at, indexing="ij")
    got = torch.stack(fetch(bank.texels, first, log2_side, u, v, torch.full_like(u, 1 / 64**2)), -1)
    roots = np.rint(np.sqrt(images[row - 1]) * 255).astype(np.float32)
    expected = np.stack(
        [np.asarray(Image.fromarray(roots[..., c]).resize((64, 64), Image.Resampling.BILINEAR)) for c in range(3)], -1
    )
    # Pillow repeats the border where we wrap, so half a texel around it is left out.
    np.testing.assert_allclose(got[2:-2, 2:-2].numpy(), expected[2:-2, 2:-2], atol=2e-3)


def test_wraps_in_both_directions():
    bank = bank_of(random_image())
    first, log2_side = bank.textures[1].unbind()
    u, v = torch.rand(2, 100, generator=torch.Generator().manual_seed(0))
    level = torch.zeros(100, dtype=torch.int32)
    args = (bank.texels, first.expand(100), log2_side.expand(100), level)
    base = fetch_level(*args, u, v)
    for du, dv in ((1, 0), (-3, 0), (0, 2), (-1, -7)):
        for a, b in zip(base, fetch_level(*args, u + du, v + dv), strict=True):
            # The sum u + du is rounded to some 1e-7, of 16 texels with a step of up to 255.
            torch.testing.assert_close(a, b, rtol=0, atol=5e-3)


@pytest.mark.parametrize(("pixel_in_texels", "level"), [(0.1, 0), (1, 0), (1.3, 0), (1.5, 1), (2, 1), (5, 2), (300, 4)])
def test_nearest_level(pixel_in_texels: float, level: int):
    bank = bank_of(random_image())
    first, log2_side = (t.expand(7) for t in bank.textures[1].unbind())
    u, v = torch.rand(2, 7, generator=torch.Generator().manual_seed(0))
    got = fetch(bank.texels, first, log2_side, u, v, torch.full((7,), (pixel_in_texels / SIDE) ** 2))
    expected = fetch_level(bank.texels, first, log2_side, torch.full((7,), level, dtype=torch.int32), u, v)
    assert all(torch.equal(a, b) for a, b in zip(got, expected, strict=True))


def test_trilinear_lies_between_the_levels():
    bank = bank_of(random_image())
    first, log2_side = (t.expand(9) for t in bank.textures[1].unbind())
    u, v = torch.rand(2, 9, generator=torch.Generator().manual_seed(0))
    footprint = torch.full((9,), (2**1.25 / SIDE) ** 2)
    got = fetch(bank.texels, first, log2_side, u, v, footprint, trilinear=True)
    levels = [fetch_level(bank.texels, first, log2_side, torch.full((9,), i).int(), u, v) for i in (1, 2)]
    for value, fine, coarse in zip(got, *levels, strict=True):
        torch.testing.assert_close(value, 0.75 * fine + 0.25 * coarse, rtol=0, atol=1e-3)


def test_the_coarsest_level_is_the_mean_of_linear_light():
    checker = np.indices((SIDE, SIDE)).sum(0)[..., None] % 2 * np.ones(3)
    bank = bank_of(checker)
    first, log2_side = (t.expand(5) for t in bank.textures[1].unbind())
    got = fetch(bank.texels, first, log2_side, torch.rand(5), torch.rand(5), torch.full((5,), 4.0))
    # Half of the light; stored in steps of 1/255 of its square root.
    torch.testing.assert_close((got[0] / 255) ** 2, torch.full((5,), 0.5), rtol=0, atol=0.003)


def test_not_a_number_stays_inside_the_texture():
    bank = bank_of(random_image())
    first, log2_side = (t.expand(4) for t in bank.textures[1].unbind())
    bad = torch.tensor([float("nan"), float("inf"), -float("inf"), 3e38])
    for footprint in (bad, torch.ones(4)):
        assert len(fetch(bank.texels, first, log2_side, bad, bad, footprint)[0]) == 4
