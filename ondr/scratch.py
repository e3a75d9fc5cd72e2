"""Memory of the CPU that is used again and again, since fresh memory costs as much as using it.

Scratch is for what lies between two stages: nothing that a caller keeps may lie there. Recycled memory may be handed
over: it comes back when nothing refers to it any more.
"""

from __future__ import annotations

import math
import threading
import weakref
from collections import deque

import numpy as np
import torch
from torch import Tensor

_kept = threading.local()
_free: deque[np.ndarray] = deque(maxlen=2)
"""What nothing refers to any more, the oldest first: no more than a training loop that holds one batch needs."""


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


def recycled(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Returns memory on the CPU with anything in it: the caller's own for as long as any tensor or array lies in it."""
    size = math.prod(shape) * dtype.itemsize
    if not size:
        return torch.empty(shape, dtype=dtype, device="cpu")
    try:
        memory = _free.popleft()
    except IndexError:
        memory = np.empty(0, np.uint8)
    if memory.nbytes != size:
        memory = np.empty(size, np.uint8)
    # The tensor's storage, and with it whatever shares it, refers to this view; the view ends with the last of them.
    lent = memory[:]
    weakref.finalize(lent, _free.append, memory).atexit = False
    return torch.from_numpy(lent).view(dtype).view(shape)


def forget_recycled() -> None:
    """Gives memory that nothing refers to back to the system."""
    _free.clear()
