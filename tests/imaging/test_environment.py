"""Light from all sides against closed forms, the harmonics themselves, and panoramas whose colours are known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh

from ondr.geometry import direction_from_angles, look_along, transform
from ondr.harmonics import basis, irradiance_harmonics
from ondr.imaging.environment import MirrorTables, environment_tables, mirrored_shares, panorama_uv, reflection_of
from ondr.imaging.fragments import fragments_of, shade_fragments
from ondr.imaging.lighting import illuminate, light_tables
from ondr.imaging.shading import shade, shading_tables
from ondr.raster import visible
from ondr.scene import Camera, Lights
from tests.scenes import NO_LIGHT, cast, lights, materials, pose, scene, with_textures
from tests.worlds import bank_from_meshes, pinhole, place

SIDE = 64
BOX = trimesh.creation.box()


def dark(batch: int = 1, **changes: torch.Tensor) -> Lights:
    return replace(lights(colors=[NO_LIGHT], batch=batch), **changes)


def camera_towards(*directions: list[float]) -> Camera:
    """Returns level cameras at the world's origin."""
    rotation = look_along(torch.tensor(directions))
    return Camera(torch.eye(3).expand(len(rotation), 3, 3), transform(rotation, torch.zeros(len(rotation), 3)))


def radiance(
    source: Lights, camera: Camera, normal: torch.Tensor, textures=(), roughness: float = 1.0, specular: float = 0.0
) -> torch.Tensor:
    """Returns what white surfaces before each camera reflect, `[batch, point, 3]`.

    Args:
        source: The lights.
        camera: Of each image.
        normal: `[point, 3]` in the world; a normal that faces away from the point (0, 0, 3) before a camera is bent.
        textures: Of the bank, from row 1.
        roughness: Of the surface.
        specular: Its reflectance.
    """
    batch, points = len(camera.intrinsics), len(normal)
    bank = with_textures(bank_from_meshes([BOX]), textures)
    flat = replace(scene(torch.eye(3).repeat(batch, 1, 1)), lights=source, camera=camera)
    shiny = materials(batch, roughness=torch.full((batch, 1), roughness), specular=torch.full((batch, 1), specular))
    tables = light_tables(source, camera, shiny, environment_tables(bank, flat))
    seen = torch.einsum("bij,pj->bpi", camera.camera_from_world[:, :3, :3], normal).reshape(-1, 3)
    image = torch.arange(batch, dtype=torch.int32).repeat_interleave(points)
    ones, zeros = torch.ones(batch * points), torch.zeros(batch * points)
    planes = illuminate(tables, (ones,) * 3, seen.unbind(1), (zeros, zeros, 3 * ones), image, image)
    return torch.stack(planes, dim=-1).view(batch, points, 3)


def panorama(color) -> np.ndarray:
    """Returns a square panorama of what `color` makes of directions."""
    v, u = np.meshgrid(*[(np.arange(SIDE) + 0.5) / SIDE] * 2, indexing="ij")
    azimuth, polar = (0.5 - u) * 2 * math.pi, v * math.pi
    direction = np.stack([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], axis=-1)
    return np.clip(color(direction), 0, 1)


def environment(image: np.ndarray, strength: float = 1.0, yaw: float = 0.0, batch: int = 1) -> dict[str, torch.Tensor]:
    """Returns the fields of `Lights` for the panorama in row 1."""
    polar, wide = (np.arange(SIDE) + 0.5) / SIDE * math.pi, 2 * math.pi / SIDE
    solid_angle = np.repeat(2 * np.sin(polar) * np.sin(math.pi / SIDE / 2) * wide, SIDE)
    v, u = np.meshgrid(*[(np.arange(SIDE) + 0.5) / SIDE] * 2, indexing="ij")
    direction = direction_from_angles(torch.tensor((0.5 - u) * 360).flatten(), torch.tensor(90 - v * 180).flatten())
    harmonics = irradiance_harmonics(torch.tensor(image).view(-1, 3), direction, torch.tensor(solid_angle)).float()
    return {
        "harmonics": strength * harmonics.repeat(batch, 1, 1),
        "environment": torch.ones(batch, dtype=torch.int32),
        "environment_radiance": torch.full((batch,), strength),
        "environment_yaw_degrees": torch.full((batch,), yaw),
    }


def test_sky_and_ground_share_what_faces_sideways():
    up = torch.tensor([[0.4, 0.3, 0.1], [-0.1, 0.2, 0.0]])
    source = dark(2, ambient=torch.full((2, 3), 0.5), upward=up)
    camera = camera_towards([0.0, 1.0, 0.0], [0.0, 1.0, 0.3])
    # Towards the cameras, so that no normal is bent.
    normals = torch.tensor([[0.0, -1.0, 0.0], [0.0, -0.8, 0.6], [0.6, -0.64, -0.48]])
    got = radiance(source, camera, normals)
    expected = 0.5 + normals[:, 2][:, None] * up[:, None]
    torch.testing.assert_close(got, expected)


def test_a_mirror_shows_the_sky_where_it_reflects_it():
    source = dark(upward=torch.tensor([[1.0, 1, 1]]), ambient=torch.ones(1, 3))
    # A mirror that leans back by 45 degrees shows the zenith; by 30 degrees, what lies 60 degrees above the horizon.
    for degrees in (0.0, 30.0, 45.0):
        a = math.radians(degrees)
        normal = torch.tensor([[0.0, -math.cos(a), math.sin(a)]])
        got = radiance(source, camera_towards([0.0, 1.0, 0.0]), normal, roughness=0.1, specular=1.0)
        assert got[0, 0, 0].item() == pytest.approx(1 + math.sin(2 * a), abs=1e-5)


def test_harmonics_are_taken_at_the_normal_whatever_the_camera():
    generator = torch.Generator().manual_seed(0)
    harmonics = torch.randn(3, 9, 3, generator=generator) * 0.1
    harmonics[:, 0] += 3
    camera = camera_towards([0.0, 1.0, 0.0], [0.3, 1.0, -0.4], [-0.2, 0.9, 0.3])
    normals = torch.nn.functional.normalize(torch.randn(20, 3, generator=generator) - torch.tensor([0, 4.0, 0]), dim=1)
    got = radiance(dark(3, harmonics=harmonics), camera, normals)
    torch.testing.assert_close(got, torch.einsum("pk,bkc->bpc", basis(normals), harmonics), rtol=1e-4, atol=1e-5)


def test_irradiance_is_never_negative():
    harmonics = torch.zeros(1, 9, 3)
    harmonics[:, 2] = 1.0
    got = radiance(dark(harmonics=harmonics), camera_towards([0.0, 0.0, 1.0]), torch.tensor([[0.0, 0.0, -1.0]]))
    assert (got == 0).all()


@pytest.mark.parametrize("roughness", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("specular", [0.0, 0.04, 1.0])
def test_white_things_vanish_in_a_white_room(roughness: float, specular: float):
    white = panorama(np.ones_like)
    source = dark(**environment(white, strength=2.5))
    normals = torch.nn.functional.normalize(torch.tensor([[0.0, -1, 0], [0.5, -0.5, 0.3], [-0.4, -0.2, -0.6]]), dim=1)
    got = radiance(source, camera_towards([0.0, 1.0, 0.0]), normals, [white], roughness, specular)
    # The solid angles of a grid are those of its middles.
    torch.testing.assert_close(got, torch.full_like(got, 2.5), rtol=2e-3, atol=0)


@pytest.mark.parametrize("yaw", [0.0, 75.0])
def test_a_mirror_shows_what_lies_in_the_mirrored_direction(yaw: float):
    room = panorama(lambda d: 0.5 + 0.4 * d)
    source = dark(**environment(room, strength=3.0, yaw=yaw))
    normals = torch.nn.functional.normalize(torch.tensor([[0.0, -1, 0], [0.5, -0.9, 0.3], [-0.4, -0.8, -0.6]]), dim=1)
    got = radiance(source, camera_towards([0.0, 1.0, 0.0]), normals, [room], roughness=0.1, specular=1.0)[0]
    view = torch.tensor([0.0, 1.0, 0.0])
    shown = view - 2 * (normals @ view)[:, None] * normals
    back = torch.tensor(trimesh.transformations.rotation_matrix(math.radians(-yaw), [0, 0, 1])[:3, :3]).float()
    # Texels of eight bits, up to 6 degrees wide; the fit of the split sum is off by less than 1 % for a mirror.
    torch.testing.assert_close(got, 3 * (0.5 + 0.4 * shown @ back.T), rtol=0, atol=0.06)


def test_a_mirror_ball_shows_the_room_at_each_pixel():
    size = (48, 48)
    room = panorama(lambda d: 0.5 + 0.4 * d)
    mesh, at = trimesh.creation.icosphere(5), pose(0, 0, 4)
    bank = with_textures(bank_from_meshes([mesh]), [room])
    shiny = materials(roughness=torch.tensor([[0.1]]), specular=torch.tensor([[1.0]]))
    world = scene(pinhole(60.0, *size), lights=dark(**environment(room)), materials=shiny)
    triangle, x, y = cast(mesh, at, world.camera.intrinsics[0], size)
    zero, seen = torch.zeros_like(triangle), triangle >= 0
    tables = shading_tables(bank, world, place(bank, [[0]], at[None, None]))
    got = torch.stack(shade(tables, triangle.clamp_min(0), zero, zero, x, y), dim=-1)
    ray = torch.nn.functional.normalize(torch.stack([x, y, torch.ones_like(x)], dim=-1), dim=-1)
    along = 4 * ray[..., 2]
    distance = along - (along**2 - 15).clamp_min(0).sqrt()
    normal = ray * distance[..., None] - torch.tensor([0.0, 0, 4])
    shown = ray - 2 * (ray * normal).sum(-1, keepdim=True) * normal
    # The camera's axes are the world's here. Facets turn what is mirrored by up to 2 degrees, more at the rim.
    inside = seen & ((ray * normal).sum(-1) < -0.3)
    torch.testing.assert_close(got[inside], (0.5 + 0.4 * shown)[inside], rtol=0, atol=0.05)


def lookup(image: np.ndarray, direction: list[list[float]], alpha: float) -> torch.Tensor:
    """Returns the red of a panorama around directions."""
    bank = with_textures(bank_from_meshes([BOX]), [image])
    frame = torch.cat([torch.eye(3).flatten(), torch.ones(1)])[None]
    planes = torch.nn.functional.normalize(torch.tensor(direction), dim=1).unbind(1)
    alpha2, row = torch.full_like(planes[0], alpha**2), torch.zeros(len(direction), dtype=torch.int32)
    return reflection_of(MirrorTables(bank.texels, bank.textures[1:2], frame), planes, alpha2, row)[0]


def test_rough_surfaces_blur_what_they_mirror():
    image = panorama(lambda d: (d[..., :1] > 0) * np.ones(3))
    directions = [[1.0, 0, 0], [0.05, 1, 0], [-0.05, 1, 0], [-1, 0, 0.0]]
    smooth, rough = lookup(image, directions, 0.01), lookup(image, directions, 0.5)
    assert smooth.tolist() == pytest.approx([1, 1, 0, 0], abs=0.3)
    assert smooth[1] - smooth[2] > 0.5
    assert rough[1] - rough[2] < 0.2
    assert rough[0] > 0.8
    assert rough[3] < 0.2


@pytest.mark.parametrize("alpha", [0.01, 0.1, 0.4])
def test_above_the_zenith_is_no_ground(alpha: float):
    image = panorama(lambda d: (d[..., 2:] > 0) * np.ones(3))
    assert lookup(image, [[0.0, 0, 1], [1e-4, 0, 1], [0, -1e-4, 1]], alpha).tolist() == [1, 1, 1]
    assert lookup(image, [[0.0, 0, -1], [1e-4, 0, -1]], alpha).tolist() == [0, 0]


def test_where_a_panorama_shows_what():
    directions = torch.tensor([[1.0, 0, 0], [0, -1, 0], [0, 1, 0], [0, 0, 1], [0, 0, -1]])
    u, v = panorama_uv(directions.unbind(1))
    # The middle looks along +x, to the right of it is -y.
    assert u[:3].tolist() == pytest.approx([0.5, 0.75, 0.25])
    assert v.tolist() == pytest.approx([0.5, 0.5, 0.5, 0, 1])


@pytest.mark.parametrize("roughness", [0.1, 0.3, 0.6, 1.0])
@pytest.mark.parametrize("cosine", [0.3, 0.6, 1.0])
def test_what_a_lobe_reflects_is_near_its_integral(roughness: float, cosine: float):
    u = np.random.default_rng(0).random((2, 50_000))
    alpha = roughness**2
    cos_h = np.sqrt((1 - u[0]) / (1 + (alpha**2 - 1) * u[0]))
    v_h = math.sqrt(1 - cosine**2) * np.sqrt(1 - cos_h**2) * np.cos(2 * math.pi * u[1]) + cosine * cos_h
    n_l = 2 * v_h * cos_h - cosine
    use = n_l > 0
    v_h, cos_h, n_l = (np.where(use, a, 1) for a in (v_h, cos_h, n_l))
    masked = 1 + sum((np.sqrt(1 + alpha**2 * (1 - c**2) / c**2) - 1) / 2 for c in (n_l, cosine))
    weight, fresnel = use * v_h / (cos_h * cosine * masked), (1 - v_h) ** 5
    got = mirrored_shares((torch.tensor([0.04]), torch.tensor([1.0])), torch.tensor([cosine]), torch.tensor([alpha**2]))
    # Of a dielectric, light that is reflected twice does not count. Of a white metal, all leaves in the end.
    assert got[0].item() == pytest.approx((weight * (0.04 + 0.96 * fresnel)).mean(), abs=0.035)
    assert got[1].item() == 1


def test_nothing_from_any_side_is_no_table():
    assert environment_tables(bank_from_meshes([BOX]), scene(torch.eye(3)[None])) is None


def test_one_loop_equals_eager():
    size, room = (32, 32), panorama(lambda d: 0.5 + 0.4 * d)
    mesh, at = trimesh.creation.icosphere(3), pose(0, 0, 4).repeat(2, 1, 1, 1)
    bank = with_textures(bank_from_meshes([mesh]), [room])
    source = dark(2, upward=torch.tensor([[0.1, 0.2, 0.3], [0, 0, 0]]), **environment(room, 2.0, 40.0, batch=2))
    shiny = materials(2, roughness=torch.tensor([[0.1], [0.6]]), specular=torch.tensor([[1.0], [0.04]]))
    world = scene(pinhole(40.0, *size, batch=2), lights=source, materials=shiny)
    instances = place(bank, [[0], [0]], at)
    seen = fragments_of(visible(bank, instances, world.camera.intrinsics, size))
    tables = shading_tables(bank, world, instances)
    fast, eager = (shade_fragments(tables, seen, size, trilinear=False, compile=c) for c in (True, False))
    # Fused multiply-adds round once where two operations round twice.
    torch.testing.assert_close(fast, eager, rtol=1e-3, atol=1e-3)
    assert eager.std() > 0.1
