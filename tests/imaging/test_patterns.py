"""Patterns at points known by hand, noise against a slow reference, and what is left of both from afar."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten

from ondr import surface
from ondr.fusion.loop import Job, run
from ondr.imaging import gradient_noise, patterns
from ondr.imaging.appearance import appearance_tables
from ondr.imaging.patterns import CHECKER, GRADIENT, MARBLE, NOISE, PARTS, STRIPES, WOOD, Spot
from ondr.planes import Vector, take
from ondr.scene import Materials
from tests.imaging.test_appearance import albedo
from tests.scenes import materials, pose, quad
from tests.worlds import bank_from_meshes, pinhole, place

KINDS = (GRADIENT, CHECKER, STRIPES, NOISE, WOOD, MARBLE)
FIRST, SECOND = torch.tensor([0.1, 0.2, 0.4]), torch.tensor([0.9, 0.5, 0.3])


def patterned(kind: int, matrix: Tensor | None = None, **changes: Tensor) -> Materials:
    """Returns a pattern of `FIRST` and `SECOND` whose space is the mesh's own."""
    plain = materials(
        color=FIRST.expand(1, 1, 3),
        pattern=torch.full((1, 1), kind, dtype=torch.int32),
        color2=SECOND.expand(1, 1, 3),
        pattern_from_object=torch.eye(3, 4)[None, None] if matrix is None else matrix[None, None],
        noise_stretch=torch.ones(1, 1, 3),
    )
    return replace(plain, **changes)


def at(*points: tuple[float, float], mats: Materials, z: float = 1.0) -> list[float]:
    """Returns the second colour's share at points of a quad in the plane z = 0."""
    got = albedo(bank_from_meshes([quad()]), mats, list(points), z)
    share = (got - FIRST) / (SECOND - FIRST)
    torch.testing.assert_close(share, share[:, :1].expand(-1, 3), rtol=0, atol=1e-5)
    return share[:, 0].tolist()


def random_cells(number: int, scale: float = 300.0) -> Vector:
    """Returns places on both sides of zero."""
    generator = torch.Generator().manual_seed(0)
    return tuple((torch.rand(number, generator=generator, dtype=torch.float64) - 0.5) * scale for _ in range(3))


def spot(position: Vector, width: float) -> Spot:
    return Spot(position, tuple(torch.full_like(p, width) for p in position))


def share_of(kind: int, where: Spot) -> Tensor:
    """Returns a pattern's share at spots, by the functions that `share_at` puts together."""
    one = tuple(torch.ones_like(p) for p in where.position)
    x, y, z = (patterns.square_wave(p, w) for p, w in zip(where.position, where.width, strict=True))
    octaves = patterns.octaves_at(where, one)
    if kind in (CHECKER, STRIPES):
        return 0.5 - 0.5 * (x * y * z if kind == CHECKER else x)
    return {
        NOISE: lambda: patterns.cloud(octaves),
        WOOD: lambda: patterns.wood(where, octaves),
        MARBLE: lambda: patterns.marble(where, octaves),
    }[kind]()


def test_checker():
    points = [(0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (-0.2, 0.1), (-0.4, 0.1), (0.4, -0.6), (0.9, 0.0)]
    expected = [0, 1, 0, 0, 1, 0, 0]
    assert at(*points, mats=patterned(CHECKER)) == pytest.approx(expected, abs=1e-5)
    above = torch.eye(3, 4)
    above[2, 3] = 0.5
    assert at(*points, mats=patterned(CHECKER, above)) == pytest.approx([1 - e for e in expected], abs=1e-5)


def test_stripes_have_period_one_and_run_across_x():
    points = [(x, y) for x in (-0.9, -0.5, -0.1, 0.1, 0.5, 0.9) for y in (-0.7, 0.1)]
    assert at(*points, mats=patterned(STRIPES)) == pytest.approx(np.repeat([0, 1, 0, 0, 1, 0], 2), abs=1e-5)
    twice = patterned(STRIPES, torch.eye(3, 4) * 2)
    assert at((0.25, 0), (0.5, 0), (0.75, 0), mats=twice) == pytest.approx([1, 0, 1], abs=1e-5)


def test_an_edge_lies_in_the_middle_of_the_pixels_that_it_crosses():
    # Focal length 64, depth 1: a pixel is 1/64 wide, and so is the edge.
    expected = [0, 0.25, 0.5, 0.75, 1]
    got = at(*((0.25 + k / 256, 0.0) for k in range(-2, 3)), mats=patterned(STRIPES))
    assert got == pytest.approx(expected, abs=1e-4)


def test_gradient_is_linear_and_ends():
    points = [(x, 0.3) for x in (-0.9, -0.5, -0.25, 0.0, 0.4, 0.5, 0.8)]
    assert at(*points, mats=patterned(GRADIENT)) == pytest.approx([0, 0, 0.25, 0.5, 0.9, 1, 1], abs=1e-5)


def test_rings_and_veins_without_noise():
    nothing = tuple(torch.zeros(4) for _ in range(3))
    where = Spot((torch.tensor([0, 0.25, 0.5, 0.75]), *nothing[:2]), nothing)
    # A vein adds 0.6 to half of the ground's 0.25.
    assert patterns.marble(where, nothing).tolist() == pytest.approx([0.125, 0.725, 0.125, 0.725])
    radius = torch.tensor([0.43, 0.86, 1.43, 3.0])
    where = Spot((nothing[0], 0.6 * radius, 0.8 * radius), nothing)
    assert patterns.wood(where, nothing).tolist() == pytest.approx([0.3, 0.9, 0.3, 0.1], abs=1e-5)


def test_means_of_rings_and_veins():
    phase = (torch.arange(100_000, dtype=torch.float64) + 0.5) / 100_000
    assert patterns.veins(phase).mean().item() == pytest.approx(patterns.VEIN_MEAN, abs=1e-4)
    assert patterns.rings(phase).mean().item() == pytest.approx(patterns.RING_MEAN, abs=1e-4)


def slow_noise(x: float, y: float, z: float) -> float:
    """Gradient noise corner by corner, in Python's own numbers."""

    def scramble(word: int) -> int:
        return (word * 27457 >> 13 ^ word * 27457) % 65536

    cell, total = [math.floor(c) for c in (x, y, z)], 0.0
    for corner in np.ndindex(2, 2, 2):
        i, j, k = (c + d for c, d in zip(cell, corner, strict=True))
        first = scramble((scramble(i % 65536) + j) % 65536)
        word = scramble(first ^ scramble(scramble(k % 65536) ^ 0x5BD1))
        away = [p - c - d for p, c, d in zip((x, y, z), cell, corner, strict=True)]
        gradient = [(word >> shift) % 32 - 15.5 for shift in (0, 5, 10)]
        weight = 1.0
        for t in map(abs, away):
            weight *= 1 - t**3 * (10 - 15 * t + 6 * t * t)
        total += weight * sum(g * a for g, a in zip(gradient, away, strict=True)) / 15.5
    return 1.55 * total


def test_noise_against_a_slow_reference():
    cells = random_cells(300)
    expected = [slow_noise(*point) for point in zip(*(c.tolist() for c in cells), strict=True)]
    assert gradient_noise.noise(cells).tolist() == pytest.approx(expected, abs=1e-9)


def test_noise_has_its_mean_spread_and_bounds():
    got = gradient_noise.noise(random_cells(300_000))
    # 300,000 values, of which neighbours in a cell go together; a cell is met 0.01 times.
    assert abs(got.mean()) < 0.003
    assert got.std() == pytest.approx(0.3, abs=0.01)
    assert got.abs().max() < 1.6


def test_noise_is_continuous_and_zero_at_lattice_points():
    whole = tuple(c.round() for c in random_cells(1000))
    assert gradient_noise.noise(whole).abs().max() == 0
    for axis in range(3):
        beside = [list(whole), list(whole)]
        for sign, cells in zip((-1, 1), beside, strict=True):
            cells[(axis + 1) % 3] = whole[(axis + 1) % 3] + 0.37
            cells[axis] = whole[axis] + sign * 1e-7
        below, above = (gradient_noise.noise(tuple(cells)) for cells in beside)
        # The steepest gradient has length 15.5 * sqrt(3) / 15.5 * 1.55, and interpolation steepens it.
        assert (below - above).abs().max() < 2e-7 * 8


def test_corners_words_do_not_go_together():
    axis = torch.arange(40, dtype=torch.int32)
    grid = torch.meshgrid(axis, axis, axis, indexing="ij")
    word = gradient_noise.lattice_words(*(g.flatten() for g in grid))[0].view(40, 40, 40)
    for low in (0, 5, 10):
        bits = (word >> low & 31).double()
        assert bits.mean() == pytest.approx(15.5, abs=0.2)
        for lag in ((0, 0, 1), (0, 1, 0), (1, 0, 0), (1, 1, 0), (0, 1, 2), (1, 2, 3)):
            first = bits[: 40 - lag[0], : 40 - lag[1], : 40 - lag[2]].flatten()
            other = bits[lag[0] :, lag[1] :, lag[2] :].flatten()
            # Of 55,000 independent pairs: five standard deviations.
            assert abs(torch.corrcoef(torch.stack([first, other]))[0, 1]) < 0.022


@pytest.mark.parametrize("kind", KINDS[1:])
def test_from_afar_a_pattern_is_its_mean(kind: int):
    position = random_cells(100_000)
    near, far = share_of(kind, spot(position, 1e-4)), share_of(kind, spot(position, 1.0))
    assert near.std() > 0.15
    assert torch.equal(far, far[:1].expand_as(far))
    # Where wood's fibres and marble's veins are cut off at 0 and 1, and thin veins where noise is weak, 0.01 is lost.
    assert near.mean().item() == pytest.approx(far[0].item(), abs=0.015)
    between = share_of(kind, spot(position, 0.3))
    assert far.std() < between.std() < near.std()


@pytest.mark.parametrize("kind", KINDS[1:])
def test_a_distant_surface_has_one_color(kind: int):
    points = [(0.02 * k, 0.013 * k) for k in range(-20, 20)]
    # Focal length 64: a pixel is 100/64 periods wide.
    assert np.ptp(at(*points, mats=patterned(kind), z=100.0)) < 1e-5


def test_width_of_a_pixel():
    bank, tilt = bank_from_meshes([quad()]), math.radians(60)
    at = pose(0, 0, 4)
    at[:, :3] = torch.tensor([[math.cos(tilt), 0, -math.sin(tilt)], [0, 1, 0], [math.sin(tilt), 0, math.cos(tilt)]])
    tables = surface.surface_tables(bank, place(bank, [[0]], at[None, None]), torch.linalg.inv(pinhole(80.0, 64, 64)))
    zero = torch.zeros(1, dtype=torch.int32)
    corners = surface.corners_of(tables, zero, zero)
    hit = surface.intersect(corners, take(tables.bank_from_camera, zero), tables.two_sided, zero / 1.0, zero / 1.0)
    matrix = tuple(c.expand(1) for c in torch.tensor([3.0, 0, 0, 0.5, 0, 2, 0, 0, 0, 0, 1, 7]))
    where = patterns.spot_at(matrix, corners.positions, hit)
    # A pixel is 4/80 wide; seen at 60 degrees it is twice as long on the surface.
    assert [w.item() for w in where.width] == pytest.approx([0.3, 0.1, 0], abs=1e-5)
    assert [p.item() for p in where.position] == pytest.approx([0.5, 0, 7], abs=1e-5)


def test_without_a_pattern_the_color_stays_bit_by_bit():
    bank, points = bank_from_meshes([quad()]), [(0.13 * k, -0.07 * k) for k in range(-7, 8)]
    none = patterned(0)
    plain = replace(none, pattern=None, color2=None, pattern_from_object=None, noise_stretch=None)
    assert appearance_tables(bank, plain).patterns is None
    assert torch.equal(albedo(bank, none, points), albedo(bank, plain, points))


def mixed_world() -> tuple:
    """Returns the tables of seven quads, one without a pattern and one with each, and what pixels of them see."""
    bank, kinds = bank_from_meshes([quad()]), len(KINDS) + 1
    generator = torch.Generator().manual_seed(1)
    mats = replace(
        materials(1, kinds, color=torch.rand(1, kinds, 3, generator=generator)),
        pattern=torch.arange(kinds, dtype=torch.int32)[None],
        color2=torch.rand(1, kinds, 3, generator=generator),
        pattern_from_object=torch.rand(1, kinds, 3, 4, generator=generator) * 3,
        noise_stretch=torch.rand(1, kinds, 3, generator=generator) + 0.5,
    )
    instances = place(bank, [[0] * kinds], pose(0, 0, 1).expand(1, kinds, 3, 4))
    tables = surface.surface_tables(bank, instances, torch.linalg.inv(pinhole(64.0, 128, 128)))
    instance = torch.arange(20 * kinds, dtype=torch.int32).view(4, -1) % kinds
    x, y = torch.rand(2, *instance.shape, generator=generator) * 2 - 1
    corners = surface.corners_of(tables, (x <= y).int(), instance)
    frame = take(tables.bank_from_camera, instance)
    hit = surface.intersect(corners, frame, tables.two_sided[instance], x, y)
    return patterns.pattern_tables(mats), corners.positions, hit, instance


def test_parts_are_mixtures_of_the_two_colors_and_differ():
    bank = bank_from_meshes([quad()])
    # The two triangles of the quad, told apart by the material's row.
    triangles = bank.triangles.clone()
    triangles[1, 3] = 1
    two = {"material_color": bank.material_color.repeat(2, 1), "material_texture": bank.material_texture.repeat(2)}
    halves = replace(bank, triangles=triangles, **two)
    mats = [patterned(PARTS, part_word=torch.tensor([[word]], dtype=torch.int32)) for word in (5, 4711)]
    shares = []
    for mat in mats:
        got = (albedo(halves, mat, [(-0.3, 0.2), (0.3, -0.2), (0.2, -0.35)], 1.0) - FIRST) / (SECOND - FIRST)
        torch.testing.assert_close(got, got[:, :1].expand(-1, 3), rtol=0, atol=1e-5)
        assert got.min() >= 0
        assert got.max() <= 1
        assert float(got[1, 0]) == pytest.approx(float(got[2, 0]), abs=1e-5)
        shares.append(got[:, 0])
    assert abs(shares[0][0] - shares[0][1]) > 0.01
    assert (shares[0] - shares[1]).abs().min() > 0.01


def test_shares_of_parts_are_uniform_and_independent():
    rows = torch.arange(64, dtype=torch.int32)
    word = torch.arange(0, 65_536, 16, dtype=torch.int32)
    shares = patterns.part_shares(rows[:, None], word)
    # 4,096 values: a tenth of them has a standard deviation of 19, and 640 tenths stay within five of them.
    counts = torch.stack([torch.histc(row, 10, 0, 1) for row in shares])
    assert (counts - 409.6).abs().max() < 96
    between = torch.corrcoef(shares) - torch.eye(64)
    # The correlation of 4,096 independent pairs has a standard deviation of 1 / 64; 2,016 pairs stay within five.
    assert between.abs().max() < 5 / 64


def test_parts_in_one_loop_equal_eager():
    material, word = torch.arange(5000, dtype=torch.int32) % 77, torch.arange(5000, dtype=torch.int32) * 13
    got = as_one_loop(lambda _, *planes: (patterns.part_shares(*planes),), None, material, word)[0]
    assert torch.equal(got, patterns.part_shares(material, word))


def test_only_what_has_a_pattern_is_computed_and_nothing_changes():
    tables, positions, hit, instance = mixed_world()
    everywhere = patterns.share_at(tables, positions, hit, instance)
    chosen = patterns.shares(tables, positions, hit, instance)
    # torch's vector instructions round the last few elements of a tensor in another way.
    torch.testing.assert_close(chosen, everywhere, rtol=0, atol=1e-5)
    assert torch.equal(chosen == 0, (everywhere == 0) & (instance >= 0))
    assert chosen[instance == 0].eq(0).all()
    without = replace(tables, noise_stretch=None)
    plain = torch.where(instance > STRIPES, 0, everywhere)
    assert torch.equal(patterns.share_at(without, positions, hit, instance), plain)


def test_gradients_reach_both_colors_and_the_pattern():
    bank = bank_from_meshes([quad()])
    bank = replace(bank, vertices=bank.vertices.double(), material_color=bank.material_color.double())
    matrix = torch.eye(3, 4).double() * 0.9 + 0.1
    for kind in (GRADIENT, NOISE, WOOD, MARBLE):

        def evaluate(first: Tensor, second: Tensor, matrix: Tensor, kind: int = kind) -> Tensor:
            changes = {"pattern_from_object": matrix, "noise_stretch": torch.ones(1, 1, 3).double()}
            mats = replace(patterned(kind), color=first, color2=second, **changes)
            return albedo(bank, mats, [(-0.31, 0.2), (0.27, -0.1)])

        inputs = (FIRST.double().view(1, 1, 3), SECOND.double().view(1, 1, 3), matrix[None, None])
        assert torch.autograd.gradcheck(evaluate, tuple(i.clone().requires_grad_() for i in inputs))


def as_one_loop(function: Callable[..., Any], tables: Any, *planes: Any) -> Tensor:
    """Returns what a function of tables and nested planes gives as a compiled loop."""
    shaped, tree = tree_flatten(planes)
    flat = [plane.flatten() for plane in shaped]
    return run(
        lambda given, *some: function(given, *tree_unflatten(list(some), tree)), [Job(tables, 0, len(flat[0]))], flat
    )


def test_one_loop_equals_eager():
    tables, positions, hit, instance = mixed_world()
    names = [field.name for field in fields(hit)]
    planes = tuple(getattr(hit, name) for name in names)

    def shares(given: Any, positions: Any, planes: Any, instance: Tensor) -> Tensor:
        return patterns.share_at(given, positions, replace(hit, **dict(zip(names, planes, strict=True))), instance)

    got = as_one_loop(lambda *args: (shares(*args),), tables, positions, planes, instance)[0]
    # Fused multiply-adds round once where two operations round twice; edges of checkers are 64 times as steep.
    expected = patterns.shares(tables, positions, hit, instance)
    torch.testing.assert_close(got, expected.flatten(), rtol=0, atol=1e-3)


def test_one_loop_has_the_same_lattice():
    corner = tuple(c.floor().int() & gradient_noise.WORD for c in random_cells(5000))
    words = as_one_loop(lambda _, *c: tuple(w.float() for w in gradient_noise.lattice_words(*c)), None, *corner)
    # Words of 16 bits are whole as floats, too.
    assert torch.equal(words.int(), torch.stack(gradient_noise.lattice_words(*corner)))
