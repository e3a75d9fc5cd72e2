"""Shaded pictures against closed forms: a lit sphere, a textured quad, a checker seen from afar; gradients; shapes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh

from ondr.imaging.shading import shade, shading_tables
from ondr.planes import Vector
from ondr.scene import Camera, Scene
from tests.scenes import cast, lights, materials, pose, quad, scene, with_textures
from tests.worlds import bank_from_meshes, pinhole, place

SIZE = (64, 64)
K = pinhole(80.0, *SIZE)


def picture(bank, world: Scene, mesh: trimesh.Trimesh, at: torch.Tensor, size: tuple[int, int] = SIZE):
    """Returns linear RGB `[height, width, 3]` of one instance and where it is seen."""
    instances = place(bank, [[0]], at[None, None])
    triangle, x, y = cast(mesh, at, world.camera.intrinsics[0], size)
    zero = torch.zeros_like(triangle)
    planes = shade(shading_tables(bank, world, instances), triangle.clamp_min(0), zero, zero, x, y)
    return torch.stack(planes, -1), triangle >= 0, x, y


@pytest.mark.parametrize("towards", [(0.6, -0.48, -0.64), (1.0, 0.0, 0.0), (0.0, -1.0, 0.0)])
def test_a_lambert_sphere_under_a_directional_light(towards: tuple[float, float, float]):
    mesh = trimesh.creation.icosphere(5)
    world = scene(K, lights=lights([[*towards, 0]]))
    got, seen, x, y = picture(bank_from_meshes([mesh]), world, mesh, pose(0, 0, 4))
    rays = np.stack([x, y, np.ones_like(x)], -1).astype(np.float64)
    a, b, c = (rays**2).sum(-1), rays[..., 2] * 4, 15.0
    root = np.sqrt(np.maximum(b * b - a * c, 0))
    normal = rays * ((b - root) / a)[..., None] - [0, 0, 4]
    view = -rays / np.sqrt(a)[..., None]
    cosine = np.maximum(normal @ np.array(towards), 0)
    # The half of Fresnel that leaves the diffuse part and comes back as a lobe is kept out: only where v.h is large.
    half = np.linalg.norm(view + np.array(towards), axis=-1) / 2
    sure = seen.numpy() & (half > 0.65) & (root > 0.2)
    assert sure.sum() > 200
    # (1 - 0.65)^5 = 0.005 moves to the lobe; facets turn the normal by less than 0.01.
    np.testing.assert_allclose(got[..., 0].numpy()[sure], cosine[sure], atol=0.015)


def test_a_light_on_the_right_lights_the_right_side():
    mesh = trimesh.creation.icosphere(3)
    for position, brighter in (((5, 0, 4), (32, 45)), ((0, -5, 4), (19, 32)), ((-5, 0, 4), (32, 19))):
        world = scene(K, lights=lights([[*position, 1]], reference_distance=5.0))
        got, _, _, _ = picture(bank_from_meshes([mesh]), world, mesh, pose(0, 0, 4))
        y, x = brighter
        assert got[y, x, 0] > got[63 - y, 63 - x, 0] + 0.3


def test_a_frontal_textured_quad_is_its_texture():
    texture = np.random.default_rng(0).integers(0, 256, (32, 32, 3)) ** 2 / 255**2
    mesh = quad()
    bank = with_textures(bank_from_meshes([mesh]), [texture])
    # One texel per pixel: 32 pixels for a side of 2 at a depth of 5 and a focal length of 80.
    world = scene(K, materials=materials(texture=torch.ones(1, 1, dtype=torch.int32)))
    got, seen, x, y = picture(bank, world, mesh, pose(0, 0, 5))
    assert seen.sum() == 32 * 32
    inside = got[16:48, 16:48].numpy()
    away = np.sqrt((np.stack([x, y], -1)[16:48, 16:48] ** 2).sum(-1))
    # White light from the front is reflected whole but for Fresnel, which is nothing near the axis.
    np.testing.assert_allclose(inside[away < 0.15], texture[away < 0.15], atol=1e-3)


def test_a_checker_seen_from_afar_is_grey():
    checker = (np.indices((64, 64)).sum(0) % 2)[..., None] * np.ones(3)
    mesh = quad()
    bank = with_textures(bank_from_meshes([mesh]), [checker])
    world = scene(K, materials=materials(texture=torch.ones(1, 1, dtype=torch.int32)))
    for depth in (8.0, 8.3, 9.7):
        for shift in (0.0, 0.013, 0.021):
            got, seen, _, _ = picture(bank, world, mesh, pose(shift, 0, depth))
            # Half of the light, whatever the phase: stored in steps of 1/255 of the root; Lambert's cosine is 1.
            assert (got[seen] - 0.5).abs().max() < 0.01


def random_world(batch: int = 2) -> tuple:
    """Returns a bank, a scene, instances and random points on their surfaces, ready for `shade`."""
    generator = torch.Generator().manual_seed(0)
    meshes = [trimesh.creation.icosphere(1), quad()]
    bank = with_textures(bank_from_meshes(meshes), [np.random.default_rng(0).random((128, 128, 3))])
    at = torch.stack([torch.stack([pose(0, 0, 3), pose(0.2, 0.1, 4)])] * batch)
    at[:, :, :, :3] @= torch.linalg.matrix_exp(torch.tensor([[0, 0.3, 0.2], [-0.3, 0, 0.5], [-0.2, -0.5, 0]]))
    instances = place(bank, [[0, 1]] * batch, at)
    chosen = materials(batch, 2, texture=torch.ones(batch, 2, dtype=torch.int32))
    chosen = replace(
        chosen,
        roughness=0.3 + 0.6 * torch.rand(batch, 2, generator=generator),
        specular=torch.rand(batch, 2, generator=generator) * 0.2,
        color=torch.rand(batch, 2, 3, generator=generator),
    )
    sources = lights([[1, -1, 1, 1], [0.6, 0, -0.8, 0]], [[1, 0.5, 0.2], [0.3] * 3], ambient=(0.1,) * 3, batch=batch)
    world = scene(pinhole(80.0, *SIZE, batch=batch), 2, materials=chosen, lights=sources)
    image = torch.arange(batch, dtype=torch.int32).repeat_interleave(20)
    slot = torch.arange(20, dtype=torch.int32).repeat(batch) % 2
    triangle = torch.where(slot == 1, 80 + torch.arange(20 * batch) % 2, torch.arange(20 * batch)).to(torch.int32)
    corner = bank.vertices[(bank.triangles[triangle.long(), :3] + bank.vertex_offset[slot.long()][:, None]).long(), :3]
    matrices = instances.camera_from_bank[image.long(), slot.long()]
    weights = torch.rand(len(slot), 3, generator=generator) + 0.1
    point = (corner * (weights / weights.sum(1, keepdim=True))[..., None]).sum(1)
    seen = (matrices[:, :, :3] @ point[..., None])[..., 0] + matrices[:, :, 3]
    return bank, world, instances, (triangle, image * 2 + slot, image, seen[:, 0] / seen[:, 2], seen[:, 1] / seen[:, 2])


def test_any_shape_gives_the_same_colors():
    bank, world, instances, pixels = random_world()
    tables = shading_tables(bank, world, instances)
    flat = shade(tables, *pixels)
    grid = shade(tables, *(plane.view(2, 4, 5) for plane in pixels))
    for a, b in zip(flat, grid, strict=True):
        assert torch.equal(a.view(2, 4, 5), b)


def test_images_do_not_depend_on_each_other():
    bank, world, instances, pixels = random_world()
    together = torch.stack(shade(shading_tables(bank, world, instances), *pixels))
    for i in range(2):
        part = slice(i, i + 1)
        alone = replace(instances, **{name: value[part] for name, value in vars(instances).items()})
        row = slice(20 * i, 20 * i + 20)
        triangle, instance, image, x, y = (plane[row] for plane in pixels)
        got = shade(shading_tables(bank, world.rows(part), alone), triangle, instance - 2 * i, image - i, x, y)
        # torch's vector instructions round the last few elements of a tensor in another way.
        torch.testing.assert_close(torch.stack(got), together[:, row], rtol=1e-5, atol=1e-6)


def test_empty_list():
    bank, world, instances, pixels = random_world()
    got = shade(shading_tables(bank, world, instances), *(plane[:0] for plane in pixels))
    assert [plane.shape for plane in got] == [(0,)] * 3


def test_trilinear_differs_only_between_levels():
    bank, world, instances, pixels = random_world()
    tables = shading_tables(bank, world, instances)
    nearest, blended = shade(tables, *pixels), shade(tables, *pixels, trilinear=True)
    assert not torch.equal(nearest[0], blended[0])
    assert (nearest[0] - blended[0]).abs().max() < 0.5


def doubled(group):
    """Returns a dataclass with its floats in float64."""
    return replace(group, **{k: v.double() for k, v in vars(group).items() if v is not None and v.is_floating_point()})


def test_gradients_against_finite_differences():
    bank, world, instances, pixels = random_world(1)
    # Every fourth point: the Jacobian is computed column by column.
    pixels = tuple(plane[::4].double() if plane.is_floating_point() else plane[::4] for plane in pixels)
    bank, chosen, sources = doubled(bank), doubled(world.materials), doubled(world.lights)
    kind = sources.position[..., 3:]
    inputs = (
        bank.vertices,
        instances.camera_from_bank.double(),
        sources.position[..., :3],
        sources.color,
        sources.ambient,
        chosen.color,
        chosen.roughness,
        chosen.specular,
        world.camera.camera_from_world.double(),
    )

    def evaluate(vertices, poses, position, color, ambient, albedo, roughness, specular, camera) -> Vector:
        moved = replace(
            world,
            camera=Camera(world.camera.intrinsics.double(), camera),
            lights=replace(sources, position=torch.cat([position, kind], dim=-1), color=color, ambient=ambient),
            materials=replace(chosen, color=albedo, roughness=roughness, specular=specular),
        )
        placed = replace(instances, camera_from_bank=poses)
        return shade(shading_tables(replace(bank, vertices=vertices), moved, placed), *pixels)

    assert torch.autograd.gradcheck(evaluate, tuple(v.requires_grad_() for v in inputs), fast_mode=True)
