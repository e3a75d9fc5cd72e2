"""Ground, table, boards and room: below, under and around what is there."""

from __future__ import annotations

import pytest
import torch

from ondr.assets.bank import Assets
from tests.sampling.measured import ROUNDING, corners, eyes, furnished, sampled, there


@pytest.fixture(scope="module")
def assets() -> Assets:
    return furnished()


PRESENT = ("floor.present=true", "room.present=true")


@pytest.mark.parametrize("layout", ["tabletop", "hemisphere"])
def test_the_table_is_under_the_things_and_the_floor_under_the_table(assets: Assets, layout: str) -> None:
    cfg, scene = sampled(assets, f"layout={layout}", "table.present=true", *PRESENT)
    table = corners(scene, assets, cfg.groups["table"])[:, 0]
    assert table[..., 2].amax(-1).abs().max() < ROUNDING
    assert (scene.poses.translation[:, cfg.groups["floor"]][:, 0, 2] <= table[..., 2].amin(-1)).all()
    standing = slice(0, cfg.groups["context"].stop)
    reach = corners(scene, assets, standing)[..., :2].abs().amax(2)
    # One that is larger than the table stands in its middle.
    on_table = (reach <= table[..., :2].amax(1)[:, None] + ROUNDING).all(-1) | (
        scene.poses.translation[:, standing, :2].abs() < ROUNDING
    ).any(-1)
    assert on_table[there(scene, standing)].all()


@pytest.mark.parametrize("layout", ["flying", "tabletop", "hemisphere", "clutter", "structured"])
def test_the_room_is_around_the_camera_and_the_things(assets: Assets, layout: str) -> None:
    cfg, scene = sampled(assets, f"layout={layout}", *PRESENT)
    walls, camera = scene.poses.translation[:, cfg.groups["room"]], eyes(scene)
    inside = slice(0, cfg.groups["context"].stop)
    points = torch.where(there(scene, inside)[..., None, None], corners(scene, assets, inside), 0.0)
    points = torch.cat([points.flatten(1, 2), camera[:, None]], dim=1)
    assert (points[..., 0].abs().amax(1) < walls[:, 2, 0]).all()
    assert (points[..., 1].abs().amax(1) < walls[:, 0, 1]).all()
    assert (points[..., 2].amax(1) < walls[:, 4, 2]).all()
    floor = scene.poses.translation[:, cfg.groups["floor"]][:, 0, 2]
    assert (points[..., 2].amin(1) >= floor - ROUNDING).all()
    assert torch.equal(walls[:, 0], -walls[:, 1] * torch.tensor([-1.0, 1, -1]))


def test_walls_reach_from_the_floor_to_the_ceiling_and_meet(assets: Assets) -> None:
    cfg, scene = sampled(assets, "layout=tabletop", *PRESENT)
    faces = scene.poses.rotation[:, cfg.groups["room"]], scene.poses.scale[:, cfg.groups["room"]]
    square = torch.tensor([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]])
    points = torch.einsum("bsij,bsj,kj->bski", *faces, square) + scene.poses.translation[:, cfg.groups["room"], None]
    floor = scene.poses.translation[:, cfg.groups["floor"]][:, 0, 2]
    half_x, half_y, top = points[:, 2, 0, 0], points[:, 0, 0, 1], points[:, 4, 0, 2]
    for wall in range(4):
        along, half = (0, half_x) if wall < 2 else (1, half_y)
        torch.testing.assert_close(points[:, wall, :, along].amax(1), half, rtol=1e-4, atol=0)
        torch.testing.assert_close(points[:, wall, :, 2].amax(1), top, rtol=1e-4, atol=0)
        torch.testing.assert_close(points[:, wall, :, 2].amin(1), floor, rtol=1e-4, atol=1e-4)


def test_the_floor_is_far_larger_than_the_scene_and_below_what_flies(assets: Assets) -> None:
    cfg, scene = sampled(assets, "floor.present=true")
    low = corners(scene, assets, cfg.groups["objects"])[..., 2].amin(-1)
    floor, side = (values[:, cfg.groups["floor"]][:, 0] for values in (scene.poses.translation, scene.poses.scale))
    present = there(scene, cfg.groups["objects"])
    assert (low >= floor[:, 2:])[present].all()
    assert (floor[:, 2] < 0).all()
    assert (side[:, 0] / 2 > 2 * scene.poses.translation[:, cfg.groups["objects"], :2].norm(dim=-1).amax(1)).all()


def test_boards_are_under_the_shelves(assets: Assets) -> None:
    shelves = ("layout=structured", "structured.kind=shelves", "structured.lanes=[1, 4]", "table.present=true")
    cfg, scene = sampled(assets, *shelves, "objects.count=12", "distractors.count=0", "context.count=0")
    assert cfg.groups["table"].stop - cfg.groups["table"].start == 4
    boards, kept = corners(scene, assets, cfg.groups["table"]), there(scene, cfg.groups["table"])
    assert torch.equal(kept.sum(1), scene.draws["structured.lanes"].long())
    things = corners(scene, assets, cfg.groups["objects"])
    lowest, highest = things[..., 2].amin(-1), things[..., 2].amax(-1)
    tops, undersides = boards[..., 2].amax(-1), boards[..., 2].amin(-1)
    present = there(scene, cfg.groups["objects"])
    gap = (lowest[:, :, None] - tops[:, None]).abs().masked_fill(~kept[:, None], torch.inf).amin(2)
    assert gap[present].max() < ROUNDING, "each thing stands on a board"
    above = (undersides[:, None] > lowest[:, :, None]) & kept[:, None]
    clear = ~above | (highest[:, :, None] <= undersides[:, None] + ROUNDING)
    assert clear[present].all(), "and none reaches through the next"
    sides = boards[..., :2].amax(2)
    inside = (things[..., :2].abs().amax(2)[:, :, None] <= sides[:, None] + ROUNDING).all(-1).any(2)
    assert inside[present].all()


def test_a_table_is_no_part_of_layouts_before_the_camera(assets: Assets) -> None:
    with pytest.raises(ValueError, match=r"table.present must not be set with layout flying"):
        sampled(assets, "table.present=true")
