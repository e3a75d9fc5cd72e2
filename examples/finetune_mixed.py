"""Rendered images first, then more and more real photos among them: `ondr.mix` with a schedule.

python examples/finetune_mixed.py                                  # photos made up for trying it out
python examples/finetune_mixed.py -o objects.meshes=fruit/ -o background.photos=backgrounds/ \\
    --photos real/ --labels real.coco.json --most 0.5 --samples 20000

Half of the photos are trained on, the others are for scoring. Published recipes train on rendered images and then on
real ones (Tremblay et al. 2018, "Training deep networks with synthetic data"); a schedule does so without a seam.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path

import torch
from budget import Budget
from command_line import held_out, make_parser, settings, together
from detector import Detector, detection_loss
from photos import coco_photos
from scoring import average_precision, shown
from torch.utils.data import DataLoader, Subset
from train_detector import LEARNING_RATE, save_predictions
from training import train

import ondr

PHOTO_SEED = 77
MADE_UP_BATCHES = 4


def photos_of(options: Namespace, scenes: ondr.RandomizedScenes) -> tuple[Iterable, Iterable]:
    """Returns a loader of photos to train on, and one of others to score on."""
    size = scenes.cfg.batch_size
    if not options.photos:
        # A loader may yield Batches as well: rendered ones with grain stand in for photos.
        grain = scenes.cfg.with_overrides([f"seed={PHOTO_SEED}", "photometric.noise_std=0.08"])
        made_up = held_out(grain, MADE_UP_BATCHES, scenes)
        return list(DataLoader(made_up)), list(held_out(made_up.cfg, MADE_UP_BATCHES, scenes))
    photos = coco_photos(options.photos, options.labels, scenes.class_names, scenes.cfg.image_size)
    order = torch.randperm(len(photos), generator=torch.Generator().manual_seed(options.seed)).tolist()
    middle = len(order) // 2
    to_train, to_score = (Subset(photos, part) for part in (order[:middle], order[middle:]))
    return (
        DataLoader(to_train, size, shuffle=True, collate_fn=photos.collate),
        DataLoader(to_score, size, collate_fn=photos.collate),
    )


def main() -> None:
    """Trains and scores."""
    options = read_options()
    torch.manual_seed(options.seed)
    scenes = ondr.RandomizedScenes(settings(options, ["boxes", "labels", "ignored"]))
    model = Detector(len(scenes.class_names)).to(scenes.device)
    to_train, to_score = photos_of(options, scenes)
    schedule = {"from": 0, "to": options.most, "samples": options.samples}
    budget = Budget(options.steps, options.minutes)
    train(model, ondr.mix(to_train, scenes, real_fraction=schedule), detection_loss, budget, LEARNING_RATE)
    print(budget.summary())
    print("AP50 other photos ", shown(average_precision(model, to_score, scenes.class_names)))
    save_predictions(model, to_score, scenes.class_names, options.out)


def read_options() -> Namespace:
    """Reads the command line."""
    parser = make_parser(__doc__, "detection", size=128)
    parser.add_argument("--photos", type=Path, help="folder of real photos")
    parser.add_argument("--labels", type=Path, help="their boxes, a COCO json")
    parser.add_argument("--most", type=float, default=0.5, help="share of photos in the end (0.5)")
    parser.add_argument("--samples", type=int, default=10_000, help="images until then (10000)")
    parser.add_argument("--out", type=Path, default=Path("predictions.png"))
    options = parser.parse_args()
    together(parser, options)
    return options


if __name__ == "__main__":
    main()
