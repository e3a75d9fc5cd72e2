"""What `ondr doctor` says, on machines that are not this one too."""

from __future__ import annotations

import platform
import shutil

import pytest
import torch

from ondr import doctor
from ondr.cli import main
from ondr.runtime import device as device_module


def test_it_lists_versions_and_the_licence() -> None:
    facts = dict(doctor.facts())
    assert facts["torch"] == torch.__version__
    assert facts["python"].startswith(platform.python_version())
    for name in (
        "ondr",
        "numba",
        "llvmlite",
        "kornia",
        "trimesh",
        "cpu",
        "cuda",
        "nvdiffrast",
        "C++ compiler",
        "nvcc and ninja",
    ):
        assert facts[name]
    assert "NVIDIA Source Code License" in facts["nvdiffrast's licence"]
    assert "no commercial use" in facts["nvdiffrast's licence"]


def test_a_missing_package_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LIBRARIES", ("no-such-package",))
    assert dict(doctor.facts())["no-such-package"] == "not installed"


@pytest.mark.parametrize(
    ("device", "asked", "gpu", "installed", "expected"),
    [
        ("cpu", "auto", False, False, "numba on cpu, because torch finds no CUDA device"),
        ("cpu", "auto", True, False, "numba on cpu, because nvdiffrast is not installed"),
        ("cuda", "auto", True, True, "nvdiffrast on cuda, because torch finds a CUDA device and"),
        ("cpu", "cpu", True, True, "numba on cpu, because device=cpu"),
    ],
)
def test_the_backend_and_why(
    monkeypatch: pytest.MonkeyPatch, device: str, asked: str, gpu: bool, installed: bool, expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(device_module, "has_nvdiffrast", lambda: installed)
    assert doctor.backend(torch.device(device), asked).startswith(expected)


def test_compilers_found_and_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    facts = dict(doctor.facts())
    assert facts["C++ compiler"].startswith("none")
    assert facts["nvcc and ninja"] == "nvcc and ninja not on PATH: nvdiffrast cannot be built"
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    facts = dict(doctor.facts())
    assert facts["C++ compiler"].startswith("c++")
    assert facts["nvcc and ninja"] == "both on PATH"


def test_the_command_ends_with_a_speed(capsys: pytest.CaptureFixture[str]) -> None:
    small = ["-o", "image_size=[32, 32]", "-o", "device=cpu", "-o", "assets.progress=false"]
    with pytest.raises(SystemExit) as stop:
        main(["doctor", *small])
    assert not stop.value.code
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split() == ["torch", torch.__version__] for line in lines)
    assert lines[-2].startswith("renders with")
    assert lines[-1].startswith("speed")
    assert "images/s of 32x32 over 64 images" in lines[-1]
