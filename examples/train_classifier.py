"""A classifier from meshes, scored on rendered images that it has not seen and, where there are some, on photos.

python examples/train_classifier.py                                # the sample meshes, preset classification
python examples/train_classifier.py valtchev2021 -o objects.meshes=meshes/ --photos photos/ --labels labels.csv --grey

Each line of the csv is `file,class`, the file below the folder of photos; photos of other classes are left out.
"""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import torch
from budget import Budget
from classifier import Classifier, classification_loss
from command_line import held_out, make_parser, settings, together
from photos import classified_photos
from scoring import classified, recall_by_class, shown
from torch.utils.data import DataLoader
from training import train

import ondr

LEARNING_RATE = 2e-3
HELD_OUT_BATCHES = 16


def main() -> None:
    """Trains and scores."""
    options = read_options()
    torch.manual_seed(options.seed)
    cfg = settings(options, ["image_class", "semantic"])
    if options.grey:
        cfg = cfg.with_overrides(["photometric.grayscale=1"])
    scenes = ondr.RandomizedScenes(cfg)
    names = scenes.class_names
    model = Classifier(len(names)).to(scenes.device)
    budget = Budget(options.steps, options.minutes)
    train(model, DataLoader(scenes), classification_loss, budget, LEARNING_RATE)
    print(budget.summary())
    unseen = DataLoader(held_out(cfg, HELD_OUT_BATCHES, scenes))
    print(f"balanced accuracy, chance {1 / len(names):.3f}")
    print("rendered ", shown(recall_by_class(*classified(model, unseen), names)))
    if options.photos:
        photos = classified_photos(options.photos, options.labels, names, cfg.image_size, grey=options.grey)
        print("photos   ", shown(recall_by_class(*classified(model, photos.views()), names)))


def read_options() -> Namespace:
    """Reads the command line."""
    parser = make_parser(__doc__, "classification", size=96)
    parser.add_argument("--photos", type=Path, help="folder of real photos")
    parser.add_argument("--labels", type=Path, help="their classes, a csv of file and class")
    parser.add_argument("--grey", action="store_true", help="train and score without colour")
    options = parser.parse_args()
    together(parser, options)
    return options


if __name__ == "__main__":
    main()
