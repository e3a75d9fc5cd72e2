"""The errors that ondr raises, and its one way to warn without raising."""

from __future__ import annotations

import functools
import logging

from torch.utils.data import get_worker_info

LOGGER = logging.getLogger("ondr")


class ConfigError(ValueError):
    """A setting, override or parameter is wrong. The message names it and says what to do."""


class AssetError(ValueError):
    """A mesh, texture or photo cannot be used. The message names the file and says what to do."""


class BackendError(RuntimeError):
    """A device, renderer or compiler is missing or cannot do what was asked. The message says what helps."""


@functools.cache
def say_once(message: str) -> None:
    """Logs a warning, once per process and message; of a DataLoader's workers only the first one logs."""
    worker = get_worker_info()
    if worker is None or worker.id == 0:
        LOGGER.warning(message)
