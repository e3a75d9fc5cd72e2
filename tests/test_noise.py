"""Noise: its law, the independence of its parts, and the same bits from both twins."""

from __future__ import annotations

import pytest
import torch

from ondr.noise import KEY, noise_planes, normal_table
from ondr.noise_numba import noise_images
from ondr.rng import name_key

IDS = torch.tensor([0, 1, 7, 2**32, 2**40 + 5])
SIZE = (64, 96)


def planes(seed: int, ids: torch.Tensor = IDS, size: tuple[int, int] = SIZE) -> torch.Tensor:
    return torch.stack(noise_planes(normal_table(), seed, ids, size), dim=1)


def test_table_is_standard_normal():
    table = normal_table().double()
    assert table.mean().abs() < 1e-7
    assert table.square().mean() == pytest.approx(1, abs=1e-6)
    # Kurtosis of a normal is 3; the tail beyond the last of 4,096 steps is missing.
    assert table.pow(4).mean() == pytest.approx(3, abs=0.02)
    assert table[4095] == pytest.approx(3.668, abs=0.01)


def test_mean_deviation_and_independence():
    noise = planes(3).double()
    flat = noise.flatten(2)
    count = flat.shape[-1]
    # Five standard errors of 6,144 draws each.
    assert (flat.mean(-1).abs() < 5 / count**0.5).all()
    assert (flat.std(-1) - 1).abs().max() < 5 / (2 * count) ** 0.5
    parts = flat.flatten(0, 1)
    correlation = parts @ parts.t() / count - torch.eye(len(parts))
    assert correlation.fill_diagonal_(0).abs().max() < 5 / count**0.5
    for shifted in (noise.roll(1, -1), noise.roll(1, -2), noise.roll(1, 1), planes(4).double()):
        assert (noise * shifted).flatten(1).mean(-1).abs().max() < 5 / (3 * count) ** 0.5


def test_depends_on_seed_sample_and_pixel_only():
    assert torch.equal(planes(3)[2], planes(3, IDS[2:3])[0])
    assert not torch.equal(planes(0), planes(1))
    assert torch.equal(planes(3, size=(32, 96)), planes(3)[:, :, :32])


@pytest.mark.parametrize("seed", [0, 1, 2**32 + 9, 2**64 - 1])
def test_numba_has_the_same_bits(seed: int):
    for key in (KEY, name_key("photometric.shot_noise")):
        expected = torch.stack(noise_planes(normal_table(), seed, IDS, SIZE, key), dim=1)
        assert torch.equal(noise_images(seed, IDS, SIZE, key), expected)
    assert noise_images(seed, IDS[:0], SIZE, KEY).shape == (0, 3, *SIZE)
