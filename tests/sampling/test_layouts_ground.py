"""Layouts on the ground: everything stands, beside each other, before a camera that is near nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from ondr.assets.bank import Assets
from ondr.config import Config
from ondr.errors import say_once
from ondr.parameters import Parameters
from ondr.sampling import Sampler
from ondr.sampling.layouts.free_places import first_that_fits, tries
from ondr.scene import Scene
from tests.sampling.measured import ROUNDING, corners, eyes, furnished, sampled, there

MEDIAN = 2.0
"""Metres: the lower median of the longest sides of the tiny assets, 1, 2, 2, 0.3, 3 and 4."""
GROUND = [
    ["layout=tabletop"],
    ["layout=hemisphere"],
    ["layout=structured", "structured.kind=lanes", "structured.curvature=[-0.2, 0.2]"],
    ["layout=structured", "structured.kind=rows"],
]
ANY_TURN = ["objects.rotation=so3", "distractors.rotation=so3", "context.rotation=so3"]


@pytest.fixture(scope="module")
def assets() -> Assets:
    return furnished()


@pytest.mark.parametrize("layout", GROUND)
@pytest.mark.parametrize("turns", [[], ANY_TURN])
def test_everything_stands_on_the_ground(assets: Assets, layout: list[str], turns: list[str]) -> None:
    cfg, scene = sampled(assets, *layout, *turns, "context.count=2")
    standing = slice(0, cfg.groups["context"].stop)
    lowest = corners(scene, assets, standing)[..., 2].amin(-1)[there(scene, standing)]
    assert lowest.abs().max() < ROUNDING


@pytest.mark.parametrize("layout", GROUND)
def test_nothing_stands_in_another_things_footprint(assets: Assets, layout: list[str]) -> None:
    counts = ("objects.count=6", "distractors.count=5", "context.count=4")
    cfg, scene = sampled(assets, *layout, *ANY_TURN, *counts, number=128)
    standing = slice(0, cfg.groups["context"].stop)
    place, present = scene.poses.translation[:, standing, :2], there(scene, standing)
    radius = (corners(scene, assets, standing)[..., :2] - place[:, :, None]).norm(dim=-1).amax(-1)
    apart = (place[:, :, None] - place[:, None]).norm(dim=-1)
    both = present[:, :, None] & present[:, None] & ~torch.eye(place.shape[1], dtype=torch.bool)
    assert both.double().mean() > 0.1
    assert (apart >= radius[:, :, None] + radius[:, None] - ROUNDING)[both].all()


@pytest.mark.parametrize("layout", GROUND)
def test_the_camera_is_above_the_ground_and_in_nothing(assets: Assets, layout: list[str]) -> None:
    near = ("camera.distance=[2, 4]", "camera.elevation_degrees=[-20, 90]", "objects.count=6", "distractors.count=10")
    cfg, scene = sampled(assets, *layout, *near)
    standing = slice(0, cfg.groups["context"].stop)
    position, away = eyes(scene), scene.poses.translation[:, standing] - eyes(scene)[:, None]
    reach = (corners(scene, assets, standing) - scene.poses.translation[:, standing, None]).norm(dim=-1).amax(-1)
    assert (position[:, 2] > 0).all()
    assert ((away.norm(dim=-1) > reach) | ~there(scene, standing)).all()


def test_what_finds_no_room_is_left_out_and_said(assets: Assets, caplog: pytest.LogCaptureFixture) -> None:
    say_once.cache_clear()
    cfg, scene = sampled(assets, "layout=tabletop", "objects.count=6", "table.width=2", "table.depth=2")
    placed = scene.draws["objects.placed"]
    assert torch.equal(placed > 0, there(scene, slice(0, cfg.num_objects)))
    assert 0 < placed.mean() < 0.9
    assert "objects.placed" in scene.draws.derived
    assert "more than 50% of the things of a batch are left out" in caplog.text
    assert "Make table.width" in caplog.text


def test_what_is_left_out_by_default_is_not_worth_a_word(assets: Assets, caplog: pytest.LogCaptureFixture) -> None:
    say_once.cache_clear()
    _, scene = sampled(assets, "layout=tabletop", "objects.label=bolt")
    wanted = torch.arange(10) < scene.draws["distractors.count"][:, None]
    assert 0 < (scene.draws["distractors.placed"] == 0)[wanted].double().mean() < 0.05
    assert not caplog.text


def test_larger_tables_have_room_for_all(assets: Assets) -> None:
    few = ("objects.count=6", "distractors.count=0", "camera.distance=60", "camera.elevation_degrees=90")
    _, scene = sampled(assets, "layout=tabletop", *few, "table.width=40", "table.depth=40")
    assert (scene.draws["objects.placed"] == 1).all()


@pytest.mark.parametrize(("density", "expected"), [(0.3, 0.989), (0.5, 0.727)])
def test_tries_find_room_as_often_as_stated(density: float, expected: float) -> None:
    side = (8 * np.pi / 4 / density) ** 0.5
    drawn = torch.rand(1000, 8, 2, generator=torch.Generator().manual_seed(0))

    def touching(slot: int, tried: Tensor, chosen: Tensor, kept: Tensor) -> Tensor:
        return ((torch.cdist(tried, chosen) < 1) & kept[:, None]).any(2)

    _, found = first_that_fits((tries(drawn) - 0.5) * (side - 1), torch.ones(1000, 8, dtype=torch.bool), touching)
    # Two standard errors of 1,000 tables are below 0.01.
    assert abs(found.double().mean() - expected) < 0.01


def test_a_crowded_table_still_has_room_for_most(assets: Assets) -> None:
    # Cubes whose footprints are circles of diameter sqrt(2): nine of them cover 30 % of a square of side 6.86.
    crowd = ("distractors.count=9", "distractors.size=1", "table.width=6.86", "table.depth=6.86", "objects.count=0")
    still = ("camera.distance=60", "camera.elevation_degrees=90", "distractors.place={x: [0, 1], y: [0, 1]}")
    _, scene = sampled(assets, "layout=tabletop", *crowd, *still, number=300)
    assert scene.draws["distractors.placed"].mean() > 0.97


def test_things_are_spread_over_the_whole_table(assets: Assets) -> None:
    everywhere = ("objects.place={x: [0, 1], y: [0, 1]}", "objects.label=bolt", "camera.distance=30")
    _, scene = sampled(
        assets, "layout=tabletop", "objects.count=3", "table.width=10", "table.depth=4", *everywhere, number=500
    )
    place = scene.poses.translation[:, :3, :2] / MEDIAN
    # Half of the sides, 5 and 2, less half of a diagonal.
    for axis, half in ((0, 5 - 0.35), (1, 2 - 0.35)):
        quarters = torch.histc(place[..., axis], bins=4, min=-half, max=half)
        assert quarters.sum() == 1500
        assert (quarters > 0.2 * 1500).all()


def test_a_table_grows_with_what_is_on_it(assets: Assets) -> None:
    large = ("layout=tabletop", "objects.count=1", "objects.label=nut", "table.width=5")
    cfg, scene = sampled(assets, *large, "objects.size={choice: [1, 9], weights: [3, 2]}")
    size, width = scene.draws["objects.size"][:, 0], scene.poses.scale[:, cfg.groups["table"], 0][:, 0]
    # The middle of the sizes, 5, or half of the largest object.
    torch.testing.assert_close(width, 5 * torch.maximum(size / 2, torch.tensor(5.0)))


def test_the_subject_of_a_hemisphere_is_in_the_middle_and_sets_the_scale(assets: Assets) -> None:
    _, scene = sampled(assets, "layout=hemisphere", "objects.count=1", "camera.distance=5", "camera.target.z=0")
    size = scene.draws["objects.size"][:, 0]
    assert (scene.poses.translation[:, 0, :2] == 0).all()
    assert (scene.poses.translation[:, 1:11, :2].norm(dim=-1) > 0)[there(scene, slice(1, 11))].all()
    torch.testing.assert_close(eyes(scene).norm(dim=-1), 5 * size)
    torch.testing.assert_close(scene.poses.scale[:, 1:11, 0], scene.draws["distractors.size"] * size[:, None])


def test_a_hemisphere_without_a_subject(assets: Assets) -> None:
    for count in ("0", "[0, 1]"):
        _, scene = sampled(assets, "layout=hemisphere", f"objects.count={count}")
        assert torch.isfinite(scene.poses.translation).all()


def test_the_camera_is_where_it_was_drawn_and_looks_at_its_target(assets: Assets) -> None:
    overrides = ("layout=tabletop", "camera.target={x: 0.5, y: -1, z: 0.2}", "camera.roll_degrees=[-180, 180]")
    _, scene = sampled(assets, *overrides, "camera.elevation_degrees=[30, 90]", "objects.label=bolt")
    rotation, offset = scene.camera.camera_from_world[:, :3, :3], scene.camera.camera_from_world[:, :3, 3]
    target = torch.tensor([0.5, -1, 0.2]) * MEDIAN
    seen = (rotation @ target[:, None])[..., 0] + offset
    distance = scene.draws["camera.distance"] * MEDIAN
    # On the optical axis, at the drawn distance; rounding of a rotation applied to metres.
    torch.testing.assert_close(seen, torch.stack([distance * 0, distance * 0, distance], -1), rtol=0, atol=1e-4)
    angle = torch.rad2deg(torch.asin((eyes(scene) - target)[:, 2] / distance))
    torch.testing.assert_close(angle, scene.draws["camera.elevation_degrees"], rtol=0, atol=0.05)


def test_a_camera_in_a_box(assets: Assets) -> None:
    box = "camera.position={x: [-1, 1], y: [-6, -5], z: [2, 3]}"
    _, scene = sampled(assets, "layout=tabletop", "camera.placement=box", box, "objects.label=bolt")
    position = eyes(scene) / MEDIAN
    for axis, (low, high) in enumerate(((-1, 1), (-6, -5), (2, 3))):
        assert low - 1e-4 <= position[:, axis].min() <= position[:, axis].max() <= high + 1e-4


def test_pan_and_tilt_look_past_the_target(assets: Assets) -> None:
    overrides = ("layout=tabletop", "camera.roll_degrees=0", "camera.target={x: 0, y: 0, z: 0}")
    _, straight = sampled(assets, *overrides)
    _, past = sampled(assets, *overrides, "camera.pan_degrees=10", "camera.tilt_degrees=5")
    origin = past.camera.camera_from_world[:, :3, 3]
    x, y, z = (origin / origin.norm(dim=-1, keepdim=True)).unbind(-1)
    # The target moves to the left and, since the camera looks up, down.
    np.testing.assert_allclose(torch.rad2deg(torch.asin(x)).numpy(), -10, atol=0.6)
    assert (y > 0).all()
    angle = torch.rad2deg(torch.acos(z)).numpy()
    np.testing.assert_allclose(angle, np.degrees(np.arccos(np.cos(np.radians(10)) * np.cos(np.radians(5)))), atol=0.05)
    assert not torch.equal(straight.camera.camera_from_world, past.camera.camera_from_world)


LAYOUTS = ["flying", "tabletop", "hemisphere", "clutter", "structured"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_does_not_depend_on_the_batch(assets: Assets, layout: str) -> None:
    much = ["occluders.count=2", "context.count=1", "floor.present=true", "objects.max_occlusion=0.3"]
    cfg = Config(layout=layout).with_overrides(much)
    sampler, parameters = Sampler(cfg, assets), Parameters(cfg)
    together, alone = sampler.sample(torch.arange(4), parameters), sampler.sample(torch.tensor([2]), parameters)
    torch.testing.assert_close(together.poses.translation[2:3], alone.poses.translation, rtol=0, atol=ROUNDING)
    assert torch.equal(together.poses.mesh[2:3], alone.poses.mesh)


def copied_to_gpu_and_back(scene: Scene) -> list[Tensor]:
    return [scene.poses.translation.cpu(), scene.poses.scale.cpu(), scene.poses.mesh.cpu()]


@pytest.mark.cuda
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_do_not_wait_for_the_gpu_and_agree_with_the_cpu(assets: Assets, layout: str) -> None:
    much = ["occluders.count=2", "context.count=1", "floor.present=true", "room.present=true"]
    cfg = Config(layout=layout).with_overrides([*much, "objects.max_occlusion=0.3"])
    on_gpu = Sampler(cfg, Assets(**{**vars(assets), "bank": assets.bank.to("cuda")}))
    parameters = Parameters(cfg)
    on_gpu.sample(torch.arange(8), parameters)
    torch.cuda.set_sync_debug_mode("error")
    try:
        scene = on_gpu.sample(torch.arange(8), parameters)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    expected = Sampler(cfg, assets).sample(torch.arange(8), parameters)
    for got, wanted in zip(copied_to_gpu_and_back(scene), copied_to_gpu_and_back(expected), strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-4)
