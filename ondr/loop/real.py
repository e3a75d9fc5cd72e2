"""Real photos as batches that can be joined with rendered ones: the same fields, size, device and number of slots.

Their order is left to the user's DataLoader, whose randomness is seeded by the stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ondr.batch import Batch, Targets, hole_of
from ondr.draws import Draws
from ondr.errors import ConfigError
from ondr.loop.augment import forked_random_state, seed_of
from ondr.pixel_format import PixelFormat

PER_OBJECT = tuple(field.name for field in fields(Targets) if "batch object" in str(field.type))
"""Fields with a row for each slot, according to their shapes."""

Place = dict[str, int]
"""`pass`, and the next `batch` in it."""


def photos(loader: Iterable[Any], seed: int, rank: int, place: Place) -> Iterator[tuple[Any, Place]]:
    """Yields the batches of a finite loader, pass after pass, each with the place after it.

    Shuffling and augmentation that use the global random state of torch, numpy or random are seeded for each batch, and
    that state is restored.

    Args:
        loader: The user's loader.
        seed: The stream's seed.
        rank: The rank of this process: without a DistributedSampler, each rank shuffles in its own way.
        place: Where to start.

    Raises:
        ConfigError: The loader is empty.
    """
    number, skipped = place["pass"], place["batch"]
    while True:
        batch = 0
        for batch, found in enumerate(_one_pass(loader, f"{seed} mix {rank} {number}", number), start=1):
            if batch > skipped:
                yield found, {"pass": number, "batch": batch}
        if not batch:
            raise ConfigError("real_loader must yield photos, got an empty one. Leave mix out to train without.")
        number, skipped = number + 1, 0


def _one_pass(loader: Iterable[Any], name: str, number: int) -> Iterator[Any]:
    sampler = getattr(loader, "sampler", None)
    if hasattr(sampler, "set_epoch"):
        sampler.set_epoch(number)  # type: ignore[union-attr]
    cpu = torch.device("cpu")
    with forked_random_state(seed_of(f"{name} start"), cpu):
        iterator = iter(loader)
    batch, end = 0, object()
    while True:
        with forked_random_state(seed_of(f"{name} {batch}"), cpu):
            found = next(iterator, end)
        if found is end:
            return
        yield found
        batch += 1


def as_batch(found: Any, like: Batch, classes: int) -> Batch:
    """Returns photos as a batch with the fields of a rendered one.

    Sample ids become -1 - id, which is negative, and draws NaN.

    Args:
        found: What the loader yielded: a Batch or `(images, targets)`.
        like: A rendered batch.
        classes: Number of classes.

    Raises:
        ConfigError: It is something else, has another size, lacks a field, or has a label that is not a class.
    """
    images, targets = _parts(found)
    if not (images.is_floating_point() or images.dtype == torch.uint8) or images.shape[1:] != like.images.shape[1:]:
        got = f"{str(images.dtype).removeprefix('torch.')}{list(images.shape)}"
        size = ", ".join(map(str, like.images.shape[1:]))
        raise ConfigError(
            f"real_loader's images must be floats in 0..1, or bytes, of shape [batch, {size}], got {got}. Resize the "
            "photos with their boxes, or set image_size."
        )
    known = {name: _field(targets, name, like.targets) for name in like.targets.names()}
    labels = known.get("labels")
    if labels is not None and not labels.is_cuda and labels.numel() and int(labels.max()) >= classes:
        raise ConfigError(
            f"real_loader's labels must be below {classes}, the number of classes, got {int(labels.max())}. Map its "
            "classes to indices of ds.class_names."
        )
    device, ids = like.images.device, -1 - targets.sample_ids.cpu()
    nothing = torch.full((len(images), like.draws.packed.shape[1]), torch.nan, device=device)
    return Batch(
        images=PixelFormat.like(like.images).of(images.to(device, non_blocking=True)),
        targets=Targets(like.targets.image_size, ids, **known).to(device, non_blocking=True),
        sample_ids=ids,
        draws=Draws(nothing, like.draws.columns, like.draws.derived),
        state={},
    )


def _parts(found: Any) -> tuple[Tensor, Targets]:
    pair = tuple(found) if isinstance(found, Batch | tuple | list) else ()
    if len(pair) != 2 or not isinstance(pair[0], Tensor) or not isinstance(pair[1], Targets):
        raise ConfigError(
            f"real_loader must yield a Batch or a pair of images and ondr.Targets, got {type(found).__name__}. "
            "Let its collate_fn return images, ondr.Targets(image_size=..., sample_ids=..., boxes=..., labels=...)."
        )
    return pair[0], pair[1]


def _field(targets: Targets, name: str, like: Targets) -> Tensor:
    value = getattr(targets, name)
    if value is not None:
        return value.to(getattr(like, name).dtype)
    if name == "ignored" and targets.labels is not None:
        # People label what is to be learned.
        return torch.zeros_like(targets.labels, dtype=torch.bool)
    raise ConfigError(
        f"real_loader's targets must have what cfg.outputs names, {', '.join(like.names())}, got one without {name}. "
        f"Add it, or take {name} out of outputs."
    )


def with_slots(batch: Batch, slots: int) -> Batch:
    """Returns a batch that is padded with holes to a number of slots."""
    wider: dict[str, Any] = {}
    for name in PER_OBJECT:
        value = getattr(batch.targets, name)
        if value is not None and value.shape[1] < slots:
            missing = [0, 0] * (value.ndim - 2) + [0, slots - value.shape[1]]
            wider[name] = functional.pad(value, missing, value=hole_of(name))
    return replace(batch, targets=replace(batch.targets, **wider)) if wider else batch


def slots_of(batch: Batch) -> int:
    """Returns the number of slots for objects in a batch; 0 if no field has any."""
    counts = [getattr(batch.targets, name).shape[1] for name in PER_OBJECT if getattr(batch.targets, name) is not None]
    return max(counts, default=0)
