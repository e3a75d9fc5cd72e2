"""Views: operations that compute nothing but select or rearrange elements of a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from .values_llvm import Memory, Plane, Writer


def strides_of(shape: Sequence[int]) -> tuple[int, ...]:
    """Returns the strides of contiguous memory; torch's may differ for dimensions of size 1."""
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


def _select(_: Writer, value: Memory, dim: int, index: int) -> Memory:
    dim %= len(value.shape)
    is_row = value.has_rows and dim == 0
    if is_row and index < 0:
        raise NotImplementedError(f"a loop cannot count a table's rows from the end, got {index}. Pass the row.")
    rest = [i for i in range(len(value.shape)) if i != dim]
    return replace(
        value,
        shape=tuple(value.shape[i] for i in rest),
        strides=tuple(value.strides[i] for i in rest),
        offset=value.offset + value.strides[dim] * (index % value.shape[dim]),
        has_rows=value.has_rows and not is_row,
    )


def _unbind(writer: Writer, value: Memory, dim: int = 0) -> list[Memory]:
    if value.has_rows and dim % len(value.shape) == 0:
        raise NotImplementedError("a loop cannot take all rows of a table apart. Take each by its number.")
    return [_select(writer, value, dim, i) for i in range(value.shape[dim])]


def _slice(_: Writer, value: Memory, dim: int = 0, start: int | None = None, end: int | None = None) -> Memory:
    first, last = slice(start, end).indices(value.shape[dim])[:2]
    shape = list(value.shape)
    shape[dim] = last - first
    return replace(value, shape=tuple(shape), offset=value.offset + first * value.strides[dim])


def _view(_: Writer, value: Any, shape: Sequence[int]) -> Any:
    if isinstance(value, Plane):
        return value
    known = math.prod(side for side in shape if side >= 0)
    sides = tuple(side if side >= 0 else math.prod(value.shape) // known for side in shape)
    return replace(value, shape=sides, strides=strides_of(sides))


VIEWS: dict[str, Callable[..., Any]] = {
    "select": _select,
    "slice": _slice,
    "unbind": _unbind,
    "view": _view,
    "reshape": _view,
    "detach": lambda writer, value: value,
    "alias": lambda writer, value: value,
    "clone": lambda writer, value, **_: value,
    "stack": lambda writer, planes, dim=0: list(planes),
    "index": lambda writer, table, index: writer.gather(table, index[0]),
}
"""Views by torch's name. `view` and `reshape` are given contiguous memory."""
