"""Metals, dull surfaces and such that shine by themselves: by hand and against the textbook, channel by channel."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from ondr.imaging import lighting
from tests.imaging.test_lighting import CAMERA, reference
from tests.scenes import lights, materials

ALBEDO = (0.9, 0.5, 0.1)
AT = ([0.3, -0.2, 3.0], [0.0, 0.0, -1.0])
LIGHT = [0.5, 0.4, 1.0, 1.0]


def radiance(sources: Any, **finish: float) -> list[float]:
    """Returns the radiance of one point, all channels."""
    mats = materials(**{name: torch.tensor([[value]]) for name, value in finish.items()})
    tables = lighting.light_tables(sources, CAMERA, mats)
    planes = [tuple(torch.tensor([c]) for c in v) for v in (ALBEDO, AT[1], AT[0])]
    row = torch.zeros(1, dtype=torch.int32)
    return [plane.item() for plane in lighting.illuminate(tables, *planes, row, row)]


@pytest.mark.parametrize("metallic", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("diffuse", [None, 0.4])
def test_metals_against_the_textbook(metallic: float, diffuse: float | None):
    drawn = {"metallic": metallic, "roughness": 0.4, "specular": 0.04} | ({"diffuse": diffuse} if diffuse else {})
    got = radiance(lights([LIGHT], reference_distance=2.0), **drawn)
    for value, albedo in zip(got, ALBEDO, strict=True):
        f0 = 0.04 * (1 - metallic) + albedo * metallic
        color = albedo * (1 - metallic) * (diffuse or 1)
        assert value == pytest.approx(reference(LIGHT, 1, 2.0, *AT, color, 0.4, f0), rel=1e-3)


def test_a_metal_mirrors_ambient_light_in_its_color():
    around = lights(colors=[[0.0] * 3], ambient=(0.5, 0.5, 0.5))
    assert radiance(around, metallic=1.0, specular=0.04) == pytest.approx([0.5 * a for a in ALBEDO])
    # A dielectric that reflects nothing diffusely is left with its gloss.
    assert radiance(around, diffuse=0.0, specular=0.04) == pytest.approx([0.5 * 0.04] * 3)


def test_emission_adds_the_color():
    for sources in (lights(colors=[[0.0] * 3]), lights()):
        dark, bright = radiance(sources, diffuse=0.5), radiance(sources, diffuse=0.5, emission=2.5)
        assert bright == pytest.approx([d + 2.5 * a for d, a in zip(dark, ALBEDO, strict=True)])


def test_neutral_values_are_what_none_is():
    sources = lights([LIGHT], ambient=(0.1, 0.2, 0.3), reference_distance=2.0)
    plain = radiance(sources, roughness=0.3, specular=0.05)
    assert radiance(sources, roughness=0.3, specular=0.05, diffuse=1.0, emission=0.0) == plain
    assert radiance(sources, roughness=0.3, specular=0.05, metallic=0.0) == pytest.approx(plain, rel=1e-6)


def test_gradients_reach_the_finish():
    names = ("metallic", "diffuse", "emission", "specular", "roughness")
    sources = lights([LIGHT], ambient=(0.1, 0.2, 0.3), reference_distance=2.0)
    planes = [tuple(torch.tensor([c]) for c in v) for v in (ALBEDO, AT[1], AT[0])]
    row = torch.zeros(1, dtype=torch.int32)
    values = [torch.tensor([[v]], requires_grad=True) for v in (0.4, 0.7, 0.2, 0.05, 0.5)]
    mats = materials(**dict(zip(names, values, strict=True)))
    total = sum(lighting.illuminate(lighting.light_tables(sources, CAMERA, mats), *planes, row, row))
    gradients = torch.autograd.grad(total.sum(), values)
    step = 1e-2
    for name, value, gradient in zip(names, values, gradients, strict=True):
        ends = []
        for sign in (-1, 1):
            moved = {n: v.item() + sign * step * (n == name) for n, v in zip(names, values, strict=True)}
            ends.append(sum(radiance(sources, **moved)))
        # A difference over 0.02 of a smooth function in float32.
        assert gradient.item() == pytest.approx((ends[1] - ends[0]) / (2 * step), rel=0.02, abs=1e-3), (name, value)
