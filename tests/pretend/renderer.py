"""ondr on a pretended GPU: its rasterizer stood in for, and what it compiles run as it is, with a note of it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import torch

from ondr.raster import nvdiffrast
from ondr.runtime import compiled
from tests.pretend.device import PretendedGpu, pretended_gpu

Calls = list[tuple[Callable[..., Any], tuple[Any, ...]]]


@contextlib.contextmanager
def ondr_on_a_gpu(patch: Any) -> Iterator[tuple[PretendedGpu, Calls]]:
    """Lets ondr render on a pretended GPU.

    Yields:
        The GPU, and the calls of compiled functions with their arguments.
    """
    from tests.pretend import rasterizer_numba

    calls: Calls = []

    def compile(function: Callable[..., Any], **_: object) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            calls.append((function, args))
            gpu.compiled += 1
            try:
                return function(*args)
            finally:
                gpu.compiled -= 1

        return call

    kernel = ModuleType("ondr.raster.cover_triton")
    kernel.covered_pixels = rasterizer_numba.covered_pixels  # type: ignore[attr-defined]
    patch.setitem(sys.modules, "ondr.raster.cover_triton", kernel)
    patch.setattr("ondr.runtime.device.has_nvdiffrast", lambda: True)
    patch.setattr(nvdiffrast, "load_nvdiffrast", lambda: SimpleNamespace(rasterize=rasterizer_numba.rasterize))
    patch.setattr(nvdiffrast, "make_context", lambda device: object())
    patch.setattr(torch, "compile", compile)
    patch.setattr(compiled, "_missing_compiler", lambda: "")
    # What one test has made is not for another.
    caches = (nvdiffrast._context, nvdiffrast._index_buffer, compiled._resolve, compiled.compiled, compiled._over_rows)
    for cache in caches:
        cache.cache_clear()
    try:
        with pretended_gpu(patch) as gpu:
            yield gpu, calls
    finally:
        for cache in caches:
            cache.cache_clear()
        nvdiffrast._capacities.clear()
