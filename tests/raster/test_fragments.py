"""The antialiasing form of the CPU rasterizer, against one-sample images shifted to each sample."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from torch import Tensor

from ondr import raster
from ondr.assets.bank import Bank
from ondr.raster import SAMPLES, Fragments
from ondr.scene import Instances
from tests.raster.test_rules import facing, world
from tests.worlds import bank_from_meshes, pinhole, place, random_poses

WHOLE = 15


def sample_images(
    bank: Bank, instances: Instances, k: Tensor, size: tuple[int, int]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns flat triangle and slot at each sample: the camera is moved so that the sample lies at the centre."""
    images = []
    for x, y in SAMPLES:
        moved = k.clone()
        moved[:, 0, 2] += 0.5 - x
        moved[:, 1, 2] += 0.5 - y
        seen = raster.visible(bank, instances, moved, size)
        images.append((seen.triangle.flatten().numpy(), seen.slot.flatten().numpy().astype(np.int64)))
    return images


def coverage(found: Fragments, pixels: int) -> np.ndarray:
    """Returns the share of each pixel's samples that see anything."""
    ones = np.array([mask.bit_count() for mask in range(16)])
    return np.bincount(found.pixel.numpy(), ones[found.mask.numpy()], pixels) / 4


def test_centers_are_those_of_visible() -> None:
    what = world()
    seen, _ = raster.fragments(*what)
    for name, value in vars(raster.visible(*what)).items():
        assert torch.equal(getattr(seen, name), value)


def test_every_sample_is_in_the_one_fragment_of_what_it_sees() -> None:
    bank, instances, k, size = world()
    _, found = raster.fragments(bank, instances, k, size)
    pixel, instance, mask = found.pixel.numpy(), found.instance.numpy(), found.mask.numpy()
    slots = instances.triangle_count.shape[1]
    assert (np.diff(pixel) >= 0).all()
    total = 3 * size[0] * size[1]
    for j, (_, slot) in enumerate(sample_images(bank, instances, k, size)):
        holds = (mask >> j & 1).astype(bool)
        owner = np.full(total, -1)
        owner[pixel[holds]] = instance[holds] - pixel[holds] // (size[0] * size[1]) * slots
        assert np.bincount(pixel[holds], minlength=total).max() == 1
        assert (owner == slot).all()


def test_a_fragment_has_the_triangle_of_its_center_or_of_its_first_sample() -> None:
    bank, instances, k, size = world()
    seen, found = raster.fragments(bank, instances, k, size)
    pixel, mask = found.pixel.numpy(), found.mask.numpy()
    first = np.array([(m & -m).bit_length() - 1 for m in range(16)])[mask]
    samples = np.stack([triangle for triangle, _ in sample_images(bank, instances, k, size)])
    center = seen.triangle.flatten().numpy()[pixel]
    is_first, is_center = found.triangle.numpy() == samples[first, pixel], found.triangle.numpy() == center
    assert is_first[mask != WHOLE].all()
    assert (is_first | is_center).all()
    same_slot = seen.slot.flatten().numpy()[pixel] == found.instance.numpy() % instances.triangle_count.shape[1]
    # One patch per mesh: where the centre sees the same instance only a step in depth can keep its triangle out.
    assert is_center[(mask == WHOLE) & same_slot].mean() > 0.99


def test_smooth_patches_are_kept_apart() -> None:
    bank, size = bank_from_meshes([trimesh.creation.box()]), (64, 64)
    pose = random_poses(np.random.default_rng(5), (1, 1), (2.0, 2.0), 1.0, 0.0)
    what = place(bank, [[0]], pose), pinhole(80.0, *size), size
    sides = np.unique(np.round(trimesh.creation.box().face_normals).astype(int), axis=0, return_inverse=True)[1]
    apart = replace(bank, patches=torch.tensor(sides.ravel(), dtype=torch.int32))
    one, several = raster.fragments(bank, *what)[1], raster.fragments(apart, *what)[1]
    assert len(several.pixel) > len(one.pixel)
    patch = apart.patches.numpy()
    for j, (triangle, _) in enumerate(sample_images(apart, *what)):
        holds = (several.mask.numpy() >> j & 1).astype(bool)
        assert (patch[triangle[several.pixel.numpy()[holds]]] == patch[several.triangle.numpy()[holds]]).all()


@pytest.mark.parametrize(("step_px", "merged"), [(2.0, True), (8.0, False)])
def test_a_step_in_depth_keeps_fragments_apart(step_px: float, merged: bool) -> None:
    focal, size = 50.0, (20, 20)
    # Two sheets of one mesh meet at x = 0 with a step of some pixel widths, each 1 / focal at z = 1.
    z = np.array([1.0, 1.0 + step_px / focal])
    points = [[-1, -1, z[0]], [0.003, -1, z[0]], [0.003, 1, z[0]], [-1, 1, z[0]]]
    points += [[-0.003, -1, z[1]], [1, -1, z[1]], [1, 1, z[1]], [-0.003, 1, z[1]]]
    mesh = trimesh.Trimesh(points, [[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]], process=False)
    bank = bank_from_meshes([mesh])
    middle = torch.tensor(mesh.bounds.mean(axis=0), dtype=torch.float32)
    pose = facing(0.0)
    pose[:, 3] = middle
    _, found = raster.fragments(bank, place(bank, [[0]], pose[None, None]), pinhole(focal, *size), size)
    assert (len(found.pixel) == 400) == merged
    assert coverage(found, 400).sum() == 400


def test_no_fragments_without_triangles() -> None:
    bank = bank_from_meshes([trimesh.creation.box()])
    for batch, slots in ((0, 2), (2, 0), (1, 1)):
        instances = place(bank, torch.full((batch, slots), -1), torch.zeros(batch, slots, 3, 4))
        seen, found = raster.fragments(bank, instances, pinhole(10.0, 8, 8).expand(batch, 3, 3), (8, 8))
        assert len(found.pixel) == len(found.mask) == 0
        assert seen.triangle.shape == (batch, 8, 8)


def silhouette_error(mesh: trimesh.Trimesh, seed: int) -> float:
    """Returns the mean error in coverage against 8x8 supersampling along the silhouette."""
    bank, size = bank_from_meshes([mesh]), (128, 128)
    pose = random_poses(np.random.default_rng(seed), (1, 1), (2.0, 2.0), 1.0, 0.0)
    what = bank, place(bank, [[0]], pose)
    k = pinhole(200.0, *size)
    _, found = raster.fragments(*what, k, size)
    fine = raster.visible(*what, k * torch.tensor([[8.0], [8.0], [1.0]]), (1024, 1024))
    exact = (fine.triangle >= 0).float().reshape(128, 8, 128, 8).mean(dim=(1, 3)).flatten().numpy()
    edge = (exact > 0) & (exact < 1)
    assert edge.sum() > 100
    return float(np.abs(coverage(found, 128 * 128) - exact)[edge].mean())


@pytest.mark.parametrize("seed", range(3))
def test_the_silhouette_of_a_box_is_smooth(seed: int) -> None:
    assert silhouette_error(trimesh.creation.box((1, 0.8, 0.6)), seed) < 0.1


def test_the_silhouette_of_a_scan_is_smooth(test_data: Path) -> None:
    mesh = trimesh.load(next((test_data / "fruit/meshes/banana").rglob("*.obj")), force="mesh", process=False)
    mesh.apply_scale(1 / mesh.extents.max())
    assert silhouette_error(mesh, 0) < 0.1
