"""Finds nvdiffrast and lets it compile itself, with a helpful error where that cannot work."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import re
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from ondr.errors import BackendError
from ondr.runtime.device import CUDA_INSTALL

PLUGIN = "nvdiffrast_plugin_"
RUNTIME = "libcudart.so"
BUILD = "Error building extension"
FAULT = re.compile(r"\b(error|fatal|cannot find|not found|undefined reference)\b")


@functools.cache
def load_nvdiffrast() -> Any:
    """Returns the module `nvdiffrast.torch`.

    Raises:
        BackendError: nvdiffrast is not installed, or torch finds no CUDA device.
    """
    try:
        module = importlib.import_module("nvdiffrast.torch")
    except ModuleNotFoundError as error:
        raise BackendError(
            f"bank.device must be cpu without nvdiffrast, got a CUDA bank ({error}). Run {CUDA_INSTALL}, or set "
            "device: cpu."
        ) from error
    if not torch.cuda.is_available():
        raise BackendError(
            f"torch must find a CUDA device for nvdiffrast, got none with torch {torch.__version__}. "
            f"Set device: cpu, or install a CUDA build of torch and a driver."
        )
    return module


def make_context(device: torch.device) -> Any:
    """Returns a `RasterizeCudaContext`; for the first one nvdiffrast compiles itself, which takes a minute.

    Raises:
        BackendError: nvdiffrast cannot be compiled here.
    """
    make = load_nvdiffrast().RasterizeCudaContext
    try:
        with cuda_headers(), cuda_runtime(), ninja_on_path():
            try:
                return make(device=device)
            except ModuleNotFoundError as error:
                enter_plugin(error)
                return make(device=device)
    except (RuntimeError, OSError, ImportError) as error:
        raise BackendError(
            f"nvdiffrast must compile itself once with nvcc and ninja, got {reason(error)!r}. Install the CUDA toolkit "
            f"{torch.version.cuda}, set CUDA_HOME to it, run pip install ninja, or set device: cpu."
        ) from error


def enter_plugin(error: ModuleNotFoundError) -> None:
    """Registers the plugin that `diffrp-nvdiffrast` has just compiled in `sys.modules`, or raises the error again.

    The library compiles its plugin with `torch.utils.cpp_extension` and then imports it by name. Up to torch 2.8
    loading an extension registered it in `sys.modules`; from 2.9 on it is only returned, and the import by name fails.
    """
    name = error.name or ""
    if not name.startswith(PLUGIN):
        raise error
    sys.modules[name] = _compiled(name)


def _compiled(name: str) -> ModuleType:
    """Loads a compiled extension."""
    from torch.utils import cpp_extension

    # The library itself loads it through these two functions.
    folder = cpp_extension._get_build_directory(name, False)
    module: ModuleType = cpp_extension._import_module_from_library(name, folder, True)
    return module


@contextlib.contextmanager
def cuda_headers() -> Iterator[None]:
    """Lets compilers find CUDA's library headers in site-packages inside the block, where the toolkit lacks them."""
    folders = [] if toolkit_has("cusparse.h") else packaged_headers(sys.path)
    with _extended("CPATH", folders):
        yield


@contextlib.contextmanager
def cuda_runtime() -> Iterator[None]:
    """Lets linkers find CUDA's runtime in site-packages inside the block, where the toolkit lacks it.

    That is so where torch takes the folder above a script named nvcc for the toolkit, and of a toolkit that pip has
    installed, whose library has no name without a version.
    """
    found = [] if toolkit_has(RUNTIME, ("lib64", "lib")) else packaged_runtimes(sys.path)
    with tempfile.TemporaryDirectory(prefix="ondr-") as folder:
        if found:
            (Path(folder) / RUNTIME).symlink_to(found[0])
        with _extended("LIBRARY_PATH", [Path(folder)] if found else []):
            yield


@contextlib.contextmanager
def ninja_on_path() -> Iterator[None]:
    """Lets torch find the ninja that pip has put beside this Python, whose environment need not be activated."""
    with _extended("PATH", [Path(sysconfig.get_path("scripts"))]):
        yield


@contextlib.contextmanager
def _extended(variable: str, folders: list[Path]) -> Iterator[None]:
    """Appends folders to an environment variable inside the block."""
    before = os.environ.get(variable)
    if folders:
        os.environ[variable] = os.pathsep.join([*([before] if before else []), *map(str, folders)])
    try:
        yield
    finally:
        if folders and before is None:
            del os.environ[variable]
        elif folders:
            os.environ[variable] = str(before)


def toolkit_has(name: str, folders: tuple[str, ...] = ("include",)) -> bool:
    """Returns whether the CUDA toolkit that torch would compile with has a file."""
    from torch.utils.cpp_extension import CUDA_HOME

    return CUDA_HOME is not None and any((Path(CUDA_HOME) / folder / name).exists() for folder in folders)


def packaged_headers(paths: list[str]) -> list[Path]:
    """Returns the include folders of NVIDIA's wheels (`nvidia/cu13/include` and the like) under import paths."""
    return sorted(folder for path in paths for folder in Path(path).glob("nvidia/cu*/include") if folder.is_dir())


def packaged_runtimes(paths: list[str]) -> list[Path]:
    """Returns CUDA's runtime in NVIDIA's wheels (`nvidia/cu13/lib/libcudart.so.13` and the like) under import paths."""
    return sorted(file for path in paths for file in Path(path).glob(f"nvidia/cu*/lib/{RUNTIME}.*"))


def reason(error: Exception) -> str:
    """Returns the line of a compiler's output that says what is wrong; of other errors, the first."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    # Torch gives all that ninja has printed; what ninja ran is a line that begins with its number, "[3/16] ...".
    built = lines[1:] if lines[0].startswith(BUILD) else []
    return next((line for line in built if FAULT.search(line) and not line.startswith("[")), lines[0])
