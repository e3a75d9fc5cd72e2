"""Shields rendering from torch modes that the caller has switched on for a model."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def isolated(device: torch.device) -> Iterator[None]:
    """Switches autocast and inference mode off within the context; grad mode is kept.

    Autocast would round poses to half precision. Tensors made in inference mode can never be used with gradients, and
    some that are made here are cached.
    """
    grad = torch.is_grad_enabled()
    with torch.inference_mode(False), torch.set_grad_enabled(grad), torch.autocast(device.type, enabled=False):
        yield
