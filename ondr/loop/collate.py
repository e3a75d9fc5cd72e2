"""How a DataLoader collates Batches: a single one is passed on as it is, several are joined into one.

Importing this file registers it with torch's `default_collate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.data._utils.collate import default_collate_fn_map

from ondr.batch import Batch, Targets
from ondr.draws import Draws
from ondr.errors import say_once


def join(batches: Sequence[Batch]) -> Batch:
    """Joins batches of one dataset in their order; the state is that of the last one.

    A single batch is returned itself, not copied.
    """
    if len(batches) == 1:
        return batches[0]
    return Batch(
        images=torch.cat([batch.images for batch in batches]),
        targets=Targets.join([batch.targets for batch in batches]),
        sample_ids=torch.cat([batch.sample_ids for batch in batches]),
        draws=Draws.join([batch.draws for batch in batches]),
        state=batches[-1].state,
    )


def collate(batches: Sequence[Batch], *, collate_fn_map: Any = None) -> Batch:
    """Joins the Batches that a DataLoader has fetched; if there are several, logs once how many images that makes.

    The joined state is exact without workers only: with n workers, each joins every n-th batch of the stream.
    """
    if len(batches) > 1:
        _announce(len(batches), len(batches[0]))
    return join(batches)


def _announce(count: int, images: int) -> None:
    """Logs what joining means, once, also if the last join is of fewer batches."""
    if _announced:
        return
    _announced.append(count)
    say_once(
        f"DataLoader(batch_size={count}) joins {count} batches of {images} images into one of {count * images}. "
        "To choose the number of images, leave batch_size out and set cfg.batch_size."
    )


_announced: list[int] = []
default_collate_fn_map[Batch] = collate
