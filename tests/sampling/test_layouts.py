"""Layouts: where things stand, what covers what, and what is around them, measured from the poses alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from ondr.assets.bank import Assets
from ondr.config import Config
from ondr.parameters import Parameters
from ondr.place import camera_from_object
from ondr.sampling import Sampler
from ondr.scene import Scene
from tests.sampling.tiny import tiny_assets

ROUNDING = 1e-5
"""Of float32 over lengths of a few metres."""


@pytest.fixture(scope="module")
def assets() -> Assets:
    plain = tiny_assets()
    return replace(
        plain, surfaces={"plane": 0, "box": 0}, others=dict.fromkeys(("context", "occluders", "clutter"), (6, 7))
    )


def sampled(assets: Assets, *overrides: str, number: int = 64) -> tuple[Config, Scene]:
    cfg = Config().with_overrides(overrides)
    return cfg, Sampler(cfg, assets).sample(torch.arange(number), Parameters(cfg))


def corners(scene: Scene, assets: Assets) -> Tensor:
    """Returns the corners of each thing's hull in the world, `[batch, slot, corner, 3]`."""
    poses = scene.poses
    points = assets.bank.hull[poses.mesh.clamp_min(0)] * poses.scale[..., None, :]
    return torch.einsum("bsij,bskj->bski", poses.rotation, points) + poses.translation[:, :, None]


def footprint_radii(points: Tensor, scene: Scene) -> Tensor:
    return (points[..., :2] - scene.poses.translation[:, :, None, :2]).norm(dim=-1).amax(-1)


GROUND = [["layout=tabletop"], ["layout=hemisphere"], ["layout=structured", "structured.kind=lanes"]]


@pytest.mark.parametrize("layout", GROUND)
def test_everything_stands_on_the_ground(assets: Assets, layout: list[str]) -> None:
    _, scene = sampled(assets, *layout, "context.count=2")
    lowest = corners(scene, assets)[..., 2].amin(-1)[scene.poses.mesh >= 0]
    assert lowest.abs().max() < ROUNDING


@pytest.mark.parametrize("layout", GROUND)
def test_nothing_stands_in_another_things_footprint(assets: Assets, layout: list[str]) -> None:
    _, scene = sampled(assets, *layout, "objects.count=5", "distractors.count=5")
    place, present = scene.poses.translation[..., :2], scene.poses.mesh >= 0
    radius = footprint_radii(corners(scene, assets), scene)
    apart = (place[:, :, None] - place[:, None]).norm(dim=-1)
    needed = radius[:, :, None] + radius[:, None]
    both = present[:, :, None] & present[:, None] & ~torch.eye(place.shape[1], dtype=torch.bool)
    assert both.any()
    assert (apart >= needed - ROUNDING)[both].all()


def test_what_finds_no_room_is_left_out_and_said(assets: Assets, caplog: pytest.LogCaptureFixture) -> None:
    cfg, scene = sampled(assets, "layout=tabletop", "objects.count=6", "table.width=2", "table.depth=2")
    placed = scene.draws["objects.placed"]
    assert torch.equal(placed > 0, scene.poses.mesh[:, : cfg.num_objects] >= 0)
    assert 0 < placed.mean() < 0.9
    assert torch.equal(placed[:, 0], torch.ones(len(placed))), "the first one always finds room"


def test_things_are_spread_over_the_whole_table(assets: Assets) -> None:
    _, scene = sampled(assets, "layout=tabletop", "objects.count=3", "table.width=10", "table.depth=4", number=500)
    unit = float(scene.draws["objects.size"].median())
    place = scene.poses.translation[:, :3, :2] / unit
    # Half of the sides, 5 and 2, in the unit of the median of the assets' files, less the footprint.
    for axis, half in ((0, 5), (1, 2)):
        quarters = torch.histc(place[..., axis], bins=4, min=-half, max=half)
        assert (quarters > 0.1 * quarters.sum()).all()


def test_the_subject_of_a_hemisphere_is_in_the_middle(assets: Assets) -> None:
    _, scene = sampled(assets, "layout=hemisphere", "objects.count=3")
    assert (scene.poses.translation[:, 0, :2] == 0).all()
    assert (scene.poses.translation[:, 1, :2].norm(dim=-1) > 0).all()


def test_the_camera_is_where_it_was_drawn_and_looks_at_its_target(assets: Assets) -> None:
    overrides = ("layout=tabletop", "camera.target={x: 0.5, y: -1, z: 0.2}", "camera.roll_degrees=[-180, 180]")
    _, scene = sampled(assets, *overrides, "camera.elevation_degrees=[30, 90]")
    unit = torch.tensor(Sampler(Config(), assets)._sizes.median_metres)
    rotation, offset = scene.camera.camera_from_world[:, :3, :3], scene.camera.camera_from_world[:, :3, 3]
    target = torch.tensor([0.5, -1, 0.2]) * unit
    seen = (rotation @ target[:, None])[..., 0] + offset
    distance = scene.draws["camera.distance"] * unit
    # On the optical axis, at the drawn distance; rounding of a rotation applied to metres.
    torch.testing.assert_close(seen, torch.stack([distance * 0, distance * 0, distance], -1), rtol=0, atol=1e-4)
    position = -(rotation.mT @ offset[..., None])[..., 0]
    angle = torch.rad2deg(torch.asin((position - target)[:, 2] / distance))
    torch.testing.assert_close(angle, scene.draws["camera.elevation_degrees"], rtol=0, atol=0.05)


def test_a_camera_in_a_box(assets: Assets) -> None:
    box = "camera.position={x: [-1, 1], y: [-6, -5], z: [2, 3]}"
    _, scene = sampled(assets, "layout=tabletop", "camera.placement=box", box)
    unit = Sampler(Config(), assets)._sizes.median_metres
    rotation, offset = scene.camera.camera_from_world[:, :3, :3], scene.camera.camera_from_world[:, :3, 3]
    position = -(rotation.mT @ offset[..., None])[..., 0] / unit
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


def boxes_of(scene: Scene, assets: Assets, slots: slice) -> tuple[Tensor, Tensor]:
    """Returns centre and side in pixels of the square that stands for a thing: its longest side at its depth."""
    placed = camera_from_object(scene)[:, slots]
    seen, k = placed[..., 3], scene.camera.intrinsics[:, None]
    focal = k[..., 0, 0]
    center = torch.stack([seen[..., i] / seen[..., 2] * focal + k[..., i, 2] for i in range(2)], -1)
    extent = (assets.bank.extent[scene.poses.mesh[:, slots].clamp_min(0)] * scene.poses.scale[:, slots]).amax(-1)
    return center, extent * focal / seen[..., 2]


def common_area(a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> Tensor:
    low = torch.maximum(a[0] - a[1][..., None] / 2, b[0] - b[1][..., None] / 2)
    high = torch.minimum(a[0] + a[1][..., None] / 2, b[0] + b[1][..., None] / 2)
    return (high - low).clamp_min(0).prod(-1)


@pytest.mark.parametrize("layout", ["layout=flying", "layout=tabletop", "layout=clutter"])
def test_occluders_cover_the_share_they_drew(assets: Assets, layout: str) -> None:
    cfg, scene = sampled(
        assets, layout, "objects.count=2", "occluders.count=4", "occluders.cover=[0.05, 0.3]", "occluders.size=[0.6, 1]"
    )
    objects, before = (boxes_of(scene, assets, cfg.groups[g]) for g in ("objects", "occluders"))
    target = [0, 1, 0, 1]
    aimed = objects[0][:, target], objects[1][:, target]
    share = common_area(before, aimed) / aimed[1] ** 2
    # Fourteen halvings, and float32 of pixels far outside the image.
    there = (scene.poses.mesh >= 0)[:, cfg.groups["occluders"]]
    assert there.double().mean() > 0.9
    torch.testing.assert_close(share[there], scene.draws["occluders.cover"][there], rtol=0, atol=2e-3)


def test_an_occluder_that_is_too_small_covers_what_it_can(assets: Assets) -> None:
    cfg, scene = sampled(assets, "objects.count=1", "occluders.count=1", "occluders.cover=0.9", "occluders.size=0.5")
    objects, before = (boxes_of(scene, assets, cfg.groups[g]) for g in ("objects", "occluders"))
    share = common_area(before, (objects[0], objects[1])) / objects[1] ** 2
    torch.testing.assert_close(share, torch.full_like(share, 0.25), rtol=0, atol=2e-3)


@pytest.mark.parametrize("layout", ["layout=flying", "layout=tabletop", "layout=hemisphere"])
def test_distractors_hide_no_more_than_allowed(assets: Assets, layout: str) -> None:
    many = ("objects.count=3", "distractors.count=10", "distractors.size=[1, 2]")
    covered = {}
    for limit in (1.0, 0.2):
        cfg, scene = sampled(assets, layout, *many, f"objects.max_occlusion={limit}")
        objects, others = (boxes_of(scene, assets, cfg.groups[g]) for g in ("objects", "distractors"))
        depth = camera_from_object(scene)[..., 2, 3]
        nearer = depth[:, None, cfg.groups["distractors"]] < depth[:, cfg.groups["objects"], None]
        there = (scene.poses.mesh >= 0)[:, None, cfg.groups["distractors"]]
        pairs = common_area((objects[0][:, :, None], objects[1][:, :, None]), (others[0][:, None], others[1][:, None]))
        share = (pairs * nearer * there).sum(2) / objects[1] ** 2
        covered[limit] = share[(scene.poses.mesh >= 0)[:, cfg.groups["objects"]] & (objects[1] > 0)]
    assert (covered[1.0] > 0.25).any(), "without a limit, some are hidden"
    assert covered[0.2].max() < 0.2 + 1e-3


def test_clutter_fills_a_grid_behind_everything(assets: Assets) -> None:
    cfg, scene = sampled(assets, "layout=clutter", "clutter.count=24", "image_size=[64, 96]")
    center, side = boxes_of(scene, assets, cfg.groups["clutter"])
    cells = torch.stack([(center[..., 0] / 96 * 6).floor(), (center[..., 1] / 64 * 4).floor()], -1)
    assert all(len({tuple(c) for c in image.tolist()}) == 24 for image in cells), "one in each cell"
    depth = camera_from_object(scene)[..., 2, 3]
    nearest = depth[:, cfg.groups["clutter"]].amin(1)
    flying = depth[:, : cfg.groups["context"].stop] * (scene.poses.mesh[:, : cfg.groups["context"].stop] >= 0)
    assert (nearest > flying.amax(1)).all()
    share = side / 64 / 0.35
    assert 0.9 - 1e-4 <= share.min() <= share.max() <= 1.5 + 1e-4


def test_the_border_cuts_the_objects_that_are_to_be_cut(assets: Assets) -> None:
    cfg, scene = sampled(assets, "objects.cut={bernoulli: 0.5}", "objects.count=4", "objects.screen_size=[0.2, 0.4]")
    center, side = boxes_of(scene, assets, cfg.groups["objects"])
    low, high = center - side[..., None] / 2, center + side[..., None] / 2
    cut = ((low < 0) & (high > 0) | (low < 256) & (high > 256)).any(-1)
    wanted = scene.draws["objects.cut"] > 0
    assert cut[wanted].all()
    assert 0.4 < wanted.double().mean() < 0.6


def test_surfaces_are_below_and_around(assets: Assets) -> None:
    present = ("floor.present=true", "table.present=true", "room.present=true")
    cfg, scene = sampled(assets, "layout=tabletop", *present)
    points = corners(scene, assets)  # The tiny assets' box, of side 1, stands for the plane as well.
    table, room = points[:, cfg.groups["table"]][:, 0], points[:, cfg.groups["room"]]
    assert table[..., 2].amax(-1).abs().max() < ROUNDING
    floor = scene.poses.translation[:, cfg.groups["floor"]][:, 0, 2]
    assert (floor <= table[..., 2].amin(-1)).all()
    rotation, offset = scene.camera.camera_from_world[:, :3, :3], scene.camera.camera_from_world[:, :3, 3]
    camera = -(rotation.mT @ offset[..., None])[..., 0]
    walls = scene.poses.translation[:, cfg.groups["room"]]
    assert (walls[:, 0, 1] > camera[:, 1].abs()).all()
    assert (walls[:, 2, 0] > camera[:, 0].abs()).all()
    assert (walls[:, 4, 2] > camera[:, 2]).all()
    assert room.shape[1] == 5


@pytest.mark.parametrize("layout", ["flying", "tabletop", "hemisphere", "clutter", "structured"])
def test_a_layout_does_not_depend_on_the_batch(assets: Assets, layout: str) -> None:
    cfg = Config(layout=layout).with_overrides(["occluders.count=2", "context.count=1", "floor.present=true"])
    sampler, parameters = Sampler(cfg, assets), Parameters(cfg)
    together, alone = sampler.sample(torch.arange(4), parameters), sampler.sample(torch.tensor([2]), parameters)
    torch.testing.assert_close(together.poses.translation[2:3], alone.poses.translation, rtol=0, atol=ROUNDING)


def test_lanes_are_parallel_and_traffic_goes_both_ways(assets: Assets) -> None:
    overrides = ("layout=structured", "structured.kind=lanes", "structured.lanes=2", "structured.curvature=0")
    still = ("objects.along={forward: 0, sideways: 0, heading_degrees: 0}", "objects.count=4", "distractors.count=0")
    _, scene = sampled(assets, *overrides, *still)
    x, y = scene.poses.translation[:, :4, 0], scene.poses.translation[:, :4, 1]
    torch.testing.assert_close(x[:, [0, 1]], x[:, [2, 3]], rtol=0, atol=ROUNDING)
    torch.testing.assert_close(x[:, 0], -x[:, 1], rtol=0, atol=ROUNDING)
    torch.testing.assert_close(y[:, 0], -y[:, 2], rtol=0, atol=ROUNDING)


def test_shelves_are_above_each_other(assets: Assets) -> None:
    overrides = ("layout=structured", "structured.kind=shelves", "structured.lanes=3", "objects.count=6")
    _, scene = sampled(assets, *overrides, "distractors.count=0")
    bottom = corners(scene, assets)[..., 2].amin(-1)[:, :6]
    assert (bottom[:, [0, 3]].abs() < ROUNDING).all()
    assert (bottom[:, [1, 4]] > 0).all()
    torch.testing.assert_close(bottom[:, 2], 2 * bottom[:, 1], rtol=0, atol=ROUNDING)
