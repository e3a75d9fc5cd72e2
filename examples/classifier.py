"""A small classifier, trained from scratch and also taught where things are: rendered images tell that for nothing.

Two maps say what each part of the image shows, and what is said of the whole image draws on the parts where something
is. From classes alone a network learns much later to tell a thing from what is behind it.

Source: Lee et al. 2015, "Deeply-supervised nets" (losses at inner stages).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from networks import stages
from torch import Tensor, nn
from torch.nn import functional as F

import ondr

WIDTHS = (24, 48, 96, 160, 192)
"""Channels at strides 2, 4, 8, 16 and 32."""
MAPPED = (2, 3)
"""Stages that say what each part shows; the last of them also where to look."""
MAP_WEIGHT = 3.0
LEAST_CELLS = 0.05
"""Of the map: where fewer show a thing, what they show counts less."""
NOTHING = -1
"""In `targets.semantic`: background and distractors."""


class Said(NamedTuple):
    """What a classifier says while it is trained."""

    classes: Tensor
    """Logits `[B, C]`."""
    maps: list[Tensor]
    """Logits `[B, 1 + C, h, w]` of each mapped stage, the background first."""


class Classifier(nn.Module):
    """Images `[B, 3, H, W]` in 0..1 to logits `[B, C]`, and while training to `Said`."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stages = stages(WIDTHS)
        self.maps = nn.ModuleList(nn.Conv2d(WIDTHS[stage], 1 + classes, 1) for stage in MAPPED)
        self.classes = nn.Linear(WIDTHS[-1] + WIDTHS[MAPPED[-1]], classes)

    def forward(self, images: Tensor) -> Tensor | Said:
        features, x = [], images
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        maps = [head(features[stage]).float() for head, stage in zip(self.maps, MAPPED, strict=True)]
        shown = 1 - maps[-1].softmax(1)[:, :1]
        parts = (features[MAPPED[-1]] * shown).sum((2, 3)) / (shown.sum((2, 3)) + LEAST_CELLS)
        classes = self.classes(torch.cat([x.mean((2, 3)), parts.to(x)], dim=1))
        return Said(classes, maps) if self.training else classes


def classification_loss(said: Said, targets: ondr.Targets) -> Tensor:
    """Returns the cross entropies of the image's class and of what its parts show.

    Images in which the object is hardly visible say nothing of their class.

    Args:
        said: By a `Classifier`.
        targets: With `image_class` and, where it is known, `semantic`.
    """
    loss = F.cross_entropy(said.classes.float(), targets.image_class, ignore_index=-1)
    if targets.semantic is None:
        return loss
    shares = shares_of(targets.semantic, said.maps[0].shape[1])
    for logits in said.maps:
        wanted = F.adaptive_avg_pool2d(shares, logits.shape[-2:])
        loss = loss - MAP_WEIGHT * (wanted * logits.log_softmax(1)).sum(1).mean()
    return loss


def shares_of(semantic: Tensor, count: int) -> Tensor:
    """Returns `[B, count, H, W]`: 1 where a pixel shows nothing, the first class, the second ...; all 0 if unknown."""
    shown = torch.arange(NOTHING, count + NOTHING, device=semantic.device)
    return (semantic[:, None] == shown[:, None, None]).float()
