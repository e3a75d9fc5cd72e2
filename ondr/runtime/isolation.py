"""Shields rendering from torch modes that the caller has switched on for a model."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def isolated(device: torch.device) -> Iterator[None]:
    """Switches autocast, inference mode and another default type off within the context; grad mode is kept.

    Autocast and another default type would change the precision of poses. Tensors made in inference mode can never be
    used with gradients, and some that are made here are cached.
    """
    grad, dtype = torch.is_grad_enabled(), torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.inference_mode(False), torch.set_grad_enabled(grad), torch.autocast(device.type, enabled=False):
            yield
    finally:
        torch.set_default_dtype(dtype)
