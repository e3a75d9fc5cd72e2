"""Which device renders, and what is said where it is not there."""

from __future__ import annotations

import pytest
import torch

from ondr.errors import BackendError, say_once
from ondr.runtime import device


def test_cpu_is_always_there() -> None:
    assert device.resolve("cpu") == torch.device("cpu")


def test_auto_falls_back_to_the_cpu_and_says_why_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    say_once.cache_clear()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device.resolve("auto") == device.resolve("auto") == torch.device("cpu")
    assert [r.message for r in caplog.records] == [
        "rendering on cpu: torch finds no CUDA device. Set device to choose."
    ]


def test_cuda_without_nvdiffrast_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(device, "has_nvdiffrast", lambda: False)
    assert device.resolve("auto") == torch.device("cpu")
    with pytest.raises(BackendError, match=r'device cuda needs nvdiffrast.*pip install "ondr\[cuda\]"'):
        device.resolve("cuda")
    with pytest.raises(BackendError, match="device must be one of 1 GPUs, got cuda:3"):
        device.resolve("cuda:3")


def test_cuda_without_a_gpu_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BackendError, match="device must be one that is here, got cuda.*Set device=cpu"):
        device.resolve("cuda")


def test_nothing_is_copied_from_the_cpu_to_the_cpu() -> None:
    values = torch.arange(3)
    assert device.upload(values, "cpu") is values


@pytest.mark.cuda
def test_an_upload_is_the_same_values() -> None:
    values = torch.arange(3)
    assert device.upload(values, torch.device("cuda")).tolist() == values.tolist()
