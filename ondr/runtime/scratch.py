"""CPU memory that is used again, since the system takes as long to provide fresh pages as the stream to fill them.

Scratch holds what passes between two stages, never anything that a caller keeps. Recycled memory may be handed to the
caller: it is reused once nothing refers to it any more.
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
"""Recycled memory that nothing refers to, oldest first; two pieces are enough for a loop that holds one batch."""


def scratch(name: str, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Returns uninitialized CPU memory, for each thread the same one as long as name, shape and type are the same.

    Only pages that are written to take up physical memory.
    """
    held: dict[str, Tensor] = _kept.__dict__.setdefault("held", {})
    if name not in held or held[name].shape != shape or held[name].dtype != dtype:
        held[name] = torch.empty(shape, dtype=dtype, device="cpu")
    return held[name]


def growing_scratch(name: str, rows: int, length: int) -> Tensor:
    """Returns float32 scratch `[rows, length]`, a part of memory that grows with the largest request."""
    held: dict[str, Tensor] = _kept.__dict__.setdefault("held", {})
    if name not in held or held[name].numel() < rows * length:
        held[name] = torch.empty(rows * length * 5 // 4, dtype=torch.float32, device="cpu")
    return held[name][: rows * length].view(rows, length)


def recycled(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Returns uninitialized CPU memory, which is the caller's own as long as any tensor or array refers to it."""
    size = math.prod(shape) * dtype.itemsize
    if not size:
        return torch.empty(shape, dtype=dtype, device="cpu")
    try:
        memory = _free.popleft()
    except IndexError:
        memory = np.empty(0, np.uint8)
    if memory.nbytes != size:
        memory = np.empty(size, np.uint8)
    # The tensor's storage, which its views share, keeps this view alive; when the last of them is gone, so is the view.
    lent = memory[:]
    weakref.finalize(lent, _free.append, memory).atexit = False
    return torch.from_numpy(lent).view(dtype).view(shape)


def forget_recycled() -> None:
    """Gives memory that nothing refers to back to the system."""
    _free.clear()
