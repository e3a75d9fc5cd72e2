"""What is installed and what ondr would render with: the facts of `ondr doctor`."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from importlib import metadata

import torch

from ondr.runtime.device import automatic

LIBRARIES = ("torch", "numba", "llvmlite", "kornia", "trimesh", "numpy", "scipy", "pillow", "pydantic")
NVDIFFRAST = ("nvdiffrast", "diffrp-nvdiffrast")
"""Names of the packages that contain it: upstream's, and the build on the package index."""
NVDIFFRAST_LICENCE = "NVIDIA Source Code License: no commercial use (section 3.3). ondr itself is MIT"
COMPILERS = ("c++", "g++", "clang++")


def facts() -> Iterator[tuple[str, str]]:
    """Yields names and values in the order of display."""
    yield "ondr", version("ondr")
    yield "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    for name in LIBRARIES:
        yield name, version(name)
    yield "cpu", f"{os.cpu_count()} cores, torch uses {torch.get_num_threads()} threads"
    yield "cuda", _cuda()
    yield "nvdiffrast", _nvdiffrast()
    yield "nvdiffrast's licence", NVDIFFRAST_LICENCE
    yield "C++ compiler", _compiler()
    yield "nvcc and ninja", _cuda_compiler()


def backend(device: torch.device, asked: str) -> str:
    """Returns the rasterizer of a device, and the reason for the device.

    Args:
        device: The result of `device.resolve(asked)`.
        asked: The setting `device`.
    """
    name = "nvdiffrast" if device.type == "cuda" else "numba"
    return f"{name} on {device}, because {f'device={asked}' if asked != 'auto' else automatic()[1]}"


def version(name: str) -> str:
    """Returns the version of an installed package, or `not installed`."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _cuda() -> str:
    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}"
    return "no GPU: " + ("this torch is a CPU build" if torch.version.cuda is None else "no driver or no GPU answers")


def _nvdiffrast() -> str:
    found = [f"{name} {version(name)}" for name in NVDIFFRAST if version(name) != "not installed"]
    return ", ".join(found) or 'not installed; pip install "ondr[cuda]" adds it where there is a GPU'


def _compiler() -> str:
    found = os.environ.get("CXX") or next((c for c in COMPILERS if shutil.which(c)), None)
    return f"{found or 'none'}: needed on CUDA only, by torch.compile and to build nvdiffrast"


def _cuda_compiler() -> str:
    missing = [name for name in ("nvcc", "ninja") if shutil.which(name) is None]
    return f"{' and '.join(missing)} not on PATH: nvdiffrast cannot be built" if missing else "both on PATH"
