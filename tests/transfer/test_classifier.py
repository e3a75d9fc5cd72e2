"""The classifier is taught what each part of an image shows, where that is known."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from classifier import Classifier, Said, classification_loss, shares_of
from photos import UNKNOWN
from torch.nn import functional as F

import ondr

CLASSES = 3


def targets(semantic: torch.Tensor, image_class: list[int]) -> ondr.Targets:
    count = len(image_class)
    shape = (int(semantic.shape[1]), int(semantic.shape[2]))
    return ondr.Targets(shape, torch.arange(count), image_class=torch.tensor(image_class), semantic=semantic)


def test_a_cell_of_a_map_is_taught_the_shares_of_its_pixels() -> None:
    # 2 x 2 cells of 2 x 2 pixels: background; three pixels of class 0 and one of nothing; half class 2; nobody knows.
    semantic = torch.tensor([[[-1, -1, 0, 0], [-1, -1, 0, -1], [2, 2, -2, -2], [-1, -1, -2, -2]]], dtype=torch.int16)
    wanted = [[1, 0, 0, 0], [0.25, 0.75, 0, 0], [0.5, 0, 0, 0.5]]
    logits = torch.randn(1, 1 + CLASSES, 2, 2, generator=torch.Generator().manual_seed(0))
    whole = torch.zeros(1, CLASSES)
    cells = [
        F.cross_entropy(logits[0, :, k // 2, k % 2], torch.tensor(w, dtype=torch.float32)) for k, w in enumerate(wanted)
    ]
    known = torch.tensor(1 / CLASSES).log().neg() + 3 * torch.stack(cells).sum() / 4
    assert float(classification_loss(Said(whole, [logits]), targets(semantic, [1]))) == pytest.approx(float(known))


def test_photos_teach_nothing_of_their_pixels() -> None:
    assert not shares_of(torch.full((2, 4, 4), UNKNOWN, dtype=torch.int16), 1 + CLASSES).any()
    logits = torch.randn(2, 1 + CLASSES, 2, 2)
    semantic = torch.full((2, 4, 4), UNKNOWN, dtype=torch.int16)
    loss = classification_loss(Said(torch.zeros(2, CLASSES), [logits]), targets(semantic, [0, 2]))
    assert float(loss) == pytest.approx(1.0986, abs=1e-4)
    without = replace(targets(semantic, [0, 2]), semantic=None)
    assert torch.equal(classification_loss(Said(torch.zeros(2, CLASSES), [logits]), without), loss)


def test_images_whose_object_is_hidden_say_nothing_of_their_class() -> None:
    semantic = torch.full((2, 4, 4), UNKNOWN, dtype=torch.int16)
    sure = Said(torch.tensor([[9.0, 0, 0], [9.0, 0, 0]]), [torch.zeros(2, 1 + CLASSES, 2, 2)])
    both = targets(semantic, [0, -1])
    assert float(classification_loss(sure, both)) < 1e-3
    assert float(classification_loss(sure, replace(both, image_class=torch.tensor([0, 1])))) > 4


def test_what_is_said_of_an_image_draws_on_where_something_is() -> None:
    torch.manual_seed(0)
    model = Classifier(CLASSES).eval()
    images = torch.rand(1, 3, 64, 96)
    assert model(images).shape == (1, CLASSES)
    said = model.train()(images)
    assert [logits.shape for logits in said.maps] == [(1, 1 + CLASSES, 8, 12), (1, 1 + CLASSES, 4, 6)]
    # Where the map says that nothing is anywhere, what the parts show no longer counts.
    model.eval()
    with torch.no_grad():
        model.maps[-1].weight.zero_()
        model.maps[-1].bias.copy_(torch.tensor([60.0, 0, 0, 0]))
        model.classes.weight[:, : -model.maps[-1].in_channels] = 0
    assert torch.equal(model(images)[0], model.classes.bias)
