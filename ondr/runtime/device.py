"""Which device renders: what `device: auto` means, logged once, and errors for a device that is missing."""

from __future__ import annotations

import importlib.util

import torch
from torch import Tensor

from ondr.errors import BackendError, say_once

CUDA_INSTALL = 'pip install "ondr[cuda]"'


def resolve(device: str) -> torch.device:
    """Returns the device that a config's `device` stands for.

    Args:
        device: auto, cpu, cuda or cuda:N. `auto` is CUDA if torch finds a GPU and nvdiffrast is installed.

    Raises:
        BackendError: CUDA is asked for but not available.
    """
    if device == "auto":
        return _automatic()
    chosen = torch.device(device)
    if chosen.type == "cuda":
        _check_cuda(chosen)
    return chosen


def _automatic() -> torch.device:
    device, reason = automatic()
    say_once(f"rendering on {device}: {reason}. Set device to choose.")
    return torch.device(device)


def automatic() -> tuple[str, str]:
    """Returns the choice of `device: auto` on this machine, and the reason."""
    if not torch.cuda.is_available():
        return "cpu", "torch finds no CUDA device"
    if not has_nvdiffrast():
        return "cpu", f"nvdiffrast is not installed ({CUDA_INSTALL} adds it; non-commercial licence)"
    return "cuda", "torch finds a CUDA device and nvdiffrast is installed"


def upload(values: Tensor, device: torch.device | str) -> Tensor:
    """Copies host values to a device through pinned memory, so that the host does not wait for the device."""
    return values if torch.device(device).type == "cpu" else values.pin_memory().to(device, non_blocking=True)


def has_nvdiffrast() -> bool:
    """Returns whether nvdiffrast is installed, without importing it."""
    return importlib.util.find_spec("nvdiffrast") is not None


def _check_cuda(device: torch.device) -> None:
    if not torch.cuda.is_available():
        build = "this torch is a CPU build" if torch.version.cuda is None else "no driver or GPU answers"
        raise BackendError(
            f"device must be one that is here, got {device}, but {build}. Set device=cpu or install torch for CUDA."
        )
    if device.index is not None and device.index >= torch.cuda.device_count():
        raise BackendError(f"device must be one of {torch.cuda.device_count()} GPUs, got {device}. Count from cuda:0.")
    if not has_nvdiffrast():
        raise BackendError(f"device {device} needs nvdiffrast, which is not installed. Run {CUDA_INSTALL}.")
