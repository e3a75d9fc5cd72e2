"""What is commonly done to few photos before a network is trained on them: mirrored, moved, scaled, lit otherwise."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

import ondr

SCALES = (0.7, 1.3)
LARGEST_SHIFT = 0.15
"""Of the image's sides."""
BRIGHTNESS = 0.3
CONTRAST = 0.3
BESIDE = 0.5


def augmented(images: Tensor, targets: ondr.Targets, random: torch.Generator) -> tuple[Tensor, ondr.Targets]:
    """Returns other views of the same photos. Boxes go with them; what leaves the image is no longer there.

    Args:
        images: `[B, 3, H, W]` in 0..1.
        targets: With `boxes` and `labels`.
        random: Where the numbers come from.
    """
    height, width = images.shape[-2:]

    def between(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(len(images), *shape, generator=random)

    mirrored = 1 - 2 * (between(0, 1) < 0.5).float()
    scale, shift = between(*SCALES), between(-LARGEST_SHIFT, LARGEST_SHIFT, 2)
    # From places of the new image to places of the old one, both from -1 to 1.
    across, down = (
        torch.stack([mirrored / scale, 0 * scale, shift[:, 0]], 1),
        torch.stack([0 * scale, 1 / scale, shift[:, 1]], 1),
    )
    grid = F.affine_grid(torch.stack([across, down], 1), list(images.shape), align_corners=False)
    moved = F.grid_sample(images - BESIDE, grid, align_corners=False) + BESIDE
    lit = (moved - 0.5) * between(1 - CONTRAST, 1 + CONTRAST, 1, 1, 1) + 0.5
    lit = (lit * between(1 - BRIGHTNESS, 1 + BRIGHTNESS, 1, 1, 1)).clamp(0, 1)

    size = torch.tensor([width, height])
    corners = targets.boxes.unflatten(-1, (2, 2)) / size * 2 - 1
    turned = torch.stack([mirrored, torch.ones_like(mirrored)], 1)
    corners = (corners - shift[:, None, None]) * (scale[:, None] * turned)[:, None, None]
    boxes = torch.cat([corners.amin(2), corners.amax(2)], -1)
    boxes = ((boxes + 1) / 2 * size.repeat(2)).clamp(min=0).minimum(size.repeat(2))
    gone = (boxes[..., 2:] - boxes[..., :2]).amin(-1) < 2
    return lit, replace(targets, boxes=boxes, labels=targets.labels.masked_fill(gone, -1))
