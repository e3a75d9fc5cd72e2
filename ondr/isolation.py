"""What the caller has switched on in torch for other work, such as that of a model, and rendering must not see."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def isolated(device: torch.device) -> Iterator[None]:
    """Switches autocast and inference mode off for a while; whether gradients are recorded stays as it is.

    Autocast would round poses to half precision. What is made in inference mode can never be used with gradients, and
    some of what is made here is kept.
    """
    grad = torch.is_grad_enabled()
    with torch.inference_mode(False), torch.set_grad_enabled(grad), torch.autocast(device.type, enabled=False):
        yield
