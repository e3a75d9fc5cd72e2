"""Photos of any shape as images of a given size."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

BESIDE = 0.5
"""Grey level beside a photo of another shape."""


class View(NamedTuple):
    """What a network is shown of a photo."""

    image: Tensor
    """`[3, h, w]` in 0..1."""
    scale: Tensor
    """`[2]`: pixels of the image in one of the photo, to the right and down."""
    corner: Tensor
    """`[2]`: where the photo's corner (x, y) is."""

    def boxes_of(self, photo_boxes: Tensor) -> Tensor:
        """Takes boxes `[n, 4]`, x1 y1 x2 y2, from the photo's pixels to the image's."""
        return photo_boxes * self.scale.repeat(2) + self.corner.repeat(2)

    def photo_boxes_of(self, boxes: Tensor) -> Tensor:
        """Takes boxes `[n, 4]`, x1 y1 x2 y2, from the image's pixels to the photo's."""
        return (boxes - self.corner.repeat(2)) / self.scale.repeat(2)


Fit = Callable[[Image.Image, tuple[int, int]], View]
"""From a photo and a height and width."""


def in_its_shape(photo: Image.Image, image_size: tuple[int, int]) -> View:
    """Shows a photo in its own shape, with as many pixels as an image of that height and width has."""
    height, width = image_size
    scale = math.sqrt(height * width / (photo.width * photo.height))
    return View(resized(photo, scale, scale), torch.tensor([scale, scale]), torch.zeros(2))


def framed(photo: Image.Image, image_size: tuple[int, int]) -> View:
    """Shows a whole photo amid grey."""
    height, width = image_size
    scale = min(width / photo.width, height / photo.height)
    small = resized(photo, scale, scale)
    x, y = (width - small.shape[2]) // 2, (height - small.shape[1]) // 2
    image = torch.full((3, height, width), BESIDE)
    image[:, y : y + small.shape[1], x : x + small.shape[2]] = small
    return View(image, torch.tensor([scale, scale]), torch.tensor([float(x), float(y)]))


def stretched(photo: Image.Image, image_size: tuple[int, int]) -> View:
    """Shows a whole photo and nothing else, stretched: a grey frame would tell its shape, and so perhaps its class."""
    across, down = image_size[1] / photo.width, image_size[0] / photo.height
    return View(resized(photo, across, down), torch.tensor([across, down]), torch.zeros(2))


def resized(photo: Image.Image, across: float, down: float) -> Tensor:
    """Returns a scaled photo as an image `[3, h, w]` in 0..1."""
    size = max(1, round(photo.width * across)), max(1, round(photo.height * down))
    return torch.from_numpy(np.asarray(photo.resize(size, Image.Resampling.BOX)).copy()).permute(2, 0, 1) / 255
