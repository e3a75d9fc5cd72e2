"""Contact sheets: what stands where, in which colour, and that no text hides another."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ondr.batch import Batch, Targets
from ondr.drawing.labels import GREY, INK, Mark, class_color, place_texts
from ondr.drawing.sheet import CAPTION_PIXELS, GAP_PIXELS, draw
from ondr.draws import Draws
from ondr.errors import ConfigError

PAINT = 0.25
"""Brightness of the test images."""


def batch_of(boxes: list[list[list[float]]], size: tuple[int, int] = (200, 240), **targets: Tensor) -> Batch:
    """A batch of plain grey images with one class per slot."""
    count, objects = len(boxes), len(boxes[0]) if boxes else 0
    ids = torch.arange(count) + 7
    found = Targets(
        image_size=size,
        sample_ids=ids,
        boxes=torch.tensor(boxes, dtype=torch.float32).reshape(count, objects, 4),
        labels=torch.arange(objects).expand(count, objects),
    )
    for name, field in targets.items():
        setattr(found, name, field)
    return Batch(torch.full((count, 3, *size), PAINT), found, ids, Draws(torch.zeros(count, 0), {}), {})


def tile(sheet: Tensor, index: int, columns: int, size: tuple[int, int] = (200, 240)) -> Tensor:
    """The pixels of one image on the sheet."""
    row, column = divmod(index, columns)
    y = GAP_PIXELS + row * (size[0] + CAPTION_PIXELS + GAP_PIXELS)
    x = GAP_PIXELS + column * (size[1] + GAP_PIXELS)
    return sheet[:, y : y + size[0], x : x + size[1]]


def test_a_box_lies_on_its_outermost_pixels() -> None:
    sheet = tile(draw(batch_of([[[50, 80, 120, 150]]])), 0, 1)
    color = torch.tensor(class_color(0), dtype=torch.uint8)[:, None]
    for line in (sheet[:, 80, 50:120], sheet[:, 149, 50:120], sheet[:, 80:150, 50], sheet[:, 80:150, 119]):
        assert (line == color).all()
    outside = torch.cat([sheet[:, 150, 50:120], sheet[:, 80:150, 49], sheet[:, 80:150, 120]], dim=1)
    assert (outside == round(PAINT * 255)).all()
    assert (sheet[:, 90:140, 60:110] == round(PAINT * 255)).all()


def test_only_the_chosen_images_are_annotated() -> None:
    sheet = draw(batch_of([[[50, 80, 120, 150]]] * 4), columns=2, annotate=[False, True, True, False])
    plain = [bool((tile(sheet, i, 2) == round(PAINT * 255)).all()) for i in range(4)]
    assert plain == [True, False, False, True]


def test_ids_stand_below_every_image() -> None:
    sheet = draw(batch_of([[[0, 0, 1, 1]]] * 2), columns=2, annotate=False)
    top = GAP_PIXELS + 200
    for x in (GAP_PIXELS, GAP_PIXELS + 240 + GAP_PIXELS):
        assert sheet[:, top : top + CAPTION_PIXELS, x : x + 30].amax() > 150
    # Another id is another text.
    captions = [sheet[:, top : top + CAPTION_PIXELS, x : x + 30] for x in (GAP_PIXELS, 2 * GAP_PIXELS + 240)]
    assert not torch.equal(*captions)


def test_holes_are_left_out_and_ignored_ones_are_grey() -> None:
    boxes = [[[50, 80, 120, 150], [10, 100, 30, 160], [130, 20, 200, 60]]]
    targets = {"labels": torch.tensor([[3, -1, 4]]), "ignored": torch.tensor([[True, False, False]])}
    sheet = tile(draw(batch_of(boxes, **targets)), 0, 1)
    colors = {tuple(c) for c in sheet.flatten(1).T.tolist()}
    assert {GREY, INK, class_color(4)} <= colors
    assert class_color(3) not in colors
    assert (sheet[:, 100:160, 10:30] == round(PAINT * 255)).all()
    # Dashed: the line changes between grey and dark.
    assert {tuple(c) for c in sheet[:, 149, 50:120].T.tolist()} == {GREY, INK}


def test_small_images_are_enlarged() -> None:
    sheet = draw(batch_of([[[10, 10, 40, 40]]], size=(64, 64)))
    assert sheet.shape == (3, 192 + CAPTION_PIXELS + 2 * GAP_PIXELS, 192 + 2 * GAP_PIXELS)
    assert (
        tile(sheet, 0, 1, (192, 192))[:, 30, 30:120] == torch.tensor(class_color(0), dtype=torch.uint8)[:, None]
    ).all()


def test_empty_batches_and_images_without_objects() -> None:
    assert draw(batch_of([])).dtype == torch.uint8
    none = draw(batch_of([[]]))
    assert none.shape == (3, 200 + CAPTION_PIXELS + 2 * GAP_PIXELS, 240 + 2 * GAP_PIXELS)


def test_a_batch_is_not_changed() -> None:
    batch = batch_of([[[50, 80, 120, 150]]])
    images, boxes = batch.images.clone(), batch.targets.boxes.clone()
    draw(batch)
    assert torch.equal(batch.images, images)
    assert torch.equal(batch.targets.boxes, boxes)


@pytest.mark.parametrize("name", ["boxes", "labels"])
def test_a_batch_without_boxes_or_labels_is_drawn_plain_only(name: str) -> None:
    batch = batch_of([[[50, 80, 120, 150]]])
    setattr(batch.targets, name, None)
    with pytest.raises(ConfigError, match=r"outputs must name boxes and labels .* draw with annotate=False\."):
        draw(batch)
    assert draw(batch, annotate=False).shape[0] == 3


def test_annotate_names_every_image() -> None:
    batch = batch_of([[[50, 80, 120, 150]]] * 3)
    with pytest.raises(ValueError, match=r"annotate must have one entry per image, got 2 for 3\."):
        draw(batch, annotate=[True, False])


def test_neighbouring_classes_have_distinct_colors() -> None:
    colors = torch.tensor([class_color(i) for i in range(12)], dtype=torch.float32)
    assert torch.pdist(colors).min() > 55


def test_texts_stay_inside_and_hide_no_other() -> None:
    boxes = [(0, 0, 30, 20), (0, 0, 40, 30), (5, 90, 60, 100), (150, 92, 160, 100), (120, 10, 160, 60)]
    marks = [Mark(box, "bottle 100%", (255, 0, 0), dashed=False) for box in boxes]
    places = place_texts(marks, (160, 100))
    for i, (x1, y1, x2, y2) in enumerate(places):
        assert 0 <= x1 < x2 <= 160
        assert 0 <= y1 < y2 <= 100
        for a1, b1, a2, b2 in places[:i]:
            assert a1 >= x2 or x1 >= a2 or b1 >= y2 or y1 >= b2


def test_a_batch_draws_itself() -> None:
    from tests.test_stats import by_hand

    batch = by_hand()
    assert torch.equal(batch.draw(["a", "b"], columns=1), draw(batch, ["a", "b"], columns=1))
