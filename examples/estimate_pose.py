"""6D pose of known objects from crops: mesh, class, box and the camera's K are given.

python examples/estimate_pose.py                                                     # the sample toy plane
python examples/estimate_pose.py -o objects.meshes=parts/ -o objects.unit=mm -o classes=null --minutes 15

A network sees the square around an object's box and says how the object is turned, where its middle lies in the square,
and how far away it is. The score is the share of objects whose points are off by less than a tenth of the object's
diameter on average (ADD; ADD-S for objects with symmetries, which are said in `MESH.labels.json`).

What it is given is in `pose_crops.py`, what it is in `pose_network.py`, and what it learns from in `pose_errors.py`.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import torch
from budget import Budget
from command_line import held_out, make_parser, settings
from pose_crops import Crops, crops_of, visible
from pose_errors import CLOSE, Truth, angles, distances, pose_loss
from pose_network import Guesses, PoseNetwork
from pose_objects import Objects
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader
from training import LARGEST_GRADIENT, WEIGHT_DECAY, Batches, fast_arithmetic

import ondr

OUTPUTS = ("camera_from_object", "scale", "symmetries", "intrinsics", "boxes", "labels", "mesh_ids", "ignored")
JITTER = 0.06
"""A detector's box is off by some hundredths of its size."""
LEAST_PIXELS = 5
"""Longer side of a box that says anything about a pose."""
LEARNING_RATE = 2e-3
AVERAGED_STEPS = 100
"""Weights are averaged over about as many steps."""
LOOKS = 2
"""How often crops are learned from, at once and again somewhat later: rendering takes longer than a step."""
KEPT = 40
"""Batches of crops among which those to look at again are found."""
LEAST_CROPS = 2
"""Of a batch: one alone has no spread to normalise by."""
GAIN, TINT, NOISE = 0.3, 0.15, 0.03
"""Largest changes of a crop: of its brightness, of its channels against each other, and of its pixels."""
HELD_OUT_BATCHES = 16
DEPTH_IMAGES = 64
"""From which it is read how large objects are, and how far away."""

Pair = tuple[Crops, Truth]


@dataclass(frozen=True)
class Errors:
    """Of n objects."""

    distances: Tensor
    """ADD(-S) as a share of the diameter, `[n]`."""
    angles: Tensor
    """Of the rotation alone, degrees, `[n]`."""
    labels: Tensor
    """Class, `[n]`."""

    def of(self, label: int) -> Errors:
        """Returns those of a class."""
        mine = self.labels == label
        return Errors(self.distances[mine], self.angles[mine], self.labels[mine])

    def __str__(self) -> str:
        if not len(self.labels):
            return "not seen"
        right = float((self.distances < CLOSE).double().mean())
        rotation = f"{float(self.angles.median()):.0f} degrees"
        return f"ADD(-S) < {CLOSE} d: {right:.3f} of {len(self.labels)}, rotation off by {rotation} (median)"


def pairs(batches: Batches, objects: Objects, jitter: float) -> Iterator[Pair]:
    """Yields crops of all visible objects of each batch, with where they are."""
    for images, t in batches:
        image, slot = visible(t)
        low, high = t.boxes[image, slot].split(2, dim=1)
        large = (high - low).amax(1) >= LEAST_PIXELS
        image, slot = image[large], slot[large]
        if not len(image):
            continue
        crops = crops_of(images, image, t.boxes[image, slot], t.intrinsics[image], t.labels[image, slot], jitter)
        yield crops, objects.seen(t, image, slot)


def looks(pair: Pair, kept: deque[Pair]) -> Iterator[Pair]:
    """Yields crops that are new, and then some of those before them."""
    kept.append(pair)
    yield pair
    yield from random.choices(kept, k=LOOKS - 1)


def varied(crops: Crops) -> Crops:
    """Returns crops in other colours and with noise."""
    change = torch.rand(len(crops), 5, 1, 1, device=crops.images.device)
    gain = (1 + GAIN * (2 * change[:, :1] - 1)) * (1 + TINT * (2 * change[:, 1:4] - 1))
    noise = NOISE * change[:, 4:] * torch.randn_like(crops.images)
    return replace(crops, images=(crops.images * gain + noise).clamp(0, 1))


def train(model: PoseNetwork, batches: Batches, objects: Objects, budget: Budget, rate: float = LEARNING_RATE) -> None:
    """Trains until the budget is used up. What is left in `model` is the mean of its weights over the last steps."""
    model.to(memory_format=torch.channels_last).train()
    decay = get_ema_multi_avg_fn(1 - 1 / AVERAGED_STEPS)
    averaged = AveragedModel(model, multi_avg_fn=decay, use_buffers=True)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=WEIGHT_DECAY)
    kept: deque[Pair] = deque(maxlen=KEPT)
    for batch in budget.batches(batches):
        budget.schedule(optimizer, rate)
        for new in pairs([batch], objects, JITTER):
            if len(new[0]) < LEAST_CROPS:
                continue
            losses = [step(model, averaged, optimizer, *pair) for pair in looks(new, kept)]
            budget.report(torch.stack(losses).mean())
    model.load_state_dict(averaged.module.state_dict())


def step(
    model: PoseNetwork, averaged: AveragedModel, optimizer: torch.optim.Optimizer, crops: Crops, truth: Truth
) -> Tensor:
    """Takes a step and returns the loss."""
    loss = pose_loss(look(model, varied(crops)), truth)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), LARGEST_GRADIENT)
    optimizer.step()
    averaged.update_parameters(model)
    return loss.detach()


def look(model: PoseNetwork, crops: Crops) -> Guesses:
    """Returns what a network says, in the arithmetic that is fast on its device."""
    with fast_arithmetic(crops.images.device):
        return model(replace(crops, images=crops.images.contiguous(memory_format=torch.channels_last)))


@torch.no_grad()
def errors(model: PoseNetwork, found: Iterable[Pair]) -> Errors:
    """Returns how far off every object is."""
    model.eval()
    parts = []
    for crops, truth in found:
        rotations, translations = look(model, crops).best()
        parts.append((distances(rotations, translations, truth), angles(rotations, truth), crops.labels))
    return Errors(*(torch.cat(part).cpu() for part in zip(*parts, strict=True)))


def network(scenes: ondr.RandomizedScenes, objects: Objects) -> PoseNetwork:
    """Returns an untrained network for the classes of a stream, with the depths at which it shows objects.

    Raises:
        ValueError: It shows none.
    """
    shown = (scenes.render(ids) for ids in torch.arange(DEPTH_IMAGES).split(scenes.cfg.batch_size))
    points = torch.zeros(len(scenes.class_names), *objects.points.shape[1:], device=scenes.device)
    depths = []
    for crops, truth in pairs(shown, objects, jitter=0):
        points[crops.labels] = truth.points
        depths.append(truth.translations[:, 2])
    if not depths:
        raise ValueError(
            f"objects must be seen, got none larger than {LEAST_PIXELS} pixels in {DEPTH_IMAGES} images. Look at the "
            "preview: objects.unit or camera.distance may be wrong."
        )
    return PoseNetwork(points, torch.cat(depths)).to(scenes.device)


def main() -> None:
    """Trains and scores."""
    options = make_parser(__doc__, "pose", size=192).parse_args()
    torch.manual_seed(options.seed)
    random.seed(options.seed)
    options.overrides = ["classes=[toy_plane]", "objects.instance=first", *options.overrides]
    cfg = settings(options, OUTPUTS)
    scenes = ondr.RandomizedScenes(cfg)
    objects = Objects.of_stream(scenes)
    model = network(scenes, objects)
    budget = Budget(options.steps, options.minutes)
    train(model, DataLoader(scenes), objects, budget)
    print(budget.summary())
    found = errors(model, pairs(DataLoader(held_out(cfg, HELD_OUT_BATCHES, scenes)), objects, jitter=0))
    for label, name in enumerate(scenes.class_names):
        print(f"{name:20} {found.of(label)}")
    print(f"{'all':20} {found}")


if __name__ == "__main__":
    main()
