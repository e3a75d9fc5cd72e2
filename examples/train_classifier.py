"""A classifier from meshes, scored on rendered images that it has not seen and, where there are some, on photos.

python examples/train_classifier.py                                # the sample meshes, preset classification
python examples/train_classifier.py valtchev2021 -o objects.meshes=meshes/ --photos photos/ --labels labels.csv --grey

Each line of the csv is `file,class`, the file below the folder of photos; photos of other classes are left out.
"""

from __future__ import annotations

import csv
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch
from budget import Budget
from command_line import held_out, make_parser, settings
from networks import encoder
from photos import fit
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

import ondr

WIDTHS = (24, 48, 96, 192, 192)
LEARNING_RATE = 5e-4
HELD_OUT_BATCHES = 16
PHOTOS_AT_ONCE = 32

Labelled = tuple[Tensor, Tensor]


def main() -> None:
    """Trains and scores."""
    options = read_options()
    torch.manual_seed(options.seed)
    cfg = settings(options, ["image_class"])
    if options.grey:
        cfg = cfg.with_overrides(["photometric.grayscale=1"])
    scenes = ondr.RandomizedScenes(cfg)
    model = encoder(WIDTHS, len(scenes.class_names)).to(scenes.device)
    budget = Budget(options)
    train(model, DataLoader(scenes), budget)
    print(budget.summary())
    unseen = DataLoader(held_out(cfg, HELD_OUT_BATCHES, scenes))
    print("rendered ", shown(recalls(model, labelled(unseen)), scenes.class_names))
    if options.photos:
        photos = read_photos(options, scenes.class_names)
        print("photos   ", shown(recalls(model, photos), scenes.class_names))


def labelled(loader: Iterable[ondr.Batch]) -> Iterator[Labelled]:
    """Yields images and classes; -1 where the object is hardly visible."""
    for batch in loader:
        yield batch.images, batch.targets.image_class


def train(model: nn.Module, loader: DataLoader, budget: Budget) -> None:
    """Trains on a stream until the budget is used up."""
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=1e-2)
    model.train()
    for images, classes in budget.batches(labelled(loader)):
        budget.schedule(optimizer, LEARNING_RATE)
        loss = F.cross_entropy(model(images * 2 - 1), classes, ignore_index=-1)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        budget.report(loss)


@torch.no_grad()
def recalls(model: nn.Module, batches: Iterable[Labelled]) -> dict[int, float]:
    """Returns, for each class that occurs, the share of its images that are recognised."""
    device = next(model.parameters()).device
    model.eval()
    pairs = [(model(images.to(device) * 2 - 1).argmax(1).cpu(), classes.cpu()) for images, classes in batches]
    guessed, true = (torch.cat(part) for part in zip(*pairs, strict=True))
    return {k: float((guessed[true == k] == k).double().mean()) for k in true.unique().tolist() if k >= 0}


def shown(found: dict[int, float], names: Sequence[str]) -> str:
    """Returns one line: the mean over classes, the chance, each class."""
    classes = "  ".join(f"{names[k]} {share:.2f}" for k, share in found.items())
    return f"balanced accuracy {sum(found.values()) / len(found):.3f}, chance {1 / len(names):.3f}  ({classes})"


def read_photos(options: Namespace, class_names: Sequence[str]) -> Iterator[Labelled]:
    """Yields photos of the known classes, fitted into the image size."""
    with options.labels.open(newline="") as file:
        rows = [
            (row[0], class_names.index(row[1])) for row in csv.reader(file) if len(row) > 1 and row[1] in class_names
        ]
    for start in range(0, len(rows), PHOTOS_AT_ONCE):
        part = rows[start : start + PHOTOS_AT_ONCE]
        photos = (Image.open(options.photos / name).convert("L" if options.grey else "RGB") for name, _ in part)
        images = [fit(photo.convert("RGB"), (options.size, options.size))[0] for photo in photos]
        yield torch.stack(images), torch.tensor([label for _, label in part])


def read_options() -> Namespace:
    """Reads the command line."""
    parser = make_parser(__doc__, "classification", size=96)
    parser.add_argument("--photos", type=Path, help="folder of real photos")
    parser.add_argument("--labels", type=Path, help="their classes, a csv of file and class")
    parser.add_argument("--grey", action="store_true", help="train and score without colour")
    options = parser.parse_args()
    if (options.photos is None) != (options.labels is None):
        parser.error("--photos and --labels must be given together")
    return options


if __name__ == "__main__":
    main()
