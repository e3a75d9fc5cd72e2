"""Runs functions of planes as compiled loops, on as many threads as torch may use."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from ondr.fusion.trace import trace
from ondr.leaves import leaves_of
from ondr.runtime.threads import ForkedLock, thread_count

SHARE = 4096
"""Least number of elements for a task of its own: some 100 microseconds of shading."""


@dataclass(frozen=True)
class Job:
    """A range of the planes' elements, with the tables for it."""

    tables: Any
    """A nested dataclass of tensors."""
    first: int
    end: int


def run(
    function: Callable[..., Any],
    jobs: Sequence[Job],
    planes: Sequence[Tensor],
    *static: Hashable,
    out: Float32[Tensor, "plane element"] | None = None,
) -> Float32[Tensor, "plane element"]:
    """Computes `function(tables, *planes, *static)` for every job's range of the planes, without gradients.

    Args:
        function: Takes tables and planes, returns planes in a tuple or stacked. It is traced and compiled once for each
            kind of tables, in a second or two, whatever their numbers of rows. Its indices into tables must be valid
            and not negative: they are not checked.
        jobs: Their ranges do not overlap. All their tables are of one kind.
        planes: Vectors of one length on the CPU.
        out: Contiguous memory for the result; None: new memory.
        static: Further arguments of the function; it is compiled anew for others.

    Returns:
        `out`, if it is given. Elements in no job's range are not written.

    Raises:
        NotImplementedError: The function contains something that `emit_llvm` cannot emit, such as an unknown operation.
    """
    planes = [plane.contiguous() for plane in planes]
    kernel, count = _kernel(function, jobs[0].tables, planes, static)
    if out is None:
        out = torch.empty(count, len(planes[0]), dtype=torch.float32, device="cpu")
    tasks = [task for job in jobs for task in _tasks(kernel, job, planes, out)]
    _run_all(tasks)
    return out


_kernels: dict[Any, tuple[Any, int]] = {}
_compiling = ForkedLock()


def _kernel(
    function: Callable[..., Any], tables: Any, planes: Sequence[Tensor], static: Sequence[Any]
) -> tuple[Any, int]:
    """Returns the compiled function and its number of outputs."""
    leaves = tuple((leaf.dtype, leaf.dim(), leaf.shape[1:]) for leaf in leaves_of(tables))
    key = (function, _kind(tables), leaves, tuple(plane.dtype for plane in planes), static)
    with _compiling.held():
        if key not in _kernels:
            _kernels[key] = _compile(function, tables, planes, static)
        return _kernels[key]


def _kind(tables: Any) -> Hashable:
    """Returns a key for which fields of a nested dataclass hold tensors."""
    if isinstance(tables, Tensor):
        return True
    return (
        tuple((name, _kind(value)) for name, value in vars(tables).items()) if hasattr(tables, "__dict__") else tables
    )


def _compile(
    function: Callable[..., Any], tables: Any, planes: Sequence[Tensor], static: Sequence[Any]
) -> tuple[Any, int]:
    from ondr.fusion.emit_llvm import emit
    from ondr.fusion.machine_llvm import lanes, machine

    graph = trace(function, tables, planes, static).graph
    source, count = emit(graph, len(list(leaves_of(tables))), lanes())
    return machine().compile(source), count


def _tasks(kernel: Any, job: Job, planes: Sequence[Tensor], out: Tensor) -> Iterator[Callable[[], None]]:
    """Yields the tasks of a job: a long one is split for several threads."""
    from ondr.fusion.machine_llvm import lanes

    number = job.end - job.first
    if number < lanes():
        yield functools.partial(_run_short, kernel, job, planes, out)
        return
    tensors = [*(leaf.contiguous() for leaf in leaves_of(job.tables)), *planes, *out]
    pointers = _pointers(tensors)
    parts = max(1, min(number // SHARE, 2 * thread_count()))
    for i in range(parts):
        first, end = (job.first + number * k // parts for k in (i, i + 1))
        yield functools.partial(_run_long, kernel, pointers, first, end, tensors)


def _run_long(kernel: Any, pointers: np.ndarray, first: int, end: int, _tensors: list[Tensor]) -> None:
    # `_tensors` keeps their memory alive while the kernel runs, even if the caller was interrupted.
    kernel(pointers.ctypes.data, first, end)


def _run_short(kernel: Any, job: Job, planes: Sequence[Tensor], out: Tensor) -> None:
    """Computes fewer elements than a vector has lanes; the other lanes repeat the last element."""
    from ondr.fusion.machine_llvm import lanes

    if job.end == job.first:
        return
    number = job.end - job.first
    place = torch.arange(lanes(), device="cpu").clamp_max(number - 1) + job.first
    leaves, some = [leaf.contiguous() for leaf in leaves_of(job.tables)], [plane[place] for plane in planes]
    found = out.new_empty(len(out), lanes())
    kernel(_pointers([*leaves, *some, *found]).ctypes.data, 0, lanes())
    out[:, job.first : job.end] = found[:, :number]


def _pointers(tensors: Sequence[Tensor]) -> np.ndarray:
    return np.array([tensor.data_ptr() for tensor in tensors], np.uint64)


@functools.cache
def _pool(count: int, process: int) -> ThreadPoolExecutor:
    """Returns the helper threads of a process: they do not survive a fork."""
    return ThreadPoolExecutor(count, thread_name_prefix="ondr")


def _run_all(tasks: Sequence[Callable[[], None]]) -> None:
    """Runs tasks on all threads, this one included; each takes the next task when it has finished one."""
    helpers = min(thread_count(), len(tasks)) - 1
    rest = iter(tasks)
    if helpers < 1:
        return _work(rest)
    pool = _pool(thread_count() - 1, os.getpid())
    others = [pool.submit(_work, rest) for _ in range(helpers)]
    try:
        _work(rest)
    finally:
        # After an interrupt, no helper may go on writing: drop the remaining tasks and wait.
        for _ in rest:
            pass
        wait(others)
    for other in others:
        other.result()


def _work(tasks: Iterator[Callable[[], None]]) -> None:
    for task in tasks:
        task()
