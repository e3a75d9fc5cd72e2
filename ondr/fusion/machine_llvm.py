"""Compiles a loop into machine code for this processor."""

from __future__ import annotations

import ctypes
import functools
import sys
from typing import Any

import llvmlite.binding as llvm  # type: ignore[import-untyped]

from .emit_llvm import KERNEL

Kernel = Any
"""void (void** pointers, int64 first, int64 end); it runs without the GIL."""


@functools.cache
def lanes() -> int:
    """Returns how many floats a loop handles at a time: 16 with AVX-512, else 8."""
    return 16 if "+avx512f" in _features() else 8


@functools.cache
def _features() -> str:
    """Returns this processor's features; none where LLVM cannot tell."""
    try:
        return str(llvm.get_host_cpu_features().flatten())
    except RuntimeError:
        return ""


class Machine:
    """Compiles loops and owns their code."""

    def __init__(self) -> None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        # MCJIT loads ELF object files on Windows as well.
        self.triple = llvm.get_process_triple() + ("-elf" if sys.platform == "win32" else "")
        self.engines: list[Any] = []

    def compile(self, source: str) -> Kernel:
        """Returns the kernel of a module."""
        module = llvm.parse_assembly(source)
        module.triple = self.triple
        module.verify()
        # A new target for each module, since the engine takes ownership of it.
        target = llvm.Target.from_triple(self.triple).create_target_machine(
            cpu=llvm.get_host_cpu_name(), features=_features(), opt=3, jit=True
        )
        options = llvm.create_pipeline_tuning_options(speed_level=2)
        builder = llvm.create_pass_builder(target, options)
        builder.getModulePassManager().run(module, builder)
        engine = llvm.create_mcjit_compiler(module, target)
        engine.finalize_object()
        self.engines.append(engine)
        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
        return kind(engine.get_function_address(KERNEL))


@functools.cache
def machine() -> Machine:
    """Returns the process's `Machine`."""
    return Machine()
