"""What a pose network is given: the square around an object's box, its class, and how the camera looks at it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional as F

import ondr

CROP_PIXELS = 64
CROP_SHARE = 1.3
"""Side of a crop over the longer side of its box."""


@dataclass
class Crops:
    """n objects of all images."""

    images: Tensor
    """`[n, 3, side, side]`, 0..1."""
    squares: Tensor
    """Centre x, centre y and side of the crops in pixels, `[n, 3]`."""
    boxes: Tensor
    """x1 y1 x2 y2 in pixels, `[n, 4]`."""
    intrinsics: Tensor
    """K on the grid of pixel centres at +0.5, `[n, 3, 3]`."""
    labels: Tensor
    """Class, `[n]`."""

    def __len__(self) -> int:
        return len(self.labels)

    def view(self) -> Tensor:
        """Returns what the picture alone does not say, `[n, 7]`.

        How the camera looks at the square (x and y of its ray), how large it is (log of its side in focal lengths),
        and where the box ends within it.
        """
        k, (x, y, side) = self.intrinsics, self.squares.unbind(1)
        ray = [(x - k[:, 0, 2]) / k[:, 0, 0], (y - k[:, 1, 2]) / k[:, 1, 1]]
        ends = (self.boxes - torch.stack([x, y, x, y], dim=1)) / side[:, None]
        return torch.cat([torch.stack([*ray, (side / k[:, 0, 0]).log()], dim=1), ends], dim=1)

    def to(self, device: torch.device) -> Crops:
        """Returns them on a device."""
        return Crops(*(getattr(self, field.name).to(device) for field in fields(self)))


def crops_of(images: Tensor, which: Tensor, boxes: Tensor, intrinsics: Tensor, labels: Tensor, jitter: float) -> Crops:
    """Cuts objects out of images.

    Args:
        images: `[B, 3, H, W]`.
        which: The image that each object is in, `[n]`.
        boxes: x1 y1 x2 y2 in pixels, `[n, 4]`.
        intrinsics: K, `[n, 3, 3]`.
        labels: Class, `[n]`.
        jitter: How far squares are moved and scaled at random, as a share of their size.
    """
    low, high = boxes.split(2, dim=1)
    side = CROP_SHARE * (high - low).amax(1, keepdim=True)
    centre = (low + high) / 2 + jitter * side * (2 * torch.rand_like(low) - 1)
    squares = torch.cat([centre, side * (1 + jitter * (2 * torch.rand_like(side) - 1))], dim=1)
    return Crops(cut(images - 0.5, which, squares, CROP_PIXELS) + 0.5, squares, boxes, intrinsics, labels)


def visible(targets: ondr.Targets) -> tuple[Tensor, Tensor]:
    """Returns image and slot of every object that is not too hidden, `[n]` each."""
    image, slot = (targets.valid & ~targets.ignored).nonzero().unbind(1)
    return image, slot


def cut(images: Tensor, which: Tensor, squares: Tensor, pixels: int) -> Tensor:
    """Returns squares of images, scaled to so many pixels a side; 0 where they leave the image."""
    size = squares.new_tensor([images.shape[-1], images.shape[-2]])
    centre, half = squares[:, :2] / size * 2 - 1, squares[:, 2:] / size
    matrix = torch.cat([torch.diag_embed(half), centre[..., None]], dim=-1)
    crops = []
    # Image by image: a copy of its image for every object costs more than the sampling does.
    for number in which.unique().tolist():
        mine, image = matrix[which == number], images[number]
        grid = F.affine_grid(mine, [len(mine), 3, pixels, pixels], align_corners=False)
        crops.append(F.grid_sample(image.expand(len(mine), -1, -1, -1), grid, align_corners=False))
    return torch.cat(crops)
