"""Arithmetic on planes: every value has the shape of the pixels, and a vector is a tuple of planes.

In this form a compiler turns shading into one loop over pixels, whatever their shape: a grid or a flat list.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

Vector = tuple[Tensor, ...]
Image = Tensor | None
"""Row of the batch of each pixel, int32. None: all pixels belong to one image, whose tables have a single row, so that
its values need not be fetched per pixel."""


Tables = TypeVar("Tables", bound=Any)

_one_loop: ContextVar[bool] = ContextVar("one_loop", default=False)


@contextmanager
def written_for_one_loop() -> Iterator[None]:
    """Marks that functions of planes are being traced into one loop over pixels, not run operation by operation."""
    before = _one_loop.set(True)
    try:
        yield
    finally:
        _one_loop.reset(before)


def in_one_loop(plane: Tensor) -> bool:
    """Returns whether computations on a plane become one loop over pixels or run on a GPU. Then everything is computed
    for every pixel, and control flow must not depend on values."""
    return torch.compiler.is_compiling() or plane.device.type != "cpu" or _one_loop.get()


def places(pixel: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    """Splits pixel numbers, (image * height + row) * width + column, into image, row and column."""
    height, width = size
    row = pixel // width
    image = row // height
    return image, row - image * height, pixel - row * width


def of_image(tables: Tables, image: int) -> Tables:
    """Returns the tables of one image: tables with a row per image are cut to its row.

    Args:
        tables: A dataclass of tensors and nested dataclasses; its `PER_IMAGE` names the tensors with a row per image.
        image: Row of the batch.
    """
    changes: dict[str, Any] = {}
    for name, value in vars(tables).items():
        if name in tables.PER_IMAGE:
            changes[name] = None if value is None else value[image : image + 1]
        elif hasattr(value, "PER_IMAGE"):
            changes[name] = of_image(value, image)
    return replace(tables, **changes)


_columns = WeakTensorKeyDictionary()


def take(table: Tensor, index: Image) -> tuple[Tensor, ...]:
    """Returns the columns of the rows `index` of a table.

    Args:
        table: `[N, C]`.
        index: int32 or int64 rows, any shape; None: the only row, for all pixels.

    Returns:
        C planes of the shape of `index`; single values for None.
    """
    if index is None:
        return tuple(table[0, column] for column in range(table.shape[1]))
    if in_one_loop(index):
        # One load per column in the loop over pixels. A row fits a memory sector, which is fetched once.
        return tuple(table[index, column] for column in range(table.shape[1]))
    planes = torch.index_select(columns_of(table), 1, index.reshape(-1))
    return planes.view(table.shape[1], *index.shape).unbind(0)


def columns_of(table: Tensor) -> Tensor:
    """Returns the transposed table as a contiguous copy, cached for as long as the table lives.

    Planes taken from it are contiguous: operation by operation, strided planes take several times as long.
    """
    if table.requires_grad or table.is_inference():
        return table.t()
    version, columns = _columns.get(table, (None, table))
    if version != table._version:
        columns = table.t().contiguous()
        _columns[table] = table._version, columns
    return columns


def take_one(column: Tensor, index: Tensor) -> Tensor:
    """Returns the elements of a vector at `index` (int32 or int64, any shape)."""
    if in_one_loop(index):
        return column[index]
    return torch.index_select(column, 0, index.reshape(-1)).view(index.shape)


def add_product(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """Returns a + b * c, in one pass over memory even where nothing fuses operations."""
    return torch.addcmul(a, b, c)


def dot(a: Vector, b: Vector) -> Tensor:
    """Returns the scalar product."""
    return add_product(add_product(a[0] * b[0], a[1], b[1]), a[2], b[2])


def cross(a: Vector, b: Vector) -> Vector:
    """Returns the vector product."""
    return (
        torch.addcmul(a[1] * b[2], a[2], b[1], value=-1),
        torch.addcmul(a[2] * b[0], a[0], b[2], value=-1),
        torch.addcmul(a[0] * b[1], a[1], b[0], value=-1),
    )


def subtract(a: Vector, b: Vector) -> Vector:
    """Returns a - b."""
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


def scaled(a: Vector, factor: Tensor) -> Vector:
    """Returns a * factor."""
    return a[0] * factor, a[1] * factor, a[2] * factor


def along(a: Vector, b: Vector, t: Tensor) -> Vector:
    """Returns a + b * t."""
    return add_product(a[0], b[0], t), add_product(a[1], b[1], t), add_product(a[2], b[2], t)


def rotated(matrix: Vector, a: Vector) -> Vector:
    """Returns M a; the nine planes of `matrix` are M row by row."""
    return tuple(dot(matrix[i : i + 3], a) for i in (0, 3, 6))


def unit(a: Vector) -> Vector:
    """Returns a / |a|; zero for a zero vector."""
    return scaled(a, torch.rsqrt(dot(a, a).clamp_min(1e-30)))


def mix(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Interpolates linearly: a where t is 0, b where t is 1."""
    return add_product(a, b - a, t)
