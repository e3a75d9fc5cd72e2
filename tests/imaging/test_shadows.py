"""Shadows against hand-computed cases: a square above a floor; surfaces that shadow nothing; soft edges; all paths."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh

from ondr.fusion import loop
from ondr.imaging.fragments import fragments_of, shade_fragments
from ondr.imaging.points import points_of_centers
from ondr.imaging.shade_points import linear_images
from ondr.imaging.shading import shading_tables
from ondr.imaging.shadow_maps import TEXELS, levels, shadow_tables
from ondr.imaging.shadows import SIDE, ShadowTables, lit_share
from ondr.labels.points import covered_pixels, points_at
from ondr.raster import visible
from ondr.scene import Scene, Structure
from tests.scenes import background, lights, materials, pose, quad, scene, tables_behind
from tests.worlds import bank_from_meshes, pinhole, place, random_poses

SIZE = (48, 48)
NAME = "lights.shadow_strength"
SQUARE_ACROSS = 2**0.5 * SIDE / (SIDE - 4)
"""Metres that the map of a unit square shows at the square: its bounding sphere and the margin."""


def world(light: list[float], strength: float = 1.0, softness: float = 0.0, batch: int = 1, slots: int = 2) -> Scene:
    """Returns a scene with one light, in which all images have shadows; slot k has mesh k."""
    sources = replace(
        lights([light], reference_distance=5.0, ambient=(0.1, 0.1, 0.1), batch=batch),
        shadow_strength=torch.full((batch,), strength),
        shadow_softness=torch.full((batch,), softness),
    )
    plain = scene(pinhole(40.0, *SIZE, batch=batch), slots, lights=sources, materials=materials(batch, slots))
    mesh = torch.arange(slots, dtype=torch.int32).repeat(batch, 1)
    poses, rows = replace(plain.poses, mesh=mesh), {NAME: tuple(range(batch))}
    return replace(plain, poses=poses, structure=Structure(mesh=mesh, rows=rows, largest={}))


def square_above_floor(batch: int = 1):
    """Returns a unit square at a depth of 8 m before a floor of 40 x 40 m at 10 m, both upright before the camera; in
    further images it is less high.
    """
    bank = bank_from_meshes([quad(1, 1), quad(40, 40)])
    poses = torch.stack([pose(0, 0, 8), pose(0, 0, 10)]).repeat(batch, 1, 1, 1)
    poses[:, 0, 1, 1] = 1 / (1 + torch.arange(batch))
    return bank, place(bank, [[0, 1]] * batch, poses)


def shares(tables: ShadowTables, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Returns the share of light at points of the floor."""
    facet = torch.zeros_like(x), torch.zeros_like(x), -torch.ones_like(x)
    return lit_share(tables, facet, (x, y, torch.full_like(x, 10)), torch.zeros_like(x).int())


@pytest.mark.parametrize(
    ("light", "middle", "side"),
    [
        # Along the light from 8 m to 10 m depth: 2 m / tan, 0.75 of 2 m to the left.
        ([0.6, 0, -0.8, 0], (-1.5, 0), 1.0),
        ([0, -0.6, -0.8, 0], (0, 1.5), 1.0),
        # Twice as far from a light at 6 m as the square; its middle on the line from the light.
        ([0, 0, 6, 1], (0, 0), 2.0),
        ([1, 0.5, 6, 1], (-1, -0.5), 2.0),
    ],
)
def test_a_square_throws_its_shape(light, middle, side):
    bank, instances = square_above_floor()
    tables = shadow_tables(bank, world(light), instances, 1, False)
    y, x = torch.meshgrid(*[torch.linspace(-0.6, 0.6, 401) * side] * 2, indexing="ij")
    lit = shares(tables, x + middle[0], y + middle[1])
    area = (1 - lit).sum().item() * (0.003 * side) ** 2
    # A directional light's pinhole stands 500 radii off, so that its shadow grows by 0.7 % on the 2.5 m to the floor.
    side *= 1 if light[3] else 1 + 2.5 / (500 * 0.5**0.5)
    assert area == pytest.approx(side**2, rel=4e-3)
    reach, texel = torch.maximum(x.abs(), y.abs()) - side / 2, SQUARE_ACROSS / SIDE * side
    # The edge is 1.5 texels wide, and a texel as much longer on the floor as the light is slanted.
    assert (lit[reach < -2.5 * texel] == 0).all()
    assert (lit[reach > 2.5 * texel] == 1).all()


@pytest.mark.parametrize("light", [[0.5, -0.6, -0.7, 0], [-2.0, -3.0, 2.0, 1]])
def test_many_things_shadow_what_rays_say(light: list[float]):
    shapes = [trimesh.creation.torus(0.5, 0.2), trimesh.creation.box((1, 0.5, 0.3)), trimesh.creation.icosphere(2)]
    shapes += [trimesh.creation.cylinder(0.2, 2.0), quad(30, 30)]
    bank, slots = bank_from_meshes(shapes), 8
    generator = np.random.default_rng(5)
    poses = torch.cat([random_poses(generator, (slots,), (5, 8), 0.8, 0.4), pose(0, 0, 9)[None]])[None]
    mesh = torch.tensor([[*generator.integers(0, 4, slots), 4]], dtype=torch.int32)
    instances, plain = place(bank, mesh, poses), world(light, slots=slots + 1)
    drawn = replace(plain, poses=replace(plain.poses, mesh=mesh))
    seen = visible(bank, instances, drawn.camera.intrinsics, SIZE)
    points = points_at(bank, instances, seen, drawn.camera, covered_pixels(seen.triangle))
    y, x = (seen.triangle[0] >= 0).nonzero().T
    inverse = torch.linalg.inv(drawn.camera.intrinsics[0])
    point = points.depth[:, None] * (torch.stack([x + 0.5, y + 0.5, torch.ones_like(x)], dim=1) @ inverse.T)
    placed = [shapes[m].copy().apply_transform(_square(at)) for m, at in zip(mesh[0].tolist(), poses[0], strict=True)]
    faces = seen.triangle[0, y, x] - bank.first_triangle[mesh[0]][seen.slot[0, y, x].long()]
    normal = np.array([placed[s].face_normals[f] for s, f in zip(seen.slot[0, y, x], faces, strict=True)])
    normal *= -np.sign((normal * point.numpy()).sum(1, keepdims=True))
    towards = np.array(light[:3]) - light[3] * point.numpy()
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    casting = trimesh.util.concatenate(placed[:slots])
    hidden = casting.ray.intersects_any(point.numpy() + 1e-3 * normal, towards)
    facets, image = torch.tensor(normal).float().unbind(1), torch.zeros(len(x), dtype=torch.int32)
    tables = shadow_tables(bank, drawn, instances, slots, False)
    lit = lit_share(tables, facets, point.unbind(1), image).numpy()
    facing = (normal * towards).sum(1) > 0.05
    assert 0.05 < hidden[facing].mean() < 0.6
    # At the edges of shadows, which are two texels wide, a ray is either in or out.
    assert ((lit > 0.5) == hidden)[facing].mean() < 0.01
    assert ((lit > 0.01) & (lit < 0.99))[facing].mean() < 0.04


def _square(matrix: torch.Tensor) -> np.ndarray:
    return np.vstack([matrix.double().numpy(), [0, 0, 0, 1]])


def test_strength_is_the_share_that_is_missing():
    bank, instances = square_above_floor()
    tables = shadow_tables(bank, world([0, 0, -1, 0], strength=0.7), instances, 1, False)
    assert shares(tables, torch.zeros(1), torch.zeros(1)).item() == pytest.approx(0.3)


def test_what_lies_beside_the_map_or_before_the_light_is_lit():
    bank, instances = square_above_floor()
    tables = shadow_tables(bank, world([0, 0, 6, 1]), instances, 1, False)
    far = torch.tensor([1e3, 1e6, -1e9, 30.0])
    assert (shares(tables, far, -far) == 1).all()
    behind = tuple(torch.tensor([v]) for v in (0.0, 0.0, 5.0))
    facet = tuple(torch.tensor([v]) for v in (0.0, 0.0, -1.0))
    assert lit_share(tables, facet, behind, torch.zeros(1).int()).item() == 1


@pytest.mark.parametrize("softness", [0.01, 0.03, 0.1])
def test_soft_edges_are_as_wide_as_asked(softness: float):
    bank, instances = square_above_floor()
    tables = shadow_tables(bank, world([0, 0, -1, 0], softness=softness), instances, 1, False)
    x = torch.linspace(0, 1, 20001)
    lit = shares(tables, x, torch.zeros_like(x))
    ten, half, ninety = (x[(lit > share).int().argmax()].item() for share in (0.1, 0.5, 0.9))
    # The light's rays are parallel but for 0.2 % of the map.
    assert half == pytest.approx(0.5, abs=0.005)
    # A smoothed ramp goes from a tenth to nine tenths on 61 % of its width; a level's texels add up to a third of it.
    assert 0.55 <= (ninety - ten) / (softness * SQUARE_ACROSS) <= 0.95
    assert (lit.diff() >= -1e-6).all()
    # No step is seen: the steepest part of a smoothed ramp is 1.5 times as steep as a straight one.
    assert lit.diff().max() / (x[1] - x[0]) < 2 / (0.8 * softness * SQUARE_ACROSS)


def pictures(bank, instances, drawn: Scene, casting: int) -> torch.Tensor:
    """Returns the linear light of pixels that see something, `[3, pixel]`."""
    seen = fragments_of(visible(bank, instances, drawn.camera.intrinsics, SIZE))
    tables = shading_tables(bank, drawn, instances, shadow_tables(bank, drawn, instances, casting, False))
    return shade_fragments(tables, seen, SIZE, trilinear=False, compile=False)


@pytest.mark.parametrize("softness", [0.0, 0.02, 0.06])
@pytest.mark.parametrize("light", [[0.6, -0.48, -0.64, 0], [3.0, -2.0, 1.0, 1]])
@pytest.mark.parametrize("mesh", [trimesh.creation.icosphere(3), trimesh.creation.box((1.4,) * 3)], ids=["ball", "box"])
def test_round_and_flat_things_do_not_shadow_themselves(mesh, light, softness):
    bank = bank_from_meshes([mesh, mesh])
    turned = torch.tensor(trimesh.transformations.euler_matrix(0.5, 0.4, 0.3)[:3, :3]).float()
    at = torch.cat([turned, torch.tensor([[0.1], [0], [4]])], dim=1)
    instances = place(bank, [[0, -1]], torch.stack([at, at])[None])
    drawn = world(light, softness=softness)
    unshadowed = replace(drawn, lights=replace(drawn.lights, shadow_strength=None))
    got, expected = (pictures(bank, instances, s, 2)[0] for s in (drawn, unshadowed))
    assert expected.max() > 0.5
    assert got.mean().item() == pytest.approx(expected.mean().item(), rel=2e-3)
    # Where a facet turns from the light, the smooth normal of its corner may not have yet: one pixel of a ball's 40.
    torch.testing.assert_close(got, expected, rtol=0, atol=0.03)


def two_images(strength: tuple[float, float] = (0.0, 1.0)) -> tuple:
    bank, instances = square_above_floor(2)
    drawn = world([0.6, 0, -0.8, 0], softness=0.03, batch=2)
    rows = {NAME: tuple(row for row in (0, 1) if strength[row])}
    drawn = replace(
        drawn,
        lights=replace(drawn.lights, shadow_strength=torch.tensor(strength)),
        structure=replace(drawn.structure, rows=rows),
    )
    return bank, instances, drawn


def test_images_without_shadows_are_unchanged_bit_for_bit():
    bank, instances, drawn = two_images()
    none = replace(drawn, lights=replace(drawn.lights, shadow_strength=None))
    assert shadow_tables(bank, none, instances, 1, False) is None
    with_some, without = pictures(bank, instances, drawn, 1), pictures(bank, instances, none, 1)
    half = with_some.shape[1] // 2
    assert torch.equal(with_some[:, :half], without[:, :half])
    assert (with_some[:, half:] < without[:, half:] - 0.3).any()


def test_a_batch_without_any_shadow_draws_no_map(monkeypatch: pytest.MonkeyPatch):
    bank, instances, drawn = two_images((0.0, 0.0))
    expected = pictures(bank, instances, replace(drawn, lights=replace(drawn.lights, shadow_strength=None)), 1)
    monkeypatch.setattr("ondr.raster.visible_ids", lambda *_: pytest.fail("drawn"))
    tables = shadow_tables(bank, drawn, instances, 1, False)
    assert tables.covered.shape == tables.nearness.shape == (TEXELS,)
    assert torch.equal(pictures(bank, instances, drawn, 1), expected)


def test_one_image_of_a_batch_is_as_if_it_were_alone():
    bank, instances, drawn = two_images((1.0, 0.6))
    together = pictures(bank, instances, drawn, 1)
    one = replace(instances, **{name: value[1:] for name, value in vars(instances).items()})
    alone = pictures(bank, one, drawn.rows(slice(1, 2)), 1)
    torch.testing.assert_close(together[:, together.shape[1] // 2 :], alone)


def test_what_casts_no_shadow_does_not():
    bank, instances, drawn = two_images((1.0, 1.0))
    tables = shadow_tables(bank, drawn, instances, 0, False)
    assert (tables.covered == 0).all()
    # A floor that casts would have the whole map to itself, and its shadow lie on nothing but what is behind it.
    none = replace(drawn, lights=replace(drawn.lights, shadow_strength=None))
    torch.testing.assert_close(pictures(bank, instances, drawn, 0), pictures(bank, instances, none, 0))


def test_the_points_of_a_gpu_show_the_same():
    bank, instances, drawn = two_images((1.0, 1.0))
    seen = visible(bank, instances, drawn.camera.intrinsics, SIZE)
    tables = shading_tables(bank, drawn, instances, shadow_tables(bank, drawn, instances, 1, False))
    behind = tables_behind(bank, background(2))
    points = linear_images(tables, behind, points_of_centers(seen), SIZE, False)
    listed = shade_fragments(tables, fragments_of(seen), SIZE, trilinear=False, compile=False)
    torch.testing.assert_close(points.transpose(0, 1)[:, seen.triangle >= 0], listed, rtol=0, atol=1e-5)


def test_gradients_reach_the_light_and_the_strength():
    bank, instances, drawn = two_images((1.0, 0.6))
    color, strength = drawn.lights.color.requires_grad_(), drawn.lights.shadow_strength.requires_grad_()
    drawn = replace(drawn, lights=replace(drawn.lights, color=color, shadow_strength=strength))
    pictures(bank, instances, drawn, 1).sum().backward()
    assert (color.grad > 0).all()
    assert (strength.grad < 0).all()


def test_levels_are_means_of_what_is_covered():
    nearness = torch.zeros(2, SIDE, SIDE)
    nearness[1, 0, 0], nearness[1, 1, 1] = 0.2, 0.4
    maps = torch.stack(levels(nearness), dim=1)
    assert maps.shape == (2 * TEXELS, 2)
    assert (maps[:TEXELS] == 0).all()
    torch.testing.assert_close(maps[TEXELS], torch.tensor([1, 0.2]))
    torch.testing.assert_close(maps[TEXELS + SIDE * SIDE], torch.tensor([0.5, 0.3]))
    torch.testing.assert_close(maps[-1], torch.tensor([2 / SIDE**2, 0.3]))


def test_one_loop_equals_eager_for_any_number_of_shadows(monkeypatch: pytest.MonkeyPatch):
    for strength in ((1.0, 0.6), (0.0, 1.0), (0.0, 0.0)):
        if strength[0] == 0:
            monkeypatch.setattr(loop, "_compile", lambda *_: pytest.fail("compiled for another number"))
        bank, instances, drawn = two_images(strength)
        seen = fragments_of(visible(bank, instances, drawn.camera.intrinsics, SIZE))
        eager = shadow_tables(bank, drawn, instances, 1, False)
        fast = shadow_tables(bank, drawn, instances, 1, True)
        torch.testing.assert_close(fast.nearness, eager.nearness, rtol=1e-5, atol=0)
        got = shade_fragments(shading_tables(bank, drawn, instances, fast), seen, SIZE, trilinear=False, compile=True)
        tables = shading_tables(bank, drawn, instances, eager)
        expected = shade_fragments(tables, seen, SIZE, trilinear=False, compile=False)
        # Fused multiply-adds round once where two operations round twice; at the edges a texel may fall otherwise.
        torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-3)
