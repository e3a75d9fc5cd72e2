"""Labelled photos keep their shape or are put on grey, and what cannot be read is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from photos import Photos, classified_photos, coco_classes, coco_photos, csv_classes
from PIL import Image
from torch import Tensor, nn

import ondr
from benchmarks.transfer.detect import Detect


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A wide red photo and a high blue one."""
    Image.new("RGB", (160, 40), (255, 0, 0)).save(tmp_path / "wide.png")
    Image.new("RGB", (30, 60), (0, 0, 255)).save(tmp_path / "high.png")
    return tmp_path


def coco(folder: Path) -> Path:
    """Labels of both: two boxes in the first."""
    file = folder / "labels.json"
    boxes = [(1, 3, [20, 10, 40, 20]), (1, 4, [0, 0, 10, 10]), (2, 3, [0, 0, 30, 60])]
    annotations = [{"id": k, "image_id": i, "category_id": c, "bbox": b} for k, (i, c, b) in enumerate(boxes)]
    file.write_text(
        json.dumps(
            {
                "images": [{"id": 1, "file_name": "wide.png"}, {"id": 2, "file_name": "high.png"}],
                "categories": [{"id": 3, "name": "mug"}, {"id": 4, "name": "cat"}, {"id": 5, "name": "dog"}],
                "annotations": annotations,
            }
        )
    )
    return file


def test_a_batch_has_one_size_and_its_boxes_go_along(folder: Path) -> None:
    photos = coco_photos(folder, coco(folder), ["mug"], (80, 80))
    images, targets = next(iter(photos.loader(2)))
    # 160 x 40 at one half is 80 x 20, between bars of 30; 30 x 60 at 4 / 3 is 40 x 80, between bars of 20.
    assert targets.boxes.tolist() == [[[10, 35, 30, 45]], [[20, 0, 60, 80]]]
    assert targets.labels.tolist() == [[0], [0]]
    assert images[0, :, 29].eq(0.5).all()
    assert images[0, 0, 30:50].eq(1).all()
    assert images[1, 2, :, 20:60].eq(1).all()


def test_in_its_own_shape_a_photo_has_as_many_pixels(folder: Path) -> None:
    photos = coco_photos(folder, coco(folder), ["mug"], (80, 80))
    image, scale, corner = photos.view(0)
    assert scale.tolist() == [1, 1]
    assert corner.tolist() == [0, 0]
    assert image.shape == (3, 40, 160)
    image, scale, _ = photos.view(1)
    # sqrt(6400 / 1800) = 1.886; 57 x 113 pixels are 6441, a percent from 6400 by rounding.
    assert image.shape[1] * image.shape[2] == pytest.approx(6400, rel=0.02)
    assert scale.tolist() == pytest.approx([1.886, 1.886], abs=1e-3)


def test_framed_photos_are_viewed_as_batches_show_them(folder: Path) -> None:
    photos = coco_photos(folder, coco(folder), ["mug"], (80, 80)).as_in_batches()
    image, scale, corner = photos.view(0)
    assert torch.equal(image, photos[0][0])
    assert scale.tolist() == [0.5, 0.5]
    assert corner.tolist() == [0, 30]


class BrightRows(nn.Module):
    """Takes all rows that are not grey for one thing, which for a photo in a frame is the photo."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def detect(self, images: Tensor) -> ondr.Targets:
        bright = (images - 0.5).abs().amax((0, 1, 3)).gt(0.4).nonzero()
        box = [0.0, float(bright.min()), float(images.shape[3]), float(bright.max()) + 1]
        return ondr.Targets(
            image_size=(images.shape[2], images.shape[3]),
            sample_ids=torch.zeros(1, dtype=torch.int64),
            boxes=torch.tensor([[box]]),
            labels=torch.zeros(1, 1, dtype=torch.int64),
        )


@pytest.mark.parametrize("as_in_batches", [False, True])
def test_boxes_are_told_in_the_photos_own_pixels(folder: Path, as_in_batches: bool) -> None:
    photos = coco_photos(folder, coco(folder), ["mug"], (80, 80))
    (seen,) = Detect().see(BrightRows(), photos.as_in_batches() if as_in_batches else photos, [0])  # type: ignore[arg-type]
    assert seen.boxes.tolist() == [[[0, 0, 160, 40]]]


def test_grey_photos_have_one_colour(folder: Path) -> None:
    (folder / "labels.csv").write_text("file,label\nwide.png,car\nhigh.png, lamp\n")
    photos = classified_photos(folder, folder / "labels.csv", ["lamp", "car"], (8, 8), grey=True)
    images, targets = next(iter(photos.loader(2)))
    assert targets.image_class.tolist() == [1, 0]
    assert torch.equal(images[:, 0], images[:, 2])
    assert csv_classes(folder / "labels.csv") == {"car", "lamp"}


def test_photos_of_a_class_show_no_shape_in_batches(folder: Path) -> None:
    (folder / "labels.csv").write_text("wide.png,car\nhigh.png,lamp\n")
    photos = classified_photos(folder, folder / "labels.csv", ["lamp", "car"], (20, 40))
    images, _ = next(iter(photos.loader(2)))
    assert images[0].flatten(1).T.unique(dim=0).tolist() == [[1, 0, 0]]
    assert images[1].flatten(1).T.unique(dim=0).tolist() == [[0, 0, 1]]
    assert photos.as_in_batches().view(0).scale.tolist() == [0.25, 0.5]
    assert photos.view(0).image.shape == (3, 14, 57)
    shapes = [(targets.image_class.tolist(), targets.image_size) for _, targets in photos.views()]
    assert shapes == [([1], (14, 57)), ([0], (40, 20))]


def test_only_categories_with_a_box_are_labelled(folder: Path) -> None:
    assert coco_classes(coco(folder)) == {"mug", "cat"}


def test_what_cannot_be_read_is_named(folder: Path) -> None:
    (folder / "broken.png").write_text("no image")
    with pytest.raises(ValueError, match=r"broken\.png must be a photo, got .*\. Mend it, or leave it out"):
        Photos([folder / "broken.png"], [[]], (8, 8))[0]
    with pytest.raises(ValueError, match=r"missing\.png must be a photo, got .*No such file"):
        Photos([folder / "missing.png"], [[]], (8, 8)).view(0)
    with pytest.raises(ValueError, match="labels must name one photo or more, got none"):
        Photos([], [], (8, 8))
    with pytest.raises(ValueError, match=r"labels\.json must name one of the classes \['pen'\], got \['mug'"):
        coco_photos(folder, coco(folder), ["pen"], (8, 8))
    (folder / "labels.csv").write_text("wide.png;car\n")
    with pytest.raises(ValueError, match=r"labels\.csv must have lines `file,class`, got IndexError"):
        csv_classes(folder / "labels.csv")
    (folder / "labels.json").write_text("{}")
    with pytest.raises(ValueError, match=r"labels\.json must be a COCO json, got KeyError\('images'\)"):
        coco_classes(folder / "labels.json")
