"""torchvision's Faster R-CNN on a stream, from scratch.

python examples/train_torchvision.py --minutes 30

torchvision must fit the torch that is installed: see pytorch.org. Its models take lists of images and of dicts, which
`targets.to_torchvision()` makes; labels count from 1 there, since 0 is the background.
"""

from __future__ import annotations

import sys

import torch
from budget import Budget
from command_line import held_out, make_parser, settings
from torch import nn
from torch.utils.data import DataLoader

import ondr

LEARNING_RATE = 0.01
HELD_OUT_BATCHES = 4
CONFIDENT = 0.5


def make_model(classes: int, size: int) -> nn.Module:
    """Returns a Faster R-CNN on MobileNet, without pretrained weights.

    Raises:
        SystemExit: torchvision cannot be imported.
    """
    try:
        from torchvision.models.detection import fasterrcnn_mobilenet_v3_large_fpn as build
    except (ImportError, RuntimeError) as error:
        # RuntimeError: a torchvision that was built for another torch.
        sys.exit(
            f"torchvision must be importable, got {error!r}. Install the one that pytorch.org names for your torch."
        )
    return build(weights=None, weights_backbone=None, num_classes=classes + 1, min_size=size, max_size=size)


def train(model: nn.Module, scenes: ondr.RandomizedScenes, budget: Budget) -> None:
    """Trains on a stream until the budget is used up."""
    optimizer = torch.optim.SGD(model.parameters(), momentum=0.9, weight_decay=1e-4, lr=LEARNING_RATE)
    model.train()
    for images, targets in budget.batches(DataLoader(scenes)):
        budget.schedule(optimizer, LEARNING_RATE)
        loss = sum(model(list(images), targets.to_torchvision()).values())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        budget.report(loss)


@torch.no_grad()
def count_found(model: nn.Module, scenes: ondr.RandomizedScenes) -> tuple[int, int]:
    """Returns how many objects the model is confident of, and how many there are."""
    model.eval()
    found = there = 0
    for images, targets in DataLoader(scenes):
        found += sum(int((seen["scores"] > CONFIDENT).sum()) for seen in model(list(images)))
        there += sum(len(one["labels"]) for one in targets.to_torchvision())
    return found, there


def main() -> None:
    """Trains and counts."""
    options = make_parser(__doc__, "detection", size=256).parse_args()
    torch.manual_seed(options.seed)
    cfg = settings(options, ["boxes", "labels", "ignored"])
    scenes = ondr.RandomizedScenes(cfg)
    model = make_model(len(scenes.class_names), options.size).to(scenes.device)
    budget = Budget(options.steps, options.minutes)
    train(model, scenes, budget)
    print(budget.summary())
    found, there = count_found(model, held_out(cfg, HELD_OUT_BATCHES, scenes))
    print(f"{found} detections above {CONFIDENT} in images of {there} objects")


if __name__ == "__main__":
    main()
