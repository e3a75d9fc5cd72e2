"""From meshes to average precision on real photos, in plain PyTorch.

python examples/train_detector.py                                  # the sample meshes, 2 minutes
python examples/train_detector.py -o objects.meshes=cad/ -o background.photos=photos/ --minutes 30 \\
    --photos real/ --labels real.coco.json --size 256

A small detector is trained from scratch on rendered images only, then scored on rendered images that it has not seen
and, where there are some, on real photos. Predictions are drawn into predictions.png.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from budget import Budget
from command_line import held_out, make_parser, settings, together
from detector import Detector, detection_loss, doubled
from photos import coco_photos
from PIL import Image
from scoring import Truth, average_precision, shown
from torch import Tensor
from torch.utils.data import DataLoader
from training import train

import ondr

LEARNING_RATE = 2e-3
HELD_OUT_BATCHES = 8
DRAWN = 24


def main() -> None:
    """Trains, scores and draws."""
    options = read_options()
    torch.manual_seed(options.seed)
    cfg = settings(options, ["boxes", "labels", "ignored"])
    scenes = ondr.RandomizedScenes(cfg)
    model = Detector(len(scenes.class_names)).to(scenes.device)
    budget = Budget(options.steps, options.minutes)
    train(model, DataLoader(scenes), detection_loss, budget, LEARNING_RATE)
    print(budget.summary())

    unseen = DataLoader(held_out(cfg, HELD_OUT_BATCHES, scenes))
    print("AP50 rendered ", shown(average_precision(model, unseen, scenes.class_names)))
    judged: Truth = unseen
    if options.photos:
        photos = coco_photos(options.photos, options.labels, scenes.class_names, cfg.image_size)
        judged = photos.loader(cfg.batch_size)
        print("AP50 photos   ", shown(average_precision(model, judged, scenes.class_names)))
        print("AP30 photos   ", shown(average_precision(model, judged, scenes.class_names, iou=0.3)))
    save_predictions(model, judged, scenes.class_names, options.out)
    torch.save(model.state_dict(), options.out.with_suffix(".pt"))


def save_predictions(model: Detector, batches: Truth, class_names: tuple[str, ...], out: Path) -> None:
    """Draws images from all of the set with what the model sees in them."""
    device = next(model.parameters()).device
    images = torch.cat([images for images, _ in batches])
    images = images[:: max(1, len(images) // DRAWN)][:DRAWN]
    model.eval()
    drawn(images, model.detect(images.to(device)).to("cpu"), class_names).save(out)
    print(out)


def drawn(images: Tensor, seen: ondr.Targets, class_names: Sequence[str]) -> Image.Image:
    """Returns a sheet of images with the likelier boxes in them; the share beside a name is the score."""
    # Each image on its own scale of scores, since those of an early model are low everywhere.
    likely = seen.visibility > torch.clamp(0.6 * seen.visibility.amax(1, keepdim=True), min=0.1, max=0.3)
    # For average precision a box may have several classes, for the eye it has one.
    likely &= ~doubled(seen.boxes, torch.zeros_like(seen.labels))
    shown = replace(seen, labels=seen.labels.masked_fill(~likely, -1))
    picture = ondr.Batch.of_photos(images.cpu(), shown).draw(class_names)
    return Image.fromarray(picture.permute(1, 2, 0).numpy())


def read_options() -> Namespace:
    """Reads the command line."""
    parser = make_parser(__doc__, "detection", size=128)
    parser.add_argument("--photos", type=Path, help="folder of real photos")
    parser.add_argument("--labels", type=Path, help="their boxes, a COCO json")
    parser.add_argument("--out", type=Path, default=Path("predictions.png"), help="picture; the weights lie beside it")
    options = parser.parse_args()
    together(parser, options)
    return options


if __name__ == "__main__":
    main()
