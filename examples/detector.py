"""A small anchor-free detector, trained from scratch: one heat map per class and a box at every cell.

The training targets are those of TTFNet: Gaussians of the box's own shape, whose height is also the weight of the box
regression, so that not only the centre learns. Everything works on padded tensors; nothing waits for a GPU.

Sources: Zhou et al. 2019, "Objects as points" (heat maps, focal loss); Liu et al. 2020, "Training-time-friendly network
for real-time object detection" (Gaussian targets and weights); Rezatofighi et al. 2019 (generalised IoU); Bolya et al.
2019, "YOLACT" (fast NMS).
"""

from __future__ import annotations

import torch
from networks import block, stages
from torch import Tensor, nn
from torch.nn import functional as F

import ondr

STRIDE = 4
"""Pixels per cell of the heat maps."""
BOX_PIXELS = 16.0
"""Distance from a cell to the sides of its box that an output of zero stands for."""
WIDTHS = (24, 48, 96, 160, 160)
"""Channels at strides 2, 4, 8, 16 and 32: the last sees an object that fills the image."""
GAUSSIAN_SHARE = 0.54 / 6
"""Standard deviation of a Gaussian as a share of its box: TTFNet's alpha = 0.54, three sigma to each side."""
RARE = 0.01
"""What the heat maps say at first: almost every cell is background (Lin et al. 2017, "Focal loss")."""
BOX_WEIGHT = 5.0
LEAST_SCORE = 0.02
"""What is less likely is not there."""


class Detector(nn.Module):
    """Images `[B, 3, H, W]` in 0..1, H and W multiples of 32, to heat maps and boxes at a quarter of the size."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stages = stages(WIDTHS)
        self.sideways = nn.ModuleList(nn.Conv2d(width, 64, 1) for width in WIDTHS[1:])
        self.smooth = nn.Sequential(block(64, 64), block(64, 64))
        self.heat = nn.Conv2d(64, classes, 1)
        self.sides = nn.Conv2d(64, 4, 1)
        nn.init.constant_(self.heat.bias, torch.logit(torch.tensor(RARE)).item())

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Returns logits of the heat maps `[B, C, h, w]` and boxes `[B, 4, h, w]`, x1 y1 x2 y2 in pixels."""
        features, x = [], images
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        merged = self.sideways[-1](features[-1])
        for sideways, feature in zip(reversed(self.sideways[:-1]), reversed(features[1:-1]), strict=True):
            merged = sideways(feature) + F.interpolate(merged, size=feature.shape[-2:])
        shared = self.smooth(merged)
        # Sides of boxes need more digits than bfloat16 has.
        with torch.autocast(shared.device.type, enabled=False):
            return self.heads(shared.float())

    def heads(self, shared: Tensor) -> tuple[Tensor, Tensor]:
        """Returns logits and boxes, see `forward`."""
        # Bounded, so that one wild cell of an untrained network cannot make a loss infinite.
        left, top, right, bottom = (BOX_PIXELS * self.sides(shared).clamp(-6, 4).exp()).unbind(1)
        x, y = cell_centres(shared)
        return self.heat(shared), torch.stack([x - left, y - top, x + right, y + bottom], dim=1)

    @torch.no_grad()
    def detect(self, images: Tensor, most: int = 30) -> ondr.Targets:
        """Returns what is seen, best first: `boxes`, `labels` and, as `visibility`, the scores. `sample_ids` count.

        Args:
            images: As for `forward`.
            most: How many objects an image can have.
        """
        logits, boxes = self(images)
        heat = logits.sigmoid()
        peaks = heat * (heat == F.max_pool2d(heat, 3, stride=1, padding=1))
        scores, places = peaks.flatten(1).topk(min(most, peaks[0].numel()))
        cells = places % heat[0, 0].numel()
        found = boxes.flatten(2).transpose(1, 2).gather(1, cells[..., None].expand(-1, -1, 4))
        height, width = images.shape[-2:]
        found = found.clamp(min=0).minimum(found.new_tensor([width, height, width, height]))
        labels = places // heat[0, 0].numel()
        absent = doubled(found, labels) | (scores < LEAST_SCORE)
        return ondr.Targets(
            image_size=(height, width),
            sample_ids=torch.arange(len(images)),
            boxes=found,
            labels=labels.masked_fill(absent, -1),
            visibility=scores.masked_fill(absent, 0),
        )


def detection_loss(predicted: tuple[Tensor, Tensor], targets: ondr.Targets) -> Tensor:
    """Returns the loss of a batch: focal on the heat maps, generalised IoU on the boxes."""
    logits, boxes = predicted
    ignored = torch.zeros_like(targets.valid) if targets.ignored is None else targets.ignored
    taught = targets.valid & ~ignored
    weights = gaussians(targets.boxes, logits) * taught[..., None, None]
    classes = F.one_hot(targets.labels.clamp(min=0), logits.shape[1])
    heat = (weights[:, :, None] * classes[..., None, None]).amax(1)
    # Nothing is said about cells inside an object that is neither clearly there nor absent.
    counted = ~(inside(targets.boxes, logits) & (targets.valid & ignored)[..., None, None]).any(1)
    weight, owner = weights.max(1)
    index = owner.flatten(1)[..., None].expand(-1, -1, 4)
    wanted = targets.boxes.gather(1, index).transpose(1, 2).unflatten(2, owner.shape[1:])
    _, generalised = iou(boxes.movedim(1, -1), wanted.movedim(1, -1))
    box_loss = (weight * (1 - generalised)).sum() / weight.sum().clamp(min=1)
    return focal(logits, heat, counted[:, None]) / taught.sum().clamp(min=1) + BOX_WEIGHT * box_loss


def doubled(boxes: Tensor, labels: Tensor) -> Tensor:
    """Returns `[B, n]`: whether a better box, one that comes before, of the same label overlaps by more than half."""
    same = labels[:, :, None] == labels[:, None]
    return (iou(boxes[:, :, None], boxes[:, None])[0] * same).triu(1).amax(1) > 0.5


def gaussians(boxes: Tensor, like: Tensor) -> Tensor:
    """Returns `[B, N, h, w]`: 1 at the cell of each box's centre, falling off with the box's width and height."""
    x, y = cell_centres(like)
    centre, size = (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]
    # The cell that holds the centre is the peak, wherever in the cell the centre lies.
    centre = (torch.floor(centre / STRIDE) + 0.5) * STRIDE
    spread = (GAUSSIAN_SHARE * size).clamp(min=STRIDE / 4)
    dx = (x - centre[..., 0, None, None]) / spread[..., 0, None, None]
    dy = (y - centre[..., 1, None, None]) / spread[..., 1, None, None]
    return torch.exp(-0.5 * (dx * dx + dy * dy))


def focal(logits: Tensor, heat: Tensor, counted: Tensor) -> Tensor:
    """Returns the sum of CenterNet's focal loss over cells that count."""
    p, peak = logits.sigmoid(), heat == 1
    missed = -F.logsigmoid(logits) * (1 - p) ** 2
    invented = -F.logsigmoid(-logits) * p**2 * (1 - heat) ** 4
    return (torch.where(peak, missed, invented) * counted).sum()


def inside(boxes: Tensor, like: Tensor) -> Tensor:
    """Returns `[B, N, h, w]`, true at cells inside each box."""
    (x, y), (x1, y1, x2, y2) = cell_centres(like), boxes[..., None, None].unbind(2)
    return (x >= x1) & (x < x2) & (y >= y1) & (y < y2)


def cell_centres(like: Tensor) -> tuple[Tensor, Tensor]:
    """Returns x `[w]` and y `[h, 1]` of the cells of a map, in pixels of the image."""
    height, width = like.shape[-2:]
    x, y = (torch.arange(n, device=like.device) * STRIDE + STRIDE / 2 for n in (width, height))
    return x, y[:, None]


def iou(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the overlap of boxes `[..., 4]`, 0..1, and the generalised one, -1..1."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    area_a, area_b = ((c[..., 2:] - c[..., :2]).clamp(min=0).prod(-1) for c in (a, b))
    union = (area_a + area_b - shared).clamp(min=1e-6)
    hull = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).prod(-1).clamp(min=1e-6)
    return shared / union, shared / union - (hull - union) / hull
