"""The layout clutter: a wall that fills the image, what flies before it, and occluders before that."""

from __future__ import annotations

import pytest
import torch

import ondr
from ondr.assets.bank import Assets
from ondr.config import Config
from ondr.place import place
from ondr.raster.numba import visible
from tests.sampling.measured import corners, depths, furnished, sampled, there


@pytest.fixture(scope="module")
def assets() -> Assets:
    return furnished()


@pytest.mark.parametrize(("size", "count", "columns"), [([64, 96], 24, 6), ([64, 64], 25, 5), ([64, 192], 27, 9)])
def test_clutter_has_a_piece_in_each_cell_of_a_grid(assets: Assets, size: list[int], count: int, columns: int) -> None:
    cfg, scene = sampled(assets, "layout=clutter", f"clutter.count={count}", f"image_size={size}")
    centers = scene.poses.translation[:, cfg.groups["clutter"]]
    matrix = scene.camera.camera_from_world
    seen = torch.einsum("bij,bsj->bsi", matrix[:, :3, :3], centers) + matrix[:, None, :3, 3]
    pixels = torch.einsum("bij,bsj->bsi", scene.camera.intrinsics, seen)
    cells = (
        pixels[..., :2] / pixels[..., 2:] / torch.tensor([size[1], size[0]]) * torch.tensor([columns, count // columns])
    )
    number = (cells[..., 1].floor() * columns + cells[..., 0].floor()).sort(dim=1).values
    assert torch.equal(number, torch.arange(count).expand(len(number), count).to(number))


def test_clutter_is_as_large_in_the_image_as_an_object_of_the_middle_size(assets: Assets) -> None:
    cfg, scene = sampled(assets, "layout=clutter", "clutter.scale=[0.9, 1.5]", "objects.screen_size=[0.1, 0.5]")
    wall = cfg.groups["clutter"]
    longest = (assets.bank.extent[scene.poses.mesh[:, wall].clamp_min(0)] * scene.poses.scale[:, wall]).amax(-1)
    share = longest * scene.camera.intrinsics[:, None, 0, 0] / depths(scene, wall) / min(cfg.image_size)
    torch.testing.assert_close(share, scene.draws["clutter.scale"] * 0.3, rtol=1e-4, atol=0)


def test_there_are_three_layers(assets: Assets) -> None:
    cfg, scene = sampled(assets, "layout=clutter", "occluders.count=2", "objects.count=2", "context.count=1")
    groups, axis = cfg.groups, scene.camera.camera_from_world[:, 2, :3]
    reach = torch.einsum("bsci,bi->bsc", corners(scene, assets, slice(0, groups["clutter"].stop)), axis)
    flying, present = slice(0, groups["context"].stop), there(scene, slice(0, groups["context"].stop))
    farthest = reach[:, flying].amax(-1).masked_fill(~present, 0).amax(1)
    # A wall of large pieces would have to be very far away; it is at most four times as far as what flies.
    assert (reach[:, groups["clutter"]].amin((1, 2)) > farthest).double().mean() > 0.99
    assert (depths(scene, groups["clutter"]).amin(1) > depths(scene, flying).masked_fill(~present, 0).amax(1)).all()
    before = depths(scene, groups["occluders"]), depths(scene, groups["objects"])
    assert (before[0] < before[1]).all()


@pytest.mark.parametrize(("size", "count"), [([96, 96], 60), ([48, 96], 120)])
def test_clutter_leaves_hardly_any_background(size: list[int], count: int) -> None:
    alone = {"objects": {"count": 0, "meshes": "sample"}, "distractors": {"count": 0}, "classes": ["bolt"]}
    cfg = Config(layout="clutter", image_size=size, clutter={"count": count}, **alone, materials={"textures": None})
    loaded = ondr.load_assets(cfg)
    scene = ondr.sample_scene(cfg, loaded, torch.arange(12))
    seen = visible(loaded.bank, place(scene, loaded.bank), scene.camera.intrinsics, (size[0], size[1]))
    background = (seen.slot < 0).double().mean((1, 2))
    assert background.mean() < 0.01
    assert background.max() < 0.05
