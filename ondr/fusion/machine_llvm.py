"""Machine code of a loop for this processor."""

from __future__ import annotations

import ctypes
import functools
from typing import Any

import llvmlite.binding as llvm  # type: ignore[import-untyped]

from .emit_llvm import KERNEL

Kernel = Any
"""void (void** pointers, int64 first, int64 end); it holds no lock of Python's while it runs."""


@functools.cache
def lanes() -> int:
    """Returns how many floats this processor's vectors are best used with."""
    return 16 if llvm.get_host_cpu_features().get("avx512f") else 8


class Machine:
    """Compiles loops and keeps their code."""

    def __init__(self) -> None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        target = llvm.Target.from_triple(llvm.get_process_triple())
        self.target = target.create_target_machine(
            cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3, jit=True
        )
        self.engines: list[Any] = []

    def compile(self, source: str) -> Kernel:
        """Returns the kernel of a module."""
        module = llvm.parse_assembly(source)
        module.verify()
        options = llvm.create_pipeline_tuning_options(speed_level=2)
        builder = llvm.create_pass_builder(self.target, options)
        builder.getModulePassManager().run(module, builder)
        engine = llvm.create_mcjit_compiler(module, self.target)
        engine.finalize_object()
        self.engines.append(engine)
        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
        return kind(engine.get_function_address(KERNEL))


@functools.cache
def machine() -> Machine:
    """Returns this process's."""
    return Machine()
