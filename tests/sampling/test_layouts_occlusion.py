"""What covers what: occluders as much as they drew, distractors no more than allowed, and the image's border."""

from __future__ import annotations

import pytest
import torch

from ondr.assets.bank import Assets
from ondr.sampling.layouts.image import Boxes, overlap
from ondr.sampling.layouts.occluders import last_at_which
from tests.sampling.measured import area, boxes, common_area, depths, furnished, sampled, there

LAYOUTS = ["flying", "tabletop", "hemisphere", "clutter", "structured"]


@pytest.fixture(scope="module")
def assets() -> Assets:
    return furnished()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_occluders_cover_the_share_they_drew(assets: Assets, layout: str) -> None:
    wanted = ("objects.count=2", "occluders.count=4", "occluders.cover=[0.05, 0.3]", "occluders.size=[0.3, 1]")
    cfg, scene = sampled(assets, f"layout={layout}", *wanted, "distractors.count=0")
    objects, before = (boxes(scene, assets, cfg.groups[g]) for g in ("objects", "occluders"))
    aimed = tuple(side[:, [0, 1, 0, 1]] for side in objects)
    share = common_area(before, aimed) / area(aimed)
    kept = there(scene, cfg.groups["occluders"]) & share.isfinite()
    assert kept.double().mean() > 0.9
    difference = (share - scene.draws["occluders.cover"])[kept].abs()
    # What the bisection leaves. Some things are so near that a part of them is beside the camera.
    assert difference.quantile(0.97) < 2e-3


def test_an_occluder_grows_where_it_would_cover_too_little(assets: Assets) -> None:
    cube = ("objects.count=1", "objects.label=bolt", "objects.rotation=upright", "occluders.rotation=upright")
    small = ("occluders.count=1", "occluders.size=[0.3, 0.5]", "occluders.cover=0.81", "occluders.depth=1")
    cfg, scene = sampled(assets, *cube, *small, "camera.roll_degrees=0", "objects.screen_size=0.05")
    own, before = (boxes(scene, assets, cfg.groups[g]) for g in ("objects", "occluders"))
    # A cube before a cube: the square root of 0.81 is needed, more than any that is drawn.
    torch.testing.assert_close(before[1] - before[0], 0.9 * (own[1] - own[0]), rtol=0.02, atol=0)


def test_bisection_finds_a_closed_form() -> None:
    target = Boxes(torch.tensor([[[-2.0, -1.0]]]), torch.tensor([[[2.0, 1.0]]]), torch.ones(1, 1))
    # Moved to the right by s > 1, a taller box of width 2 covers 2 * (3 - s) of it; moved up by s > 2, 2 * (4 - s).
    for direction, expected in (((1.0, 0.0), 2.5), ((0.0, 1.0), 3.5)):
        along = torch.tensor(direction)

        def covers_more_than_one(shift: torch.Tensor, along: torch.Tensor = along) -> torch.Tensor:
            corners = (torch.tensor(side) + along * shift[..., None] for side in ([-1.0, -3.0], [1.0, 3.0]))
            return overlap(Boxes(*corners, torch.ones(1, 1)), target) > 1

        shift = last_at_which(covers_more_than_one, torch.zeros(1, 1), torch.full((1, 1), 8.0))
        torch.testing.assert_close(shift, torch.tensor([[expected]]), rtol=0, atol=1e-3)


def test_occluders_without_objects_are_left_out(assets: Assets) -> None:
    cfg, scene = sampled(assets, "objects.count=[0, 1]", "occluders.count=3")
    without = scene.draws["objects.count"] == 0
    assert without.any()
    assert torch.equal(there(scene, cfg.groups["occluders"]), ~without[:, None].expand(-1, 3))


@pytest.mark.parametrize("layout", ["flying", "tabletop", "hemisphere"])
def test_distractors_hide_no_more_than_allowed(assets: Assets, layout: str) -> None:
    many = ("objects.count=3", "distractors.count=10", "distractors.size=[1, 2]")
    covered = {}
    for limit in (1.0, 0.2):
        cfg, scene = sampled(assets, f"layout={layout}", *many, f"objects.max_occlusion={limit}")
        covered[limit] = hidden(assets, scene, cfg.groups["objects"], cfg.groups["distractors"])
    assert (covered[1.0] > 0.25).double().mean() > 0.05, "without a limit, some are hidden"
    # The extremes of a mesh reach up to 0.7 % of its radius further than those that stand for it.
    assert covered[0.2].max() < 0.21
    assert scene.draws["distractors.placed"].mean() > 0.5


def hidden(assets: Assets, scene, objects: slice, others: slice) -> torch.Tensor:  # type: ignore[no-untyped-def]
    """Returns, for each object that is there, the share of its box that others cover, added up."""
    mine, theirs = boxes(scene, assets, objects), boxes(scene, assets, others)
    nearer = depths(scene, others)[:, None] < depths(scene, objects)[:, :, None]
    pairs = common_area(tuple(s[:, :, None] for s in mine), tuple(s[:, None] for s in theirs))
    share = (pairs.nan_to_num() * (nearer & there(scene, others)[:, None])).sum(2) / area(mine)
    return share[there(scene, objects) & share.isfinite()]


def test_the_subject_of_a_hemisphere_is_never_hidden_whole(assets: Assets) -> None:
    crowded = ("distractors.count=20", "distractors.size=[1, 2]", "camera.distance=12", "camera.elevation_degrees=10")
    cfg, scene = sampled(assets, "layout=hemisphere", *crowded, number=200)
    share = hidden(assets, scene, cfg.groups["objects"], cfg.groups["distractors"])
    assert 0.3 < share.max() < 0.85


def test_the_border_cuts_the_objects_that_are_to_be_cut(assets: Assets) -> None:
    small = ("objects.screen_size=[0.05, 0.4]", "image_size=[128, 192]")
    cfg, scene = sampled(assets, "objects.cut={bernoulli: 0.5}", "objects.count=4", *small, number=200)
    low, high = boxes(scene, assets, cfg.groups["objects"])
    size = torch.tensor([192.0, 128.0])
    cut = ((low < 0) & (high > 0) | (low < size) & (high > size)).any(-1)
    wanted = scene.draws["objects.cut"] > 0
    assert 0.45 < wanted.double().mean() < 0.55
    assert cut[wanted].all()
    within = (torch.minimum(high, size) - low.clamp_min(0)).prod(-1) / (high - low).prod(-1)
    # Between a fifth and four fifths along one axis; a corner may cut twice.
    assert (within[wanted] > 0.02).double().mean() > 0.95
    assert within[wanted].median() < 0.7
