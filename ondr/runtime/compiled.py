"""Whether and how functions are compiled: `render.compile`, resolved once and logged.

Compiled, all arithmetic on planes becomes one loop over pixels: by `ondr.fusion` on the CPU, by torch.compile on a GPU,
there with whatever else is done for every pixel or triangle. Otherwise the same functions run operation by operation.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor

from ondr.errors import BackendError, say_once
from ondr.leaves import Tree, map_leaves

Setting = Literal["auto"] | bool

OPTIONS: dict[str, Any] = {
    "max_fusion_size": 1024,
    "max_pointwise_cat_inputs": 0,
    "max_complex_pointwise_cat_inputs": 0,
    "assert_indirect_indexing": False,
    "triton.spill_threshold": 2**20,
}
"""The default of 64 operations would cut shading into dozens of loops, with all intermediate planes in memory. Channels
that are stacked by one loop over all of them would be two loops more. Checks of all indices, which are held in their
tables anyway, would take a loop of 128 registers to 179, and so half of the warps off a multiprocessor. And where all
ways to build a loop put registers by in memory, the fastest is to be taken, which has to be measured: otherwise the
first is, which puts by the most."""


MOST_SHAPES = 256
"""How often a function may be recompiled, for batch sizes, image sizes and asset banks. Past torch's default of 8, a
function compiled with `fullgraph` raises."""


def wants_compile(setting: Setting, device: torch.device) -> bool:
    """Returns what `render.compile` means on a device.

    Args:
        setting: `auto` compiles where it is possible; on the CPU it always is.
        device: Where the images are made.

    Raises:
        BackendError: The setting is True and there is no compiler.
    """
    return setting is not False and (device.type == "cpu" or _resolve(setting))


@functools.cache
def _resolve(setting: Setting) -> bool:
    missing = _missing_compiler()
    if setting == "auto":
        what = "not compiled" if missing else "compiled while the first batch waits"
        say_once(f"shading is {what}: {missing or 'a compiler is there'}. Set render.compile to choose.")
    elif missing:
        raise BackendError(f"render.compile must be false or auto here, got true: {missing}. Set render.compile=auto.")
    return not missing


def _missing_compiler() -> str:
    """Returns what torch.compile lacks on a GPU; an empty string if nothing."""
    from torch._inductor.cpp_builder import get_cpp_compiler
    from torch._inductor.exc import InvalidCxxCompiler

    if importlib.util.find_spec("triton") is None:
        return "triton is not installed"
    try:
        get_cpp_compiler()
    except (InvalidCxxCompiler, RuntimeError):
        return "no C++ compiler is found"
    return ""


@functools.cache
def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a compiled function, cached per process; it is compiled at its first call and for each new shape.

    Nothing is recorded for autograd.
    """
    inner = torch.compile(function, fullgraph=True, dynamic=False, options=_known_options())

    @functools.wraps(function)
    def call(*args: Any) -> Any:
        # Always without gradients: torch would compile another version for each state of grad mode.
        with torch.no_grad(), torch._dynamo.config.patch(recompile_limit=MOST_SHAPES):
            return inner(*args)

    return call


def _known_options() -> dict[str, Any]:
    """Returns those of `OPTIONS` that this torch has."""
    from torch._inductor import config

    return {name: value for name, value in OPTIONS.items() if hasattr(config, name)}


def maybe_compiled(function: Callable[..., Any], compile: bool) -> Callable[..., Any]:
    """Returns a function, or the same compiled.

    Args:
        function: Its arguments are tensors, dataclasses of tensors, and constants. Compiled, the number of rows of each
            tensor may change without compiling again; a single row is another shape.
        compile: Whether to compile it.
    """
    return _over_rows(function) if compile else function


@functools.cache
def _over_rows(function: Callable[..., Any]) -> Callable[..., Any]:
    inner = compiled(function)

    @functools.wraps(function)
    def call(*args: Any) -> Any:
        return inner(*(map_leaves(arg, _mark_some_rows) for arg in args))

    return call


def _mark_some_rows(table: Tensor) -> Tensor:
    return _mark_rows(table) if len(table) > 1 else table


def mark_rows_dynamic(tables: Tree) -> Tree:
    """Returns tables whose number of rows may change without compiling again.

    Args:
        tables: A tensor, or a dataclass of tensors and nested dataclasses.
    """
    return map_leaves(tables, _mark_rows)


def _mark_rows(table: Tensor) -> Tensor:
    # torch.compile specializes on sizes 0 and 1, so a single row is doubled.
    rows = torch.cat([table, table]) if len(table) == 1 else table.detach().contiguous()
    torch._dynamo.maybe_mark_dynamic(rows, 0)
    return rows
