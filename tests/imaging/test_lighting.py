"""Reflected light against closed forms and a slow reference in numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ondr.imaging import lighting
from ondr.scene import Camera
from tests.scenes import lights, materials

CAMERA = Camera(intrinsics=torch.eye(3)[None], camera_from_world=torch.eye(4)[None])


def radiance(
    sources,
    position: list[float],
    normal: list[float],
    albedo: float = 1.0,
    roughness: float = 1.0,
    specular: float = 0.0,
    camera: Camera = CAMERA,
) -> float:
    """Returns the red radiance of one point."""
    mats = materials(roughness=torch.tensor([[roughness]]), specular=torch.tensor([[specular]]))
    tables = lighting.light_tables(sources, camera, mats)
    planes = [tuple(torch.tensor([c], dtype=torch.float32) for c in v) for v in ([albedo] * 3, normal, position)]
    row = torch.zeros(1, dtype=torch.int32)
    return lighting.illuminate(tables, *planes, row, row)[0].item()


def reference(
    light: list[float], intensity: float, reach: float, position, normal, albedo, roughness, specular
) -> float:
    """Lambert and GGX as the textbooks write them, vector by vector, in float64."""
    p, n = np.array(position, float), np.array(normal, float)
    to_light = np.array(light[:3]) - p if light[3] else np.array(light[:3])
    distance = np.linalg.norm(to_light)
    to_light, v = to_light / distance, -p / np.linalg.norm(p)
    h = (to_light + v) / np.linalg.norm(to_light + v)
    falloff = min((reach / distance) ** 2, 4) if light[3] else 1
    alpha, k = roughness**2, (roughness + 1) ** 2 / 8
    nl, nv, nh, vh = max(n @ to_light, 0), n @ v, n @ h, v @ h
    d = alpha**2 / (math.pi * (nh**2 * (alpha**2 - 1) + 1) ** 2)
    f = specular + (1 - specular) * (1 - vh) ** 5
    g = nl / (nl * (1 - k) + k) * nv / (nv * (1 - k) + k)
    brdf = (1 - f) * albedo / math.pi + (d * f * g / (4 * nl * nv) if nl > 0 else 0)
    return brdf * nl * falloff * math.pi * intensity


def test_a_light_of_one_makes_white_white():
    assert radiance(lights(), [0, 0, 2], [0, 0, -1]) == pytest.approx(1, abs=1e-6)
    point = lights([[0, 0, 1, 1]], reference_distance=1.0)
    assert radiance(point, [0, 0, 2], [0, 0, -1]) == pytest.approx(1, abs=1e-5)


def test_falloff_is_inverse_square_and_bounded():
    for distance, expected in ((1.0, 1.0), (2.0, 0.25), (4.0, 1 / 16), (0.5, 4.0), (0.1, 4.0)):
        source = lights([[0, 0, 5 - distance, 1]], reference_distance=1.0)
        # The light's distance is a difference of numbers around 5.
        assert radiance(source, [0, 0, 5], [0, 0, -1]) == pytest.approx(expected, rel=1e-4)


def test_lambert_cosine_and_no_light_from_behind():
    for degrees in (0, 30, 60, 89, 91, 180):
        a = math.radians(degrees)
        source = lights([[math.sin(a), 0, -math.cos(a), 0]])
        # Schlick's Fresnel moves (1 - v.h)^5 from the diffuse part to the lobe, so a cosine it is only nearly.
        expected = reference([math.sin(a), 0, -math.cos(a), 0], 1, 1, [0, 0, 3], [0, 0, -1], 1.0, 1.0, 0.0)
        assert radiance(source, [0, 0, 3], [0, 0, -1]) == pytest.approx(expected, abs=1e-5)
        assert expected == pytest.approx(max(math.cos(a), 0), abs=0.05)


def test_against_the_textbook():
    generator = np.random.default_rng(0)
    for _ in range(200):
        position = [*generator.uniform(-1, 1, 2), generator.uniform(1, 6)]
        view = -np.array(position) / np.linalg.norm(position)
        normal = view + generator.normal(size=3) * 0.6
        normal /= np.linalg.norm(normal)
        if normal @ view < 0.05:
            continue
        roughness, specular, albedo = generator.uniform(0.15, 1), generator.uniform(0, 1), generator.uniform(0, 1)
        direction = generator.normal(size=3)
        light = [*(direction * 3), 1.0] if generator.random() < 0.5 else [*(direction / np.linalg.norm(direction)), 0.0]
        surface = {"albedo": albedo, "roughness": roughness, "specular": specular}
        got = radiance(lights([light], reference_distance=2.0), position, list(normal), **surface)
        # A lobe of alpha = 0.02 turns float32's rounding of a cosine into 1e-3 of itself.
        expected = reference(light, 1, 2.0, position, normal, **surface)
        assert got == pytest.approx(expected, rel=4e-3, abs=1e-5)


def test_lights_add_up_and_an_absent_light_adds_nothing():
    a, b = [1, 0, -1, 1], [0, 0.6, -0.8, 0]
    at = ([0.2, 0.1, 3], [0, 0, -1])
    both = radiance(lights([a, b, [0, 0, 0, 1]], [[1] * 3, [0.5] * 3, [0] * 3]), *at)
    alone = radiance(lights([a], [[1] * 3]), *at) + radiance(lights([b], [[0.5] * 3]), *at)
    assert both == pytest.approx(alone, rel=1e-5)


def test_white_in_ambient_light_is_as_bright_as_the_light():
    dark = {"positions": [[0, 0, -1, 0]], "colors": [[0.0] * 3]}
    for specular in (0.0, 0.04, 1.0):
        got = radiance(lights(**dark, ambient=(0.3, 0.3, 0.3)), [0, 0, 2], [0, 0, -1], specular=specular)
        assert got == pytest.approx(0.3, abs=1e-6)


def test_a_white_surface_reflects_no_more_than_it_receives():
    """Under light from everywhere, by quadrature over the hemisphere."""
    generator = np.random.default_rng(1)
    directions = generator.normal(size=(2000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    directions[:, 2] = -np.abs(directions[:, 2])
    each = lights(np.c_[directions, np.zeros(2000)].tolist(), [[1.0] * 3] * 2000)
    for slope in (0.0, 1.5, 5.0):
        normal = np.array([slope, 0, -1.0]) / math.hypot(slope, 1)
        for roughness in (0.3, 1.0):
            got = radiance(each, [0, 0, 2], list(normal), roughness=roughness, specular=0.04) / 2000
            # The mean of a cosine over the directions of half a sphere is at most a half; 2,000 random ones: +-3 %.
            assert got < 0.5 * 1.06


def test_the_camera_moves_the_lights():
    rotation = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    moved = torch.eye(4)
    moved[:3, :3], moved[:3, 3] = rotation, torch.tensor([0.5, -0.2, 1.0])
    camera = Camera(intrinsics=torch.eye(3)[None], camera_from_world=moved[None])
    for w in (0.0, 1.0):
        world = torch.tensor([0.3, 0.4, -0.5])
        seen = rotation @ world + w * moved[:3, 3]
        at = ([0.1, 0.3, 3], [0, 0, -1])
        got = radiance(lights([[*world.tolist(), w]]), *at, camera=camera)
        direct = seen if w else seen / seen.norm()
        assert got == pytest.approx(radiance(lights([[*direct.tolist(), w]]), *at), rel=1e-5)


def test_a_normal_that_points_away_is_bent_until_it_does_not():
    dark_side = radiance(lights([[0, 0, 1, 0]]), [0, 0, 2], [0.8, 0, 0.6])
    assert dark_side == pytest.approx(0, abs=2e-3)
    side = radiance(lights([[1, 0, 0, 0]]), [0, 0, 2], [0.8, 0, 0.6])
    assert side == pytest.approx(radiance(lights([[1, 0, 0, 0]]), [0, 0, 2], [1, 0, 0]), rel=0.01)


def test_a_light_behind_the_surface_is_nothing_even_where_the_lobe_would_vanish():
    # All exact in float32: half of |l + v|^2 is 1/16, so that (n.v)^2 / half * slope + 1 = 0.25 * 16 * -0.25 + 1 = 0.
    plane = lambda *values: tuple(torch.tensor([value]) for value in values)  # noqa: E731
    normal, to_viewer = plane(math.sqrt(0.75), 0.0, -0.5), plane(0.0, 0.0, -1.0)
    cosine, distance, gloss, slope, k, f0 = plane(0.5, 1.0, 1.0, -0.25, 0.5, 0.04)
    facing = lighting.Facing(normal, to_viewer, cosine, distance, gloss, slope, k, (f0,))
    directional = plane(-math.sqrt(1 - 0.9375**2), 0.0, 0.9375, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    diffuse, specular = lighting.reflect(directional, facing)
    assert diffuse[0].item() == specular[0].item() == 0
