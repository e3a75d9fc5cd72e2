"""Draws 3D boxes and keypoints on an image."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from ondr.drawing.labels import INK, class_color
from ondr.labels.keypoints import OCCLUDED, VISIBLE

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

    from ondr.batch import Targets

EDGES = [(a, b) for a, b in itertools.combinations(range(8), 2) if (a ^ b).bit_count() == 1]
"""Pairs of corners of `Targets.boxes_3d` that differ along one axis."""
LINE_PIXELS = 1
DOT_PIXELS = 3
"""Radius of a keypoint."""


def draw_3d_labels(picture: Image.Image, targets: Targets, image: int, scale: int) -> None:
    """Draws 3D boxes and keypoints, if present: keypoints as disks if visible, as rings if occluded.

    Args:
        picture: The image, perhaps enlarged.
        targets: The batch's, with labels.
        image: Row of the batch.
        scale: Size of the picture over that of the image.
    """
    if targets.labels is None:
        return
    for slot, label in enumerate(targets.labels[image].tolist()):
        if label >= 0 and targets.boxes_3d_image is not None:
            _draw_box(picture, targets.boxes_3d_image[image, slot] * scale, class_color(label))
        if label >= 0 and targets.keypoints is not None:
            _draw_dots(picture, targets.keypoints[image, slot], scale)


def _draw_box(picture: Image.Image, corners: Tensor, color: tuple[int, int, int]) -> None:
    from PIL import ImageDraw

    pen, places = ImageDraw.Draw(picture), [tuple(corner) for corner in corners.tolist()]
    for a, b in EDGES:
        # 0 0 stands for a corner behind the camera.
        if any(places[a]) and any(places[b]):
            pen.line([places[a], places[b]], fill=color, width=LINE_PIXELS)


def _draw_dots(picture: Image.Image, points: Tensor, scale: int) -> None:
    from PIL import ImageDraw

    pen, radius = ImageDraw.Draw(picture), DOT_PIXELS
    for number, (x, y, state) in enumerate(points.tolist()):
        around = (x * scale - radius, y * scale - radius, x * scale + radius, y * scale + radius)
        if state == VISIBLE:
            pen.ellipse(around, fill=class_color(number), outline=INK)
        elif state == OCCLUDED:
            pen.ellipse(around, outline=class_color(number))
