"""Memory for what lies between two stages: the same again and again, since fresh memory costs as much as using it.

Nothing that a caller keeps may lie here.
"""

from __future__ import annotations

import threading

import torch
from torch import Tensor

_kept = threading.local()


def scratch(name: str, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Returns memory on the CPU with anything in it: to the same thread the same for the same name and shape.

    Address space for all of it; only the pages that are written to are ever backed by memory.
    """
    held: dict[str, Tensor] = _kept.__dict__.setdefault("held", {})
    if name not in held or held[name].shape != shape or held[name].dtype != dtype:
        held[name] = torch.empty(shape, dtype=dtype, device="cpu")
    return held[name]


def growing_scratch(name: str, rows: int, length: int) -> Tensor:
    """Returns float32 scratch `[rows, length]`, cut from memory that grows with the longest that was asked for."""
    held: dict[str, Tensor] = _kept.__dict__.setdefault("held", {})
    if name not in held or held[name].numel() < rows * length:
        held[name] = torch.empty(rows * length * 5 // 4, dtype=torch.float32, device="cpu")
    return held[name][: rows * length].view(rows, length)
