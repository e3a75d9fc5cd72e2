"""A DataLoader for code that wants to rebuild every DataLoader it is given: Accelerate and Hugging Face's Trainer."""

from __future__ import annotations

from typing import Any

from torch.utils.data import DataLoader

from ondr.batch import Batch
from ondr.errors import ConfigError
from ondr.loop.dataset import RandomizedScenes, workers_on_cuda


def loader(dataset: RandomizedScenes, **options: Any) -> DataLoader[Batch]:
    """Returns a DataLoader that Accelerate's `prepare` hands back as it is.

    For an iterable dataset, `prepare` otherwise builds a loader that renders on rank 0 only and sends the images to the
    others, or one that drops what belongs to other ranks, which this dataset has already left out. The batches are on
    `cfg.device` already; on a CPU device move them with `batch.to(accelerator.device)`.

    Args:
        dataset: What to load.
        **options: As for `torch.utils.data.DataLoader`, such as `num_workers` or `pin_memory`.

    Raises:
        ConfigError: The dataset is another one.
        BackendError: Workers were asked for on CUDA.
    """
    if not isinstance(dataset, RandomizedScenes):
        raise ConfigError(
            f"loader's dataset must be RandomizedScenes, got {type(dataset).__name__}. Use torch's DataLoader for it."
        )
    if options.get("num_workers") and dataset.device.type == "cuda":
        raise workers_on_cuda(dataset.device)
    made: DataLoader[Batch] = DataLoader(dataset, **options)
    # `Accelerator.prepare_data_loader` looks for this name, and leaves alone what carries it.
    made._is_accelerate_prepared = True
    return made
