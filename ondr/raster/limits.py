"""Limits of the rasterizers and checks of their input."""

from __future__ import annotations

import torch
from torch import Tensor

from ondr.assets.bank import Bank
from ondr.scene import Instances

NEAR_METRES = 1e-3
"""Depth of the near plane."""

MAX_SLOTS = 32767
"""Slots are int16."""

MAX_SIDE = {"cpu": 8192, "cuda": 2048}
"""Longest side of an image in pixels: a quarter of numba's guard band; nvdiffrast's largest buffer."""


def check_input(
    bank: Bank, instances: Instances, intrinsics: Tensor, size: tuple[int, int], weights: Tensor | None = None
) -> None:
    """Checks the input of `visible` and `fragments`, as far as possible without reading from the device.

    Raises:
        ValueError: A shape, type, device or size is wrong; the message names it.
    """
    batch, slots = _dims(instances)
    _check_size(size, bank.device, batch)
    if slots >= MAX_SLOTS:
        raise ValueError(
            f"instances.triangle_count must have less than {MAX_SLOTS} slots, got {slots}. Lower the number of objects."
        )
    expected = {
        "vertex_offset": (torch.int32, (batch, slots)),
        "first_triangle": (torch.int32, (batch, slots)),
        "triangle_count": (torch.int32, (batch, slots)),
        "closed": (torch.bool, (batch, slots)),
        "camera_from_bank": (torch.float32, (batch, slots, 3, 4)),
    }
    for name, (dtype, shape) in expected.items():
        value = getattr(instances, name)
        _check_tensor(f"instances.{name}", value, dtype, shape, bank.device)
    _check_tensor("intrinsics", intrinsics, torch.float32, (batch, 3, 3), bank.device)
    if weights is not None:
        _check_tensor("weights", weights, torch.int32, (batch, *size), bank.device)


def _dims(instances: Instances) -> tuple[int, int]:
    """Returns the number of images and of slots."""
    if instances.triangle_count.ndim != 2:
        raise ValueError(
            f"instances.triangle_count must have shape [batch, slot], got {tuple(instances.triangle_count.shape)}. "
            f"Add a leading batch dimension."
        )
    batch, slots = instances.triangle_count.shape
    return batch, slots


def _check_size(size: tuple[int, int], device: torch.device, batch: int) -> None:
    """Checks height and width."""
    height, width = size
    limit = MAX_SIDE[device.type]
    if not (1 <= height <= limit and 1 <= width <= limit):
        raise ValueError(
            f"size must be (height, width) with both from 1 to {limit} on {device.type}, got {tuple(size)}. "
            f"Render a smaller image."
        )
    if batch * height * width >= 2**31:
        raise ValueError(
            f"intrinsics must have less than {2**31 // (height * width)} rows at {height}x{width}, got {batch}. "
            f"Render fewer images at once."
        )


def _check_tensor(name: str, value: Tensor, dtype: torch.dtype, shape: tuple[int, ...], device: torch.device) -> None:
    """Checks one tensor's type, shape and device."""
    if value.dtype != dtype or tuple(value.shape) != shape or value.device != device:
        raise ValueError(
            f"{name} must be {dtype} {list(shape)} on {device}, got {value.dtype} {list(value.shape)} "
            f"on {value.device}. Pass tensors that belong to one batch and lie beside the bank."
        )
