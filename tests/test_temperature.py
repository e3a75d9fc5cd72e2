"""Colour temperatures against published chromaticities."""

from __future__ import annotations

import pytest
import torch

from ondr.temperature import LUMINANCE, NEUTRAL_KELVIN, planckian_xy, tint


@pytest.mark.parametrize(
    ("kelvin", "x", "y"),
    [
        # CIE standard illuminant A is a black body at 2856 K; the others are of the Planckian locus, CIE 1931,
        # Wyszecki and Stiles 1982.
        (2856, 0.4476, 0.4074),
        (2000, 0.5267, 0.4133),
        (4000, 0.3805, 0.3768),
        (6500, 0.3135, 0.3237),
        (10000, 0.2807, 0.2884),
    ],
)
def test_published_chromaticities(kelvin, x, y):
    found = planckian_xy(torch.tensor(float(kelvin)))
    # The splines are off by less than 0.001.
    assert [c.item() for c in found] == pytest.approx([x, y], abs=1e-3)


def test_the_splines_are_smooth():
    for values in planckian_xy(torch.arange(1667.0, 25000.0, 5.0).double()):
        # Their pieces meet to a few parts in ten thousand; a wrong piece would jump ten times as far.
        assert values.diff().diff().abs().max() < 3e-4


def test_the_neutral_temperature_tints_nothing():
    assert tint(torch.tensor([[NEUTRAL_KELVIN, 3000.0]]))[0, 0].tolist() == [1, 1, 1]


def test_warm_is_red_and_cold_is_blue():
    tints = tint(torch.linspace(1700, 20000, 60))
    assert (tints >= 0).all()
    assert (tints[1:, 0] < tints[:-1, 0]).all()
    assert (tints[1:, 2] >= tints[:-1, 2]).all()
    assert tints[0, 2] == 0
    assert tints[-1, 2] > 1 > tints[-1, 0]


def test_luminance_stays():
    luminance = tint(torch.linspace(1700, 20000, 20)) @ torch.tensor(LUMINANCE)
    # The rounded matrix's own luminance of white is not quite 1.
    torch.testing.assert_close(luminance, torch.ones(20), atol=1e-5, rtol=0)
