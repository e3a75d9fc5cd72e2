"""The layout structured: lanes with traffic both ways, bends, rows and shelves, context beside."""

from __future__ import annotations

import math

import pytest
import torch

from ondr.assets.bank import Assets
from ondr.sampling.layouts.arcs import bent
from tests.sampling.measured import ROUNDING, corners, furnished, sampled, there

STILL = (
    "objects.along={forward: 0, sideways: 0, heading_degrees: 0}",
    "objects.count=4",
    "objects.label=bolt",
    "distractors.count=0",
    "camera.distance=30",
    "context.count=0",
)


@pytest.fixture(scope="module")
def assets() -> Assets:
    return furnished()


def test_lanes_are_parallel_and_traffic_goes_both_ways(assets: Assets) -> None:
    overrides = ("layout=structured", "structured.kind=lanes", "structured.lanes=2", "structured.curvature=0")
    _, scene = sampled(assets, *overrides, *STILL)
    x, y = scene.poses.translation[:, :4, 0], scene.poses.translation[:, :4, 1]
    torch.testing.assert_close(x[:, [0, 1]], x[:, [2, 3]], rtol=0, atol=ROUNDING)
    torch.testing.assert_close(x[:, 0], -x[:, 1], rtol=0, atol=ROUNDING)
    torch.testing.assert_close(y[:, 0], -y[:, 2], rtol=0, atol=ROUNDING)
    # The room of cubes of side 1 is the diagonal of their base.
    room = math.sqrt(2)
    torch.testing.assert_close(x[:, 1] - x[:, 0], scene.draws["structured.lane_width"] * room)
    torch.testing.assert_close(y[:, 2] - y[:, 0], scene.draws["structured.spacing"] * room)
    forward = scene.poses.rotation[:, :4] @ torch.tensor([1.0, 0, 0])
    (
        torch.testing.assert_close(
            forward[..., 1], torch.tensor([-1.0, 1, -1, 1]).expand(len(x), 4), rtol=0, atol=ROUNDING
        ),
        "the left lane comes towards one who looks along +y",
    )


def test_rows_all_face_one_way(assets: Assets) -> None:
    overrides = ("layout=structured", "structured.kind=rows", "structured.lanes=2", "structured.curvature=0")
    _, scene = sampled(assets, *overrides, *STILL)
    forward = scene.poses.rotation[:, :4] @ torch.tensor([1.0, 0, 0])
    assert (forward[..., 1] > 0.999).all()


def test_headings_follow_the_bend_and_turn_as_drawn(assets: Assets) -> None:
    bend = ("layout=structured", "structured.kind=rows", "structured.lanes=1", "structured.curvature=0.05")
    _, scene = sampled(assets, *bend, *STILL, "objects.along.heading_degrees=[-8, 8]")
    place = scene.poses.translation[:, :4, :2]
    forward = scene.poses.rotation[:, :4] @ torch.tensor([1.0, 0, 0])
    # On a circle the tangent is at a right angle to the radius; its centre is to the right.
    radius = math.sqrt(2) / 0.05
    spoke = torch.tensor([radius, 0.0]) - place
    assert spoke.norm(dim=-1).std(dim=1).max() < 1e-4
    spoke = spoke / spoke.norm(dim=-1, keepdim=True)
    tangent = torch.stack([-spoke[..., 1], spoke[..., 0]], dim=-1)
    sine = tangent[..., 0] * forward[..., 1] - tangent[..., 1] * forward[..., 0]
    torch.testing.assert_close(
        torch.rad2deg(torch.asin(sine)), scene.draws["objects.along.heading_degrees"], rtol=0, atol=0.01
    )


@pytest.mark.parametrize("curvature", [0.0, 1e-7, 0.3, -0.3])
def test_arcs_keep_lengths_and_widths(curvature: float) -> None:
    along = torch.linspace(-1, 1, 2001, dtype=torch.float64)[None]
    bend = torch.tensor([[curvature]], dtype=torch.float64)
    x, y, turn = bent(along, along * 0, bend)
    steps = torch.hypot(x.diff(), y.diff()).sum()
    torch.testing.assert_close(steps, torch.tensor(2.0, dtype=torch.float64), rtol=1e-6, atol=0)
    right_x, right_y, _ = bent(along, along * 0 + 0.5, bend)
    torch.testing.assert_close(torch.hypot(right_x - x, right_y - y), 0.5 + along * 0)
    ahead = torch.stack([x[:, 2:] - x[:, :-2], y[:, 2:] - y[:, :-2]])
    right = torch.stack([right_x - x, right_y - y])[..., 1:-1]
    # At a right angle to the arc, up to the curvature of a chord.
    assert (ahead * right).sum(0).abs().max() < 1e-9
    torch.testing.assert_close(torch.rad2deg(along * curvature), turn)
    assert (x.sign() * math.copysign(1, curvature) >= 0).all(), "to the right where it is positive"


def test_context_stands_beside_the_lanes(assets: Assets) -> None:
    overrides = ("layout=structured", "structured.kind=[lanes, rows]", "structured.curvature=0", "context.count=6")
    wide = ("structured.lane_width=3", "structured.context_offset=0", "context.size=0.5", "camera.distance=30")
    cfg, scene = sampled(assets, *overrides, *wide)
    x = corners(scene, assets, slice(0, cfg.groups["context"].stop))[..., 0]
    inside, beside = cfg.groups["objects"], cfg.groups["context"]
    lanes = torch.where(there(scene, inside), x[:, inside].abs().amax(2), 0).amax(1)
    nearest = x[:, beside].abs().amin(2)
    assert (nearest >= lanes[:, None])[there(scene, beside)].all()
    side = scene.poses.translation[:, beside, 0].sign()
    assert torch.equal(side, torch.tensor([-1.0, 1, -1, 1, -1, 1]).expand(len(side), 6))


def test_shelves_are_above_each_other(assets: Assets) -> None:
    overrides = ("layout=structured", "structured.kind=shelves", "structured.lanes=3", "objects.count=6")
    _, scene = sampled(assets, *overrides, "distractors.count=0")
    bottom = corners(scene, assets, slice(0, 6))[..., 2].amin(-1)
    assert (bottom[:, [0, 3]].abs() < ROUNDING).all()
    assert (bottom[:, [1, 4]] > 0).all()
    torch.testing.assert_close(bottom[:, 2], 2 * bottom[:, 1], rtol=0, atol=ROUNDING)
