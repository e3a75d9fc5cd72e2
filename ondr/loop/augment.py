"""The user's augmentation of finished batches: a callable, or a kornia AugmentationSequential.

Both run under a forked random state that is seeded from the batch, so that the same batch is always augmented in the
same way and the training loop's own random state is not touched.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor, nn

from ondr.batch import Batch, Targets, hole_of
from ondr.errors import ConfigError

Augment = Callable[[Batch], Batch]

OF_OBJECTS = {"boxes", "boxes_amodal", "labels", "mesh_ids", "visibility", "ignored"}
MASKS = ("instances", "semantic")
FOLLOWS_GEOMETRY = {*OF_OBJECTS, *MASKS}
"""Outputs that a geometric augmentation transforms; `visibility` and `ignored` stay as they were rendered."""


def as_augment(augment: Augment | nn.Module, outputs: Sequence[str]) -> Augment:
    """Returns a callable from Batch to Batch; a kornia AugmentationSequential is wrapped into one.

    Args:
        augment: The user's argument.
        outputs: `cfg.outputs`.

    Raises:
        ConfigError: It is not callable, or changes the geometry while labels are asked for that cannot follow.
    """
    if not callable(augment):
        raise ConfigError(
            f"augment must be a callable from Batch to Batch or a kornia AugmentationSequential, got {augment!r}. "
            "Leave it out for none."
        )
    return _Kornia(augment, outputs) if _is_kornia(augment) else augment


def apply(augment: Augment, batch: Batch, seed: int) -> Batch:
    """Returns the augmented batch; the same for the same seed and ids.

    Raises:
        ConfigError: The callable does not return a Batch.
    """
    name = f"{seed} augment {batch.sample_ids.tolist()}"
    with forked_random_state(seed_of(name), batch.images.device):
        changed = augment(batch)
    if not isinstance(changed, Batch):
        raise ConfigError(
            f"augment must return a Batch, got {type(changed).__name__}. Return "
            "dataclasses.replace(batch, images=...), so that labels, draws and state stay with the images."
        )
    return changed


@contextlib.contextmanager
def forked_random_state(seed: int, device: torch.device) -> Iterator[None]:
    """Seeds the global random state of torch, numpy and random within the block and restores it afterwards."""
    of_numpy, of_python = np.random.get_state(), random.getstate()
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        # torch.manual_seed would also seed CUDA devices that are not forked.
        torch.default_generator.manual_seed(seed)
        for forked in devices:
            with torch.cuda.device(forked):
                torch.cuda.manual_seed(seed)
        np.random.seed(seed % 2**32)
        random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(of_numpy)
            random.setstate(of_python)


def seed_of(text: str) -> int:
    """Returns a seed of 63 bits that depends on the text alone."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


def _is_kornia(augment: object) -> bool:
    # A user who has a kornia module has imported kornia, so ondr need not import it to find out.
    kornia = sys.modules.get("kornia.augmentation")
    return kornia is not None and isinstance(augment, kornia.AugmentationSequential)


class _Kornia:
    """A kornia AugmentationSequential as a callable on batches."""

    def __init__(self, sequence: Any, outputs: Sequence[str]) -> None:
        from kornia.augmentation import GeometricAugmentationBase2D

        self.sequence = sequence
        mixed = [m for m in sequence.modules() if type(m).__module__.startswith("kornia.augmentation._2d.mix")]
        if mixed:
            raise ConfigError(
                f"augment must not mix images, got {type(mixed[0]).__name__}. Mix them in the training loop, where the "
                "loss can mix the labels as well."
            )
        geometric = [m for m in sequence.modules() if isinstance(m, GeometricAugmentationBase2D)]
        lost = [name for name in outputs if name not in FOLLOWS_GEOMETRY]
        if geometric and lost:
            raise ConfigError(
                f"augment must not change the geometry together with the outputs {', '.join(lost)}, got "
                f"{type(geometric[0]).__name__}. Drop these outputs, or vary the camera instead."
            )
        self.geometric = bool(geometric)

    def __call__(self, batch: Batch) -> Batch:
        if not self.geometric:
            return replace(batch, images=self.sequence(batch.images, data_keys=["input"]))
        targets = batch.targets
        there = targets.names()
        # kornia pads with 0, which must mean "no object".
        masks = {n: (getattr(targets, n) + 1)[:, None].to(batch.images.dtype) for n in MASKS if n in there}
        # kornia's coordinates start at the first pixel's centre, those of our boxes at its edge.
        moved = {n: getattr(targets, n) - 0.5 for n in ("boxes", "boxes_amodal") if n in there}
        keys = ["input", *["mask"] * len(masks), *["bbox_xyxy"] * len(moved)]
        values = self.sequence(batch.images, *masks.values(), *moved.values(), data_keys=keys)
        values = values if isinstance(values, list | tuple) else [values]
        changed = dict(zip(["input", *masks, *moved], values, strict=True))
        images = changed.pop("input")
        return replace(batch, images=images, targets=_moved_targets(targets, changed, images.shape[-2:]))


def _moved_targets(targets: Targets, changed: dict[str, Tensor], size: Sequence[int]) -> Targets:
    """Returns the targets with boxes clipped to the image and objects that have left it replaced by holes."""
    height, width = size
    fields: dict[str, Any] = {
        name: value + 0.5 if name.startswith("boxes") else value for name, value in changed.items()
    }
    for name in {*MASKS} & {*fields}:
        fields[name] = fields[name][:, 0].round().to(torch.int16) - 1
    if targets.boxes_amodal is not None:
        hole = (targets.boxes_amodal == 0).all(dim=-1, keepdim=True)
        fields["boxes_amodal"] = fields["boxes_amodal"].masked_fill(hole, 0)
    if "boxes" in fields:
        fields["boxes"] = fields["boxes"].clamp_min(0).minimum(fields["boxes"].new_tensor([width, height] * 2))
    moved: Any = replace(targets, image_size=(height, width), **fields)
    if "boxes" not in fields:
        return moved
    gone = (fields["boxes"][..., 2:] <= fields["boxes"][..., :2]).any(dim=-1)
    return replace(moved, **{name: _punch(name, getattr(moved, name), gone) for name in OF_OBJECTS & {*moved.names()}})


def _punch(name: str, values: Tensor, gone: Bool[Tensor, "batch object"]) -> Tensor:
    return values.masked_fill(gone.reshape(*gone.shape, *[1] * (values.ndim - 2)), hole_of(name))
