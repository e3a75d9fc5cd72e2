"""A DataLoader for code that rebuilds every DataLoader it is given: Accelerate and Hugging Face's Trainer."""

from __future__ import annotations

from typing import Any

from torch.utils.data import DataLoader

from ondr.batch import Batch
from ondr.errors import ConfigError
from ondr.loop.dataset import RandomizedScenes, workers_on_cuda


def loader(dataset: RandomizedScenes, **options: Any) -> DataLoader[Batch]:
    """Returns a DataLoader that Accelerate's `prepare` leaves unchanged.

    For any other iterable dataset, `prepare` builds a loader that renders on rank 0 only and sends the images to the
    others, or one that skips the other ranks' batches, which this dataset never yields. Batches are already on
    `cfg.device`; if that is the CPU, move them with `batch.to(accelerator.device)`.

    Args:
        dataset: What to load.
        **options: Arguments of `torch.utils.data.DataLoader`, such as `num_workers` or `pin_memory`.

    Raises:
        ConfigError: The dataset is not RandomizedScenes.
        BackendError: Workers are asked for on CUDA.
    """
    if not isinstance(dataset, RandomizedScenes):
        raise ConfigError(
            f"loader's dataset must be RandomizedScenes, got {type(dataset).__name__}. Use torch's DataLoader for it."
        )
    if options.get("num_workers") and dataset.device.type == "cuda":
        raise workers_on_cuda(dataset.device)
    made: DataLoader[Batch] = DataLoader(dataset, **options)
    # `Accelerator.prepare_data_loader` leaves a loader with this attribute alone.
    made._is_accelerate_prepared = True
    return made
