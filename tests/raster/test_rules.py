"""The rules that every rasterizer meets: edges, clipping, culling, ties, counts, batches and limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh
from torch import Tensor

from ondr import raster
from ondr.assets.bank import Bank
from ondr.scene import Instances
from tests.raster.oracles import centers, render
from tests.worlds import bank_from_meshes, pinhole, place, random_poses


def sheet(cells: int, side: float = 1.0) -> trimesh.Trimesh:
    """A square in the plane z = 0, cut into 2 * cells**2 triangles of uneven size."""
    generator = np.random.default_rng(cells)
    ticks = np.linspace(-0.5, 0.5, cells + 1)
    y, x = np.meshgrid(ticks, ticks, indexing="ij")
    points = np.stack([x, y, np.zeros_like(x)], axis=-1)
    points[1:-1, 1:-1, :2] += generator.uniform(-0.3, 0.3, (cells - 1, cells - 1, 2)) / cells
    a = (np.arange(cells)[:, None] * (cells + 1) + np.arange(cells)).ravel()
    faces = np.concatenate([[a, a + 1, a + cells + 2], [a, a + cells + 2, a + cells + 1]], axis=1).T
    return trimesh.Trimesh(points.reshape(-1, 3) * side, faces, process=False)


def one_slot_per_triangle(mesh: trimesh.Trimesh, pose: Tensor) -> Instances:
    """Every triangle of a mesh as an instance of its own."""
    count = len(mesh.faces)
    return Instances(
        vertex_offset=torch.zeros(1, count, dtype=torch.int32),
        first_triangle=torch.arange(count, dtype=torch.int32)[None],
        triangle_count=torch.ones(1, count, dtype=torch.int32),
        closed=torch.zeros(1, count, dtype=torch.bool),
        camera_from_bank=pose.expand(1, count, 3, 4).contiguous(),
    )


def world() -> tuple[Bank, Instances, Tensor, tuple[int, int]]:
    """A bank of four shapes and a batch of crowded scenes, two of them with an empty slot."""
    shapes = [trimesh.creation.box(), trimesh.creation.icosphere(3, 0.5), trimesh.creation.torus(0.4, 0.15), sheet(5)]
    bank = bank_from_meshes(shapes)
    poses = random_poses(np.random.default_rng(0), (3, 6), (0.7, 4.0), 0.8, 0.6)
    mesh = [[0, 1, 2, 3, 0, 1], [3, 2, -1, 1, 0, 2], [1, -1, 3, 3, 2, 0]]
    return bank, place(bank, mesh, poses), pinhole(90.0, 96, 128, 3), (96, 128)


def facing(z: float, side: float = 1.0) -> Tensor:
    """The pose of a sheet that faces the camera at a depth."""
    return torch.tensor([[side, 0, 0, 0], [0, side, 0, 0], [0, 0, side, z]], dtype=torch.float32)


@pytest.mark.parametrize("seed", range(8))
def test_triangles_with_a_common_edge_leave_no_gap_and_no_double_hit(device: torch.device, seed: int) -> None:
    mesh = sheet(7)
    pose = random_poses(np.random.default_rng(seed), (), (0.8, 3.0), 1.0, 0.3)
    bank, size = bank_from_meshes([mesh]), (120, 150)
    k = pinhole(140.0, *size)
    apart = render(device, bank, one_slot_per_triangle(mesh, pose), k, size)
    together = render(device, bank, place(bank, [[0]], pose[None, None]), k, size)
    assert apart.covered.sum() == together.covered.sum() == (together.triangle >= 0).sum()
    assert torch.equal(apart.triangle, together.triangle)
    assert together.covered.sum() == pytest.approx(_outline_area(pose, k[0], size), rel=0.02)


def test_centers_on_common_edges_and_corners_are_hit_once(device: torch.device) -> None:
    generator, cells = np.random.default_rng(0), 12
    grid = np.stack(np.meshgrid(*[np.arange(cells + 1) * 8] * 2), axis=-1).astype(float)
    grid[1:-1, 1:-1] += generator.integers(-2, 3, (cells - 1, cells - 1, 2))
    mesh = sheet(cells)
    mesh.vertices = np.pad(grid.reshape(-1, 2), ((0, 0), (0, 1)))
    # At z = 1 metres are pixels and every vertex lies on a centre.
    pose, size = facing(1.0), (128, 128)
    pose[:2, 3] = cells * 4.0
    k = torch.tensor([[[1.0, 0, 4.5], [0, 1.0, 4.5], [0, 0, 1.0]]])
    bank = bank_from_meshes([mesh])
    apart = render(device, bank, one_slot_per_triangle(mesh, pose), k, size)
    together = render(device, bank, place(bank, [[0]], pose[None, None]), k, size)
    # Top and left sides of the square belong to it, bottom and right ones do not.
    assert apart.covered.sum() == together.covered.sum() == (cells * 8) ** 2
    assert (together.triangle[0, 4:100, 4:100] >= 0).all()


def _outline_area(pose: Tensor, k: Tensor, size: tuple[int, int]) -> int:
    """Returns how many pixel centres lie in the projected unit square."""
    corners = np.array([[-0.5, -0.5, 0, 1], [0.5, -0.5, 0, 1], [0.5, 0.5, 0, 1], [-0.5, 0.5, 0, 1]]) @ pose.numpy().T
    points = corners @ k.numpy().T
    points = points[:, :2] / points[:, 2:]
    sides = np.roll(points, -1, axis=0) - points
    offsets = centers(size)[:, None] - points
    cross = sides[:, 0] * offsets[..., 1] - sides[:, 1] * offsets[..., 0]
    return int(((cross > 0).all(axis=1) | (cross < 0).all(axis=1)).sum())


@pytest.mark.parametrize("height", [0.02, 0.5])
def test_a_cut_floor_leaves_no_gap_and_no_double_hit(device: torch.device, height: float) -> None:
    mesh = sheet(6, side=40.0)
    pose = torch.tensor([[1.0, 0, 0, 0.3], [0, 0, -1, height], [0, 1, 0, 0.1]])
    bank, size, k = bank_from_meshes([mesh]), (100, 140), pinhole(110.0, 100, 140)
    apart = render(device, bank, one_slot_per_triangle(mesh, pose), k, size)
    together = render(device, bank, place(bank, [[0]], pose[None, None]), k, size)
    assert apart.covered.sum() == together.covered.sum()
    # Everything below the far side of the floor, at z = 20.1, is floor: row 50 + 110 * height / 20.1 and on.
    horizon = 50 + 110 * height / 20.1
    rows = torch.arange(100) + 0.5
    assert (together.triangle[0, rows > horizon + 0.1] >= 0).all()
    assert (together.triangle[0, rows < horizon - 0.1] < 0).all()


def test_a_triangle_of_any_size_is_drawn(device: torch.device) -> None:
    mesh, size = sheet(1), (40, 60)
    bank, k = bank_from_meshes([mesh]), pinhole(50.0, 40, 60)
    for stretch in ([1e2, 1e2, 1], [1e4, 1e4, 1], [1e7, 1e7, 1], [1e7, 1e2, 1], [1e2, 1e7, 1]):
        pose = facing(1.0) * torch.tensor([[*stretch, 1.0]])
        pose[0, 3], pose[1, 3] = 0.21 * stretch[0], 0.13 * stretch[1]
        seen = render(device, bank, place(bank, [[0]], pose[None, None]), k, size)
        assert (seen.triangle >= 0).all()
        assert seen.covered.item() == 40 * 60


def test_what_lies_behind_or_beside_the_camera_is_not_drawn(device: torch.device) -> None:
    bank, size = bank_from_meshes([trimesh.creation.box()]), (40, 60)
    poses = torch.stack([facing(-3.0), facing(3.0), facing(3.0), facing(raster.NEAR_METRES / 2, 1e-5)])
    poses[1, 0, 3], poses[2, 1, 3] = 50.0, -50.0
    seen = render(device, bank, place(bank, [[0, 0, 0, 0]], poses[None]), pinhole(50.0, *size), size)
    assert (seen.triangle == -1).all()
    assert (seen.covered == 0).all()


def test_a_surface_is_cut_at_the_near_plane(device: torch.device) -> None:
    # A floor 2 near distances below the camera: the part at the near plane projects 2 * 20 rows below the middle.
    mesh, size = sheet(1, side=1.0), (100, 60)
    pose = torch.tensor([[1.0, 0, 0, 0], [0, 0, -1, 2 * raster.NEAR_METRES], [0, 1, 0, 0]])
    bank = bank_from_meshes([mesh])
    seen = render(device, bank, place(bank, [[0]], pose[None, None]), pinhole(20.0, *size), size)
    assert (seen.triangle[0, 52:90] >= 0).all()
    assert (seen.triangle[0, 90:] < 0).all()
    assert seen.covered.item() == (seen.triangle >= 0).sum()


def test_the_nearest_triangle_wins_in_any_order(device: torch.device) -> None:
    bank, size = bank_from_meshes([sheet(1)]), (30, 30)
    depths = [2.0, 1.0, 3.0, 1.5]
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 3, 2]):
        poses = torch.stack([facing(depths[j], 5.0) for j in order])
        seen = render(device, bank, place(bank, [[0] * 4], poses[None]), pinhole(20.0, *size), size)
        assert (seen.slot == order.index(1)).all()
        assert (seen.covered == 900).all()


def test_on_equal_depth_the_later_triangle_wins(device: torch.device) -> None:
    bank, size = bank_from_meshes([sheet(3)]), (64, 64)
    pose = random_poses(np.random.default_rng(1), (), (1.0, 1.2), 1.0, 0.1)
    twice = place(bank, [[0, 0, 0]], pose.expand(1, 3, 3, 4).contiguous())
    seen = render(device, bank, twice, pinhole(60.0, *size), size)
    assert set(seen.slot.unique().tolist()) == {-1, 2}


def test_closed_meshes_show_their_front_faces_only(device: torch.device) -> None:
    ball, size = trimesh.creation.icosphere(2, 0.5), (64, 64)
    inside = facing(0.0)
    for closed in (False, True):
        bank = bank_from_meshes([ball], closed=[closed])
        seen = render(device, bank, place(bank, [[0]], inside[None, None]), pinhole(30.0, *size), size)
        assert (seen.triangle >= 0).all() != closed


@pytest.mark.parametrize("flip", ["none", "image", "object", "both"])
def test_front_faces_are_known_in_mirrored_images_and_of_mirrored_objects(device: torch.device, flip: str) -> None:
    cap = trimesh.creation.icosphere(3, 0.5)
    size, k = (64, 64), pinhole(100.0, 64, 64)
    pose = random_poses(np.random.default_rng(2), (), (2.0, 2.0), 1.0, 0.0)
    if flip in ("image", "both"):
        k[:, 0, 0] *= -1
    if flip in ("object", "both"):
        pose[:, 0] *= -1
    culled, both = (bank_from_meshes([cap], closed=[closed]) for closed in (True, False))
    a, b = (render(device, bank, place(bank, [[0]], pose[None, None]), k, size) for bank in (culled, both))
    assert (a.triangle >= 0).sum() > 1000
    # A convex body shows the same faces with and without its back faces, but for the tie on its outline.
    assert (a.triangle != b.triangle).sum() <= 0.01 * (b.triangle >= 0).sum()


def test_a_mirrored_image_is_the_image_mirrored(device: torch.device) -> None:
    bank, instances, k, size = world()
    mirrored = k.clone()
    mirrored[:, 0] *= -1
    mirrored[:, 0, 2] += size[1]
    a, b = render(device, bank, instances, k, size), render(device, bank, instances, mirrored, size)
    # Rounding to the grid of sub-pixels is not symmetric.
    assert (a.triangle.flip(-1) != b.triangle).float().mean() < 0.01


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_triangles_with_a_vertex_that_is_not_finite_draw_nothing(device: torch.device, value: float) -> None:
    mesh, size, k = sheet(4), (50, 50), pinhole(60.0, 50, 50)
    bank = bank_from_meshes([mesh])
    for axis in range(3):
        vertices = bank.vertices.clone()
        vertices[12, axis] = value
        broken = replace(bank, vertices=vertices)
        seen = render(device, broken, place(bank, [[0]], facing(1.2)[None, None]), k, size)
        assert not np.isin(seen.triangle.numpy(), np.flatnonzero((mesh.faces == 12).any(axis=1))).any()
        assert (seen.triangle >= 0).sum() > 1500


def test_a_pose_that_is_not_finite_draws_nothing(device: torch.device) -> None:
    bank, size = bank_from_meshes([sheet(2), trimesh.creation.box()]), (20, 20)
    poses = torch.stack([facing(1.0), facing(1.0)])
    poses[1, 2, 2] = float("nan")
    seen = render(device, bank, place(bank, [[0, 1]], poses[None]), pinhole(20.0, *size), size)
    assert seen.covered[0, 1] == 0
    assert (seen.slot <= 0).all()


def test_degenerate_triangles_draw_nothing(device: torch.device) -> None:
    points = [[-1, -1, 0], [1, 1, 0], [0, 0, 0], [1, -1, 0]]
    mesh = trimesh.Trimesh(points, [[0, 1, 2], [0, 0, 1], [3, 3, 3]], process=False)
    bank, size = bank_from_meshes([mesh]), (40, 40)
    seen = render(device, bank, place(bank, [[0]], facing(2.0)[None, None]), pinhole(40.0, *size), size)
    assert (seen.triangle == -1).all()
    assert seen.covered.item() == 0


def test_covered_is_what_each_instance_covers_alone(device: torch.device) -> None:
    bank, instances, k, size = world()
    seen = render(device, bank, instances, k, size)
    for slot in range(instances.triangle_count.shape[1]):
        alone = torch.zeros_like(instances.triangle_count)
        alone[:, slot] = instances.triangle_count[:, slot]
        single = render(device, bank, replace(instances, triangle_count=alone), k, size)
        assert torch.equal(seen.covered[:, slot], (single.slot == slot).sum(dim=(1, 2), dtype=torch.int32))


def test_a_batch_is_its_images_one_by_one(device: torch.device) -> None:
    bank, instances, k, size = world()
    seen = render(device, bank, instances, k, size)
    for b in range(3):
        one = Instances(**{name: value[b : b + 1] for name, value in vars(instances).items()})
        single = render(device, bank, one, k[b : b + 1], size)
        for name, value in vars(single).items():
            assert torch.equal(value[0], getattr(seen, name)[b])


def test_what_is_returned_is_not_touched_by_the_next_call(device: torch.device) -> None:
    bank, instances, k, size = world()
    first = render(device, bank, instances, k, size)
    kept = {name: value.clone() for name, value in vars(first).items()}
    render(device, bank, instances, k * torch.tensor([[0.5], [0.5], [1.0]]), size)
    assert all(torch.equal(getattr(first, name), value) for name, value in kept.items())


@pytest.mark.parametrize(("batch", "slots"), [(0, 3), (2, 0), (0, 0), (2, 3)])
def test_empty_batches_and_slots_give_empty_images(device: torch.device, batch: int, slots: int) -> None:
    bank = bank_from_meshes([sheet(1)])
    mesh = torch.full((batch, slots), -1)
    instances = place(bank, mesh, torch.zeros(batch, slots, 3, 4))
    seen = render(device, bank, instances, pinhole(10.0, 8, 9, 1).expand(batch, 3, 3), (8, 9))
    assert seen.triangle.shape == (batch, 8, 9)
    assert seen.covered.shape == (batch, slots)
    assert (seen.triangle == -1).all()
    assert (seen.slot == -1).all()
    assert (seen.covered == 0).all()


def test_a_large_image_is_supersampled_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    bank, instances, k, size = world()
    whole = raster.supersampled(bank, instances, k, size)
    monkeypatch.setitem(raster.MAX_SIDE, "cpu", 160)  # 96x128 doubled: two rows of two tiles
    parts = raster.supersampled(bank, instances, k, size)
    # Shifted by whole pixels: only vertices halfway between two sub-pixels may round the other way in float32.
    assert (whole.triangle == parts.triangle).double().mean() > 0.9999
    assert (whole.slot == parts.slot).double().mean() > 0.9999


def test_supersampled_ids_are_those_of_an_image_of_twice_the_size(device: torch.device) -> None:
    bank, instances, k, size = world()
    there = Instances(**{name: value.to(device) for name, value in vars(instances).items()})
    samples = raster.supersampled(bank.to(device), there, k.to(device), size)
    fine = render(device, bank, instances, k * torch.tensor([[2.0], [2.0], [1.0]]), (192, 256))
    assert torch.equal(samples.triangle.cpu(), fine.triangle)
    assert torch.equal(samples.slot.cpu(), fine.slot)


def test_pixels_may_count_more_than_once(device: torch.device) -> None:
    bank, instances, k, size = world()
    weights = torch.from_numpy(np.random.default_rng(2).integers(0, 5, size=(3, *size))).int()
    plain = render(device, bank, instances, k, size).covered
    weighed = render(device, bank, instances, k, size, weights).covered
    for slot in range(instances.triangle_count.shape[1]):
        # Each instance on its own: what is seen is what it covers.
        chosen = torch.arange(instances.triangle_count.shape[1]) == slot
        alone = replace(instances, triangle_count=instances.triangle_count * chosen)
        seen = render(device, bank, alone, k, size).slot == slot
        # What crosses the near plane is counted unrounded on CUDA.
        rounding = 0 if device.type == "cpu" else 0.02
        torch.testing.assert_close(plain[:, slot].float(), seen.sum((1, 2)).float(), rtol=rounding, atol=0)
        torch.testing.assert_close(
            weighed[:, slot].float(), (seen * weights).sum((1, 2)).float(), rtol=rounding, atol=0
        )
