"""Images through a lens: the labels and the depth are those of the pinhole's image, warped point by point."""

from __future__ import annotations

import functools
import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from kornia.geometry.calibration import distort_points, undistort_points

import ondr
from ondr import lens_view
from ondr.assets.bank import Assets
from ondr.config import Config
from ondr.imaging.fragments import fragments_of_samples
from ondr.lens_view import Rays, Samples, nearest, quarters_of, rays_through_lens
from ondr.scene import Camera

SIZE = (96, 128)
FINE = 8
SETTINGS: dict[str, Any] = {
    "image_size": SIZE,
    "classes": ["mug", "bolt", "toy_car"],
    "render": {"compile": False, "antialias": False},
    "photometric": {"noise_std": 0, "blur_sigma": 0},
    "outputs": ["boxes", "boxes_amodal", "labels", "visibility", "ignored", "instances", "depth", "intrinsics"],
    "labels": {"min_pixels": 1, "min_visibility": 0, "max_truncation": 1},
    "camera": {"fov_degrees": 60, "roll_degrees": 0},
}
LENSES = {"barrel": (-0.3, 0.06, 0.0, 0.0, 0.0), "pincushion": (0.35, 0.0, 0.01, -0.02, 0.0)}
IDS = [0, 3, 5, 8]


@functools.cache
def assets() -> Assets:
    return ondr.load_assets(Config(**SETTINGS))


def scenes(name: str, antialias: bool = False) -> ondr.RandomizedScenes:
    lens = dict(zip(("k1", "k2", "p1", "p2", "k3"), LENSES[name], strict=True))
    render = {**SETTINGS["render"], "antialias": antialias}
    cfg = Config(**{**SETTINGS, "camera": {**SETTINGS["camera"], "distortion": lens}, "render": render})
    return ondr.RandomizedScenes(cfg, assets=assets())


@functools.cache
def rendered(name: str, antialias: bool = False) -> ondr.Batch:
    """Returns images through a lens."""
    return scenes(name, antialias).render(IDS)


@functools.cache
def fine_pinhole(name: str) -> ondr.batch.Targets:
    """Returns what the same scenes are without the lens, at `FINE` times the size."""
    scene = scenes(name).sample(IDS)
    k = scene.camera.intrinsics * torch.tensor([[FINE], [FINE], [1.0]])
    scene = replace(scene, camera=replace(scene.camera, intrinsics=k, distortion=None))
    size = (SIZE[0] * FINE, SIZE[1] * FINE)
    return ondr.RandomizedScenes(Config(**{**SETTINGS, "image_size": size}), assets=assets()).render(scene).targets


def sources(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns which pixel of the fine pinhole's image each pixel of the lens's lies in, by kornia; x and y."""
    k = rendered(name).targets.intrinsics[0].double()
    rows, columns = torch.meshgrid(torch.arange(SIZE[0]), torch.arange(SIZE[1]), indexing="ij")
    points = torch.stack([columns.flatten() + 0.5, rows.flatten() + 0.5], dim=-1).double()
    x, y = undistort_points(points, k, torch.tensor(LENSES[name], dtype=torch.float64), num_iters=60).unbind(-1)
    return (x * FINE).floor().long(), (y * FINE).floor().long()


def warped(name: str, plane: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns a plane `[B, H * FINE, W * FINE]` as the lens shows it, and which pixels it says something about."""
    x, y = sources(name)
    inside = (x >= 0) & (x < SIZE[1] * FINE) & (y >= 0) & (y < SIZE[0] * FINE)
    values = plane[:, y.clamp(0, SIZE[0] * FINE - 1), x.clamp(0, SIZE[1] * FINE - 1)]
    return torch.where(inside, values, -1).view(-1, *SIZE), inside.view(SIZE)


@pytest.mark.parametrize("name", LENSES)
def test_the_labels_are_the_pinholes_warped(name: str) -> None:
    seen, fine = rendered(name).targets, fine_pinhole(name)
    ids, inside = warped(name, fine.instances)
    different = (seen.instances != ids)[:, inside].double().mean()
    # Ids are those of the nearest pixel, 0.4 pixels off at most: along outlines some pixels fall to the other side.
    assert different < 0.01
    for image in range(len(IDS)):
        for slot in seen.valid[image].nonzero()[:, 0].tolist():
            rows, columns = (ids[image] == slot).nonzero().unbind(1)
            box = torch.stack([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
            # What the fine image lacks, a barrel shows at the border. Of what is hidden all but for a few pixels, each
            # of these makes the box.
            x1, y1, x2, y2 = seen.boxes[image, slot].tolist()
            if len(rows) >= 30 and inside[int(y1) : int(y2), int(x1) : int(x2)].all():
                torch.testing.assert_close(seen.boxes[image, slot], box.float(), rtol=0, atol=1.0)


@pytest.mark.parametrize("name", LENSES)
def test_depth_is_that_of_each_pixels_own_ray(name: str) -> None:
    seen, fine = rendered(name).targets, fine_pinhole(name)
    depth, inside = warped(name, fine.depth[:, 0])
    ids, _ = warped(name, fine.instances)
    same = inside & (seen.instances == ids) & (ids >= 0)
    off = (seen.depth[:, 0] - depth).abs()[same] / depth[same]
    # A fine pixel is an eighth wide, over which slanted surfaces recede; at a silhouette another surface is met.
    assert off.median() < 1e-3
    assert (off > 0.02).double().mean() < 0.02


@pytest.mark.parametrize("name", LENSES)
def test_the_box_around_the_whole_is_that_of_the_bent_hull(name: str) -> None:
    batch = rendered(name)
    scene = scenes(name).sample(IDS)
    k, lens = batch.targets.intrinsics[0].double(), torch.tensor(LENSES[name], dtype=torch.float64)
    bank = assets().bank
    for image, slot in batch.targets.valid.nonzero().tolist():
        row = int(scene.poses.mesh[image, slot])
        first = int(bank.first_triangle[row])
        corners = bank.triangles[first : first + int(bank.triangle_count[row]), :3].long()
        points = bank.vertices[corners + int(bank.vertex_offset[row]), :3].double()
        # The middles of edges as well, since a lens bends them outward.
        points = torch.cat([points, (points + points.roll(1, dims=1)) / 2]).flatten(0, 1)
        world = (points * scene.poses.scale[image, slot]) @ scene.poses.rotation[image, slot].double().T
        world = world + scene.poses.translation[image, slot]
        camera = scene.camera.camera_from_world[image].double()
        seen = world @ camera[:3, :3].T + camera[:3, 3]
        flat = seen[:, :2] / seen[:, 2:] @ k[:2, :2].T + k[:2, 2]
        bent = distort_points(flat, k, lens)
        expected = torch.cat([bent.amin(0), bent.amax(0)]).float()
        if (expected[:2] > -20).all() and (expected[2:] < torch.tensor([148, 116])).all():
            torch.testing.assert_close(batch.targets.boxes_amodal[image, slot], expected, rtol=0, atol=0.1)


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("name", LENSES)
def test_no_more_is_seen_of_an_object_than_it_would_cover_alone(name: str, antialias: bool) -> None:
    batch = rendered(name, antialias)
    valid = batch.targets.valid
    assert valid.any()
    assert (batch.targets.visibility[valid] <= 1).all()
    alone = Config(**{**SETTINGS, "objects": {"count": 1}, "distractors": {"count": 0}}).with_overrides(
        [f"camera.distortion={{k1: {LENSES[name][0]}, k2: {LENSES[name][1]}}}", f"render.antialias={antialias}"]
    )
    targets = ondr.RandomizedScenes(alone, assets=assets()).render(IDS).targets
    assert (targets.visibility[targets.valid] == 1).all()


def test_antialiasing_smooths_outlines_and_moves_no_label() -> None:
    hard, soft = rendered("barrel"), rendered("barrel", antialias=True)
    changed = (hard.images - soft.images).abs().amax(1) > 0.02
    assert 0 < changed.double().mean() < 0.15
    for name in ("boxes", "visibility", "instances"):
        assert torch.equal(getattr(hard.targets, name), getattr(soft.targets, name))


@pytest.mark.parametrize("size", [(97, 131), (33, 33), (255, 257), (5, 9), (1, 64)])
def test_every_pixel_has_the_ray_that_kornia_finds(size: tuple[int, int]) -> None:
    focal = max(size) / 2 / math.tan(math.radians(30))
    k = torch.tensor([[focal, 0, size[1] / 2], [0, focal, size[0] / 2], [0, 0, 1]])
    for lens in LENSES.values():
        camera = Camera(k[None], torch.eye(4)[None], torch.tensor([lens]))
        rays = rays_through_lens(camera, size)
        assert rays.found.all()
        points = torch.cartesian_prod(torch.arange(size[0]) + 0.5, torch.arange(size[1]) + 0.5).flip(-1).double()
        matrix, coefficients = k.double(), torch.tensor(lens, dtype=torch.float64)
        exact = undistort_points(points, matrix, coefficients, num_iters=200)
        found = torch.stack([rays.x[0].flatten(), rays.y[0].flatten()], dim=-1) * focal + k[:2, 2]
        # Pixels. Near a fold each step of the search halves what is left.
        torch.testing.assert_close(found.double(), exact, rtol=0, atol=0.02)
        right = torch.stack([part[0].flatten() for part in rays.at((0.375, -0.125))], dim=-1) * focal + k[:2, 2]
        beside = points + torch.tensor([0.375, -0.125], dtype=torch.float64)
        exact = undistort_points(beside, matrix, coefficients, num_iters=200)
        torch.testing.assert_close(right.double(), exact, rtol=0, atol=0.03)


def test_pixels_of_large_images_are_told_apart() -> None:
    """One ray for each column of a wide image: their pinhole has more pixels than float32 has whole numbers."""
    x = (torch.arange(4096) + 0.5)[None, None]
    still = (torch.zeros_like(x), torch.zeros_like(x))
    rays = Rays(x, torch.full_like(x, 4095.5), torch.ones_like(x, dtype=torch.bool), still, still)
    index = nearest(rays, (0.0, 0.0), torch.eye(3)[None], (4096, 4096))
    assert index.flatten().tolist() == list(range(4095 * 4096, 4096 * 4096))


def test_a_fold_is_said_and_nothing_is_seen_beyond(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    monkeypatch.setattr(lens_view, "say_once", heard.append)
    scenes = ondr.RandomizedScenes(
        Config(**SETTINGS).with_overrides(["camera.distortion.k1=[-0.2, 0.1]"]), assets=assets()
    )
    targets = scenes.render(IDS, overrides={"camera.distortion.k1": -0.9}).targets
    assert targets.valid.any()
    assert (targets.instances[:, 0, 0] == -1).all()
    assert any("camera.distortion sends no ray to" in line for line in heard)


def test_a_lens_has_five_coefficients_for_each_image(unchecked: None) -> None:
    scene = ondr.sample_scene(Config(**SETTINGS), assets(), torch.tensor(IDS))
    bent = replace(scene, camera=replace(scene.camera, distortion=torch.zeros(1, 5)))
    with pytest.raises(ValueError, match=r"camera.distortion must be \[4, 5\], got \[1, 5\]"):
        ondr.RandomizedScenes(Config(**SETTINGS), assets=assets()).render(bent)


def test_things_fly_where_the_lens_shows_them() -> None:
    place = {"objects.count": 1, "objects.position.x": 0.85, "objects.position.y": 0.8, "objects.screen_size": 0.05}
    cfg = Config(**{**SETTINGS, "distractors": {"count": 0}}).with_overrides(
        [*(f"{name}={value}" for name, value in place.items()), "camera.distortion.k1=0.4"]
    )
    targets = ondr.RandomizedScenes(cfg, assets=assets()).render(IDS).targets
    boxes = targets.boxes_amodal[targets.valid]
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2 / torch.tensor([128.0, 96.0])
    torch.testing.assert_close(middle, torch.tensor([[0.85, 0.8]]).expand_as(middle), rtol=0, atol=0.02)


def test_a_lens_that_bends_nothing_is_a_pinhole() -> None:
    cfg = Config(**SETTINGS).with_overrides(["camera.distortion.k1=[-0.000001, 0.000001]"])
    plain = ondr.RandomizedScenes(Config(**SETTINGS), assets=assets()).render(IDS)
    bent = ondr.RandomizedScenes(cfg, assets=assets()).render(IDS)
    # Along outlines.
    assert (plain.targets.instances != bent.targets.instances).double().mean() < 0.01
    assert ((plain.images - bent.images).abs() > 0.05).double().mean() < 0.02


def test_samples_of_a_pixel_make_fragments() -> None:
    """One image of two pixels: four samples of one surface; two of it, one of another, one of nothing."""
    triangle = torch.tensor([[[[4, 4, 5, 4], [4, 9, 5, -1]]]], dtype=torch.int32)
    slot = torch.tensor([[[[1, 1, 1, 1], [1, 2, 1, -1]]]], dtype=torch.int16)
    seen = ondr.raster.Visibility(
        torch.tensor([[[5, -1]]], dtype=torch.int32),
        torch.tensor([[[1, -1]]], dtype=torch.int16),
        torch.zeros(1, 3, dtype=torch.int32),
    )
    found = fragments_of_samples(seen, triangle, slot, torch.zeros(10, dtype=torch.int32))
    assert found.pixel.tolist() == [0, 1, 1]
    # The whole pixel has the triangle at its centre, any other that of its first sample.
    assert found.triangle.tolist() == [5, 4, 9]
    assert found.instance.tolist() == [1, 1, 2]
    assert found.mask.tolist() == [15, 0b101, 0b010]
    other = torch.zeros(10, dtype=torch.int32)
    other[5] = 1
    assert fragments_of_samples(seen, triangle, slot, other).mask.tolist() == [0b1011, 0b100, 0b001, 0b010, 0b100]


def test_quarters_make_a_grid() -> None:
    triangle = torch.arange(2 * 4, dtype=torch.int32).view(1, 1, 2, 4)
    grid = quarters_of(Samples(triangle, triangle.short()))
    assert grid.triangle.tolist() == [[[0, 1, 4, 5], [2, 3, 6, 7]]]
    assert grid.slot.tolist() == grid.triangle.tolist()
