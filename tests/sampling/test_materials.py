"""Materials from draws: what is off is absent, patterns are measured by the mesh, and the finish is what was drawn."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import pytest
import torch
from torch import Tensor

from ondr.color import linear_from_srgb
from ondr.config import Config
from ondr.sampling import sample_scene
from ondr.scene import Materials, Scene
from ondr.settings.material import PATTERNS, SOURCES
from tests.sampling.tiny import tiny_assets

ASSETS = tiny_assets()
OBJECTS = slice(0, 3)


def scene(material: dict[str, Any], overrides: dict[str, float | Tensor] | None = None, batch: int = 16) -> Scene:
    cfg = Config(objects={"count": 3, "size": [0.2, 3], "material": material}, distractors={"count": 1})
    return sample_scene(cfg, ASSETS, torch.arange(batch), overrides=overrides)


def absent(materials: Materials) -> set[str]:
    return {field.name for field in fields(materials) if getattr(materials, field.name) is None}


OPTIONAL = {field.name for field in fields(Materials) if field.default is None}
PATTERNED = {"pattern", "color2", "pattern_from_object"}


def test_what_is_off_is_absent():
    assert absent(scene({}).materials) == OPTIONAL
    # An option without weight is never chosen.
    never = {"choice": ["own", "wood"], "weights": [1, 0]}
    assert absent(scene({"source": never}).materials) == OPTIONAL
    assert absent(scene({"source": ["own", "checker"]}).materials) == OPTIONAL - PATTERNED
    assert absent(scene({"source": ["own", "marble"]}).materials) == OPTIONAL - PATTERNED - {"noise_stretch"}
    assert absent(scene({"source": ["own", "parts"]}).materials) == OPTIONAL - PATTERNED - {"part_word"}
    assert absent(scene({"metallic": 0, "emission": 0, "diffuse": 1, "own_value": 1}).materials) == OPTIONAL


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("texture_rotation_degrees", [-90, 90], "texture_radians"),
        ("own_hue_degrees", {"probability": 0.3, "law": [-30, 30]}, "own_shift"),
        ("own_value", 0.5, "own_shift"),
        ("diffuse", [0.5, 1], "diffuse"),
        ("metallic", {"choice": [0, 1]}, "metallic"),
        ("emission", [0, 2], "emission"),
    ],
)
def test_what_is_on_is_there(name: str, value: Any, field: str):
    made = scene({name: value})
    assert absent(made.materials) == OPTIONAL - {field}
    drawn = made.draws[f"objects.material.{name}"]
    assert getattr(made.materials, field).shape[:2] == made.poses.mesh.shape
    if field == name:
        assert torch.equal(getattr(made.materials, field)[:, OBJECTS], drawn)
    assert absent(scene({}, {f"objects.material.{name}": float(drawn.max())}).materials) == OPTIONAL - {field}


def test_units_of_what_is_drawn():
    made = scene(
        {
            "texture_rotation_degrees": 90,
            "texture_offset": {"u": 0.25, "v": [0, 1]},
            "own_hue_degrees": 40,
            "own_saturation": 0.5,
        }
    )
    materials, others = made.materials, slice(3, None)
    assert materials.texture_radians[:, OBJECTS].eq(math.pi / 2).all()
    assert materials.texture_radians[:, others].eq(0).all()
    expected = made.draws["objects.material.texture_offset.v"]
    assert materials.texture_offset[:, OBJECTS, 0].eq(0.25).all()
    assert torch.equal(materials.texture_offset[:, OBJECTS, 1], expected)
    assert materials.own_shift[0, 0].tolist() == [40, 0.5, 1]
    assert materials.own_shift[0, 3].tolist() == [0, 1, 1]


def test_sources_become_patterns():
    made = scene({"source": list(SOURCES)}, batch=64)
    source, pattern = made.draws["objects.material.source"], made.materials.pattern[:, OBJECTS]
    assert set(source.flatten().tolist()) == set(range(len(SOURCES)))
    for i, name in enumerate(SOURCES):
        expected = PATTERNS.index(name) + 1 if name in PATTERNS else 0
        assert pattern[source == i].eq(expected).all()
    assert torch.equal(made.materials.own[:, OBJECTS], source == 0)
    # A pattern's first colour is the plain one, without a texture.
    assert made.materials.texture[:, OBJECTS][source != 1].eq(0).all()
    for field, name in (("color", "color"), ("color2", "color2")):
        drawn = torch.stack([made.draws[f"objects.material.{name}.{c}"] for c in "rgb"], dim=-1)
        got = getattr(made.materials, field)[:, OBJECTS]
        assert torch.equal(got[source != 1], linear_from_srgb(drawn.double()).float()[source != 1])


def in_pattern(made: Scene, points: Tensor) -> Tensor:
    """Returns points of the first object's bank coordinates, `[B, point, 3]`, in its pattern."""
    matrix = made.materials.pattern_from_object[:, 0]
    return points @ matrix[:, :, :3].mT + matrix[:, None, :, 3]


def corners(made: Scene) -> Tensor:
    """Returns the corners of the box around the first object in bank coordinates, `[B, 8, 3]`."""
    signs = torch.tensor([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2
    return ASSETS.bank.extent[made.poses.mesh[:, 0].long()][:, None] * signs


def test_a_pattern_repeats_along_the_longest_side():
    # Boxes whose sides differ, at sizes that differ: neither changes how often it repeats.
    for name, repeats in (("stripes", 5), ("wood", 15)):
        made = scene({"source": name, "pattern_scale": 5, "pattern_turn_degrees": 0, "pattern_tilt_degrees": 0})
        at = in_pattern(made, corners(made))
        reach = at.amax(1) - at.amin(1)
        assert reach.amax(-1).tolist() == pytest.approx([repeats] * 16, rel=1e-5)
        sides = ASSETS.bank.extent[made.poses.mesh[:, 0].long()]
        torch.testing.assert_close(reach, sides / sides.amax(-1, keepdim=True) * repeats)


def test_a_gradient_reaches_from_side_to_side():
    made = scene({"source": "gradient"})
    along = in_pattern(made, corners(made))[..., 0]
    assert along.amin(1).tolist() == pytest.approx([-0.5] * 16, abs=1e-5)
    assert along.amax(1).tolist() == pytest.approx([0.5] * 16, abs=1e-5)


def test_a_gradient_across_something_flat_is_one_color():
    flat = replace(ASSETS, bank=replace(ASSETS.bank, extent=ASSETS.bank.extent * torch.tensor([1.0, 1, 0])))
    cfg = Config(objects={"material": {"source": "gradient", "pattern_tilt_degrees": 90}})
    made = sample_scene(cfg, flat, torch.arange(4))
    # Not what rounding makes of it: the cosine of 90 degrees is 4e-8.
    assert in_pattern(made, corners(made) * torch.tensor([1.0, 1, 0]))[..., 0].abs().max() < 0.1


def test_direction_of_a_pattern():
    for turn, tilt, direction in ((0, 0, [1, 0, 0]), (90, 0, [0, 1, 0]), (30, 90, [0, 0, 1]), (180, 45, [-1, 0, 1])):
        made = scene({"source": "stripes", "pattern_turn_degrees": turn, "pattern_tilt_degrees": tilt})
        linear = made.materials.pattern_from_object[:, 0, :, :3] / made.poses.scale[:, 0, None]
        linear = linear / linear[:, :1].norm(dim=-1, keepdim=True)
        expected = torch.tensor(direction).float()
        torch.testing.assert_close(linear[0, 0], expected / expected.norm(), rtol=0, atol=1e-6)
        # A rotation: patterns are neither mirrored nor sheared.
        torch.testing.assert_close(linear @ linear.mT, torch.eye(3).expand(16, 3, 3), rtol=0, atol=1e-5)
        assert torch.linalg.det(linear).tolist() == pytest.approx([1] * 16, abs=1e-5)


def test_the_middle_of_wood_is_near():
    made = scene({"source": "wood", "pattern_offset": [0, 1]}, batch=64)
    center = made.materials.pattern_from_object[:, OBJECTS, :, 3]
    assert center[..., 1:].abs().max() <= 2
    assert center[..., 0].max() > 50
    assert scene({"source": "marble"}).materials.pattern_from_object[:, OBJECTS, 1:, 3].max() > 50


def test_surfaces_have_their_patterns_in_their_plane():
    cfg = Config(floor={"present": True, "material": {"source": "checker"}}, distractors={"count": 1})
    made = sample_scene(cfg, ASSETS, torch.arange(4))
    floor = cfg.groups["floor"].start
    assert made.materials.pattern[:, floor].eq(PATTERNS.index("checker") + 1).all()
    assert made.materials.pattern_from_object[:, floor, 2, :2].eq(0).all()
    assert made.draws["floor.material.pattern_turn_degrees"].std() > 0
