"""Boxes in space and keypoints on a picture: which pixels get which colour."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from ondr.batch import Targets
from ondr.drawing.cuboids import EDGES, draw_3d_labels
from ondr.drawing.labels import INK, class_color


def painted(**fields: torch.Tensor) -> np.ndarray:
    targets = Targets((50, 60), torch.tensor([0]), labels=torch.tensor([[3, -1]]), **fields)
    picture = Image.new("RGB", (120, 100))
    draw_3d_labels(picture, targets, 0, 2)
    return np.asarray(picture)


def test_a_box_has_twelve_edges_between_its_corners() -> None:
    corners = torch.tensor(
        [[10.0 + 20 * (i & 1) + 5 * (i >> 2), 8.0 + 15 * (i >> 1 & 1) + 4 * (i >> 2)] for i in range(8)]
    )
    picture = painted(boxes_3d_image=torch.stack([corners, corners + 3])[None])
    assert len(EDGES) == 12
    color = np.array(class_color(3))
    for a, b in EDGES:
        x, y = (2 * (corners[a] + corners[b]) / 2).round().int().tolist()
        assert (picture[y - 1 : y + 2, x - 1 : x + 2] == color).all(-1).any()
    assert set(map(tuple, picture.reshape(-1, 3))) == {(0, 0, 0), class_color(3)}, "the hole has none"


def test_no_edge_leads_to_a_corner_behind_the_camera() -> None:
    corners = torch.full((1, 2, 8, 2), 0.0)
    corners[0, 0, 0], corners[0, 0, 1] = torch.tensor([10.0, 10.0]), torch.tensor([20.0, 10.0])
    picture = painted(boxes_3d_image=corners)
    y, x = picture.any(-1).nonzero()
    assert (y.min(), y.max(), x.min(), x.max()) == (20, 20, 20, 40)


def test_visible_keypoints_are_filled_hidden_ones_are_rings_absent_ones_are_not_there() -> None:
    points = torch.tensor([[[[10.0, 10.0, 2], [30.0, 30.0, 1], [0, 0, 0]], [[20.0, 20.0, 2]] * 3]])
    picture = painted(keypoints=points)
    assert tuple(picture[20, 20]) == class_color(0)
    assert tuple(picture[20, 23]) == INK
    assert tuple(picture[60, 60]) == (0, 0, 0)
    assert tuple(picture[60, 63]) == class_color(1)
    assert not picture[:5, :5].any()
    assert not picture[40, 40].any()
