"""Boxes go where the photo goes."""

from __future__ import annotations

import torch

import ondr
from benchmarks.transfer.augmenting import augmented


def squares(count: int) -> tuple[torch.Tensor, ondr.Targets]:
    """White squares on black, each with its box."""
    images = torch.zeros(count, 3, 64, 64)
    images[:, :, 20:40, 28:44] = 1.0
    boxes = torch.tensor([28.0, 20.0, 44.0, 40.0]).expand(count, 1, 4)
    return images, ondr.Targets((64, 64), torch.arange(count), boxes, labels=torch.zeros(count, 1, dtype=torch.int64))


def test_boxes_hold_what_they_held() -> None:
    images, targets = squares(64)
    moved, after = augmented(images, targets, torch.Generator().manual_seed(1))
    # Grey lies beside the photo, so what is bright is the square, whatever the light was changed to.
    bright = moved[:, 0] > 0.5 * (moved[:, 0].amax((1, 2), keepdim=True) + 0.5)
    for image in range(64):
        y, x = bright[image].nonzero().unbind(1)
        found = torch.stack([x.min(), y.min(), x.max() + 1, y.max() + 1]).float()
        # A bilinear edge passes half of its height within half a pixel of where it is; brightness shifts it by as much.
        assert (found - after.boxes[image, 0]).abs().max() < 1.5


def test_the_same_generator_gives_the_same_views_and_inputs_stay() -> None:
    images, targets = squares(4)
    kept = images.clone(), targets.boxes.clone()
    one, other = (augmented(images, targets, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one[0], other[0])
    assert torch.equal(one[1].boxes, other[1].boxes)
    assert torch.equal(images, kept[0])
    assert torch.equal(targets.boxes, kept[1])
    assert not torch.equal(one[0][0], one[0][1])


def test_what_leaves_the_image_is_no_longer_labelled() -> None:
    images, targets = squares(256)
    corner = targets.map(lambda field: field)
    corner.boxes = torch.tensor([0.0, 0.0, 6.0, 6.0]).expand(256, 1, 4)
    _, after = augmented(images, corner, torch.Generator().manual_seed(2))
    gone = after.labels[:, 0] < 0
    assert gone.any()
    assert not gone.all()
    sides = after.boxes[:, 0, 2:] - after.boxes[:, 0, :2]
    assert (sides.amin(1) < 2)[gone].all()
    assert (sides.amin(1) >= 2)[~gone].all()
