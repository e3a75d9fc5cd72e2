"""Histograms of a stream: counted from labels written by hand, drawn on one page, reached by the command line."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from PIL import Image

import ondr
from ondr.batch import Batch, Targets
from ondr.cli import main
from ondr.stats import GRID, SIZE_BINS, directions, histogram, measure_stats, stats_config
from ondr.stats_page import stats_page
from tests.loop.tiny import tiny_config, write_meshes


def by_hand() -> Batch:
    """Returns two images of 40x80: one with a large object, a hole and an ignored one, one with nothing."""
    boxes = torch.zeros(2, 3, 4)
    boxes[0, 0] = torch.tensor([0.0, 0, 40, 40])
    boxes[0, 2] = torch.tensor([60.0, 0, 80, 20])
    pose = torch.eye(4).repeat(2, 3, 1, 1)
    # Seen from straight above: the camera's z is the object's -z.
    pose[0, 0, :3, :3] = torch.diag(torch.tensor([1.0, -1, -1]))
    pose[0, 0, 2, 3] = 5.0
    targets = Targets(
        image_size=(40, 80),
        sample_ids=torch.arange(2),
        boxes=boxes,
        labels=torch.tensor([[1, -1, 0], [-1, -1, -1]]),
        visibility=torch.tensor([[0.5, 0, 0.01], [0, 0, 0]]),
        truncation=torch.tensor([[0.25, 0, 0.0], [0, 0, 0]]),
        ignored=torch.tensor([[False, False, True], [False] * 3]),
        camera_from_object=pose,
    )
    return Batch.of_photos(torch.stack([torch.full((3, 40, 80), 0.5), torch.ones(3, 40, 80)]), targets)


def test_counts_are_those_of_labels_written_by_hand() -> None:
    stats = measure_stats([by_hand(), by_hand()], classes=2)
    assert (stats.images, stats.objects, stats.ignored) == (4, 2, 2)
    assert stats.per_image.tolist() == [2, 2, 0, 0]
    assert stats.classes.tolist() == [0, 2]
    assert stats.size.nonzero().tolist() == [[int(math.sqrt(0.5) * SIZE_BINS)]]
    assert stats.aspect.argmax() == stats.visibility.argmax() == SIZE_BINS // 2
    assert stats.truncation.argmax() == SIZE_BINS // 4
    assert stats.brightness.nonzero().flatten().tolist() == [16, 31]
    # The left half of the image, in every second one.
    assert torch.equal(stats.coverage, torch.tensor([0.5] * (GRID // 2) + [0.0] * (GRID // 2)).expand(GRID, GRID))
    assert stats.directions[0].sum() == stats.directions.sum() == 2


@pytest.mark.parametrize(
    ("seen_from", "row", "column"), [((1, 0, 0.1), 7, 16), ((0, 1, -0.1), 8, 24), ((-1, -1e-3, 0), 8, 0)]
)
def test_directions_are_in_the_objects_frame(seen_from, row: int, column: int) -> None:
    # The object is turned about the optical axis and lies anywhere: the camera is at `seen_from` in its frame.
    angle = torch.tensor(0.7)
    turn = torch.tensor([[angle.cos(), -angle.sin(), 0], [angle.sin(), angle.cos(), 0], [0, 0, 1]])
    pose = torch.eye(4)
    pose[:3, :3] = turn
    pose[:3, 3] = -turn @ torch.tensor(seen_from)
    assert directions(pose[None]).nonzero().tolist() == [[row, column]]


def test_directions_are_those_of_objects_that_stand() -> None:
    """Seen along the file's y from its high side, which is above where y is up and from the side where z is."""
    batch = by_hand()
    batch.targets.mesh_ids = torch.where(batch.targets.labels >= 0, 1, -1)
    y_up = torch.tensor([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    along_y = torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    batch.targets.camera_from_object[0, 0, :3, :3] = along_y
    batch.targets.camera_from_object[0, 0, :3, 3] = torch.tensor([0.0, 0, 5])
    as_filed, stood = (measure_stats([batch], 2, up).directions for up in (None, torch.stack([torch.eye(3), y_up])))
    assert as_filed[GRID // 4].sum() == as_filed.sum() == 1
    assert stood[0].sum() == stood.sum() == 1


def test_values_outside_go_to_the_ends() -> None:
    assert histogram(torch.tensor([-1.0, 0.0, 0.99, 1.0, 7.0]), 0, 1, 2).tolist() == [2, 3]


def test_targets_that_are_missing_are_named() -> None:
    batch = by_hand()
    batch.targets.visibility = None
    with pytest.raises(ValueError, match=r"must have the targets boxes, .* Render with stats_config\(cfg\)"):
        measure_stats([batch], classes=2)


@pytest.mark.parametrize("classes", [1, 2, 40])
def test_a_page_has_bars_of_every_class_and_is_legible(classes: int) -> None:
    names = [f"a class with a long name {k}" for k in range(classes)]
    page = stats_page(measure_stats([by_hand()], max(2, classes)), [*names, "b"][: max(2, classes)], "by hand")
    assert page.dtype == torch.uint8
    assert page.shape == (3, 730, 1200)
    assert len(page.flatten(1).unique(dim=1).T) > 50


def test_the_command_writes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "stats.png"
    small = ["image_size=[32,32]", "batch_size=4", f"objects.meshes={write_meshes(tmp_path / 'meshes')}"]
    with pytest.raises(SystemExit) as ended:
        main(["stats", "--count", "6", "--out", str(out), *(word for o in small for word in ("-o", o))])
    assert ended.value.code == 0
    assert "8 images" in capsys.readouterr().out
    assert Image.open(out).size == (1200, 730)


def test_an_image_without_objects_is_ordinary(tmp_path: Path) -> None:
    cfg = stats_config(
        tiny_config(write_meshes(tmp_path / "meshes"), objects={"meshes": tmp_path / "meshes", "count": 0})
    )
    scenes = ondr.RandomizedScenes(cfg)
    stats = measure_stats([scenes.render([0, 1])], len(scenes.class_names))
    assert stats.objects == 0
    assert stats_page(stats, scenes.class_names, "nothing").shape == (3, 730, 1200)
