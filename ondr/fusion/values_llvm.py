"""Values in a loop over planes and their conversion to vectors, one lane for each pixel.

A value is a number, a piece of memory (a table or a view of one), or a plane. A table that is indexed by a plane is
read row by row; a single element of a table once, before the loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from llvmlite import ir  # type: ignore[import-untyped]

from .vectors_llvm import INT32, INT64, columns, element_bytes, splat, to_integers

BYTE = ir.IntType(8)
TYPES = {
    torch.bool: ir.IntType(1),
    torch.uint8: BYTE,
    torch.int16: ir.IntType(16),
    torch.int32: INT32,
    torch.int64: INT64,
    torch.float32: ir.FloatType(),
}
"""A bool takes a byte in memory."""
UNSIGNED = (torch.bool, torch.uint8)
LONGEST = 8
"""Most elements of a row that are loaded at once."""


@dataclass(frozen=True)
class Memory:
    """A view of an input."""

    base: int
    """Number of the input."""
    dtype: torch.dtype
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0
    has_rows: bool = True
    """Whether the first dimension is the input's rows, whose number may differ in the next call."""


@dataclass(frozen=True)
class Plane:
    """One value for each pixel."""

    lanes: Any
    dtype: torch.dtype


Value = Memory | Plane | float | int | bool


class Writer:
    """Emits instructions into the body of a loop, and in front of it those that are the same for all pixels."""

    def __init__(self, builder: Any, before: Any, pointers: Any, place: Any, lanes: int) -> None:
        """Begins with nothing.

        Args:
            builder: Builder of the loop's body.
            before: Builder of the block in front of the loop.
            pointers: Addresses of inputs and outputs.
            place: The first of the pixels whose turn it is.
            lanes: How many there are.
        """
        self.builder, self.before = builder, before
        self.pointers, self.place, self.lanes = pointers, place, lanes
        self.bases: dict[int, Any] = {}
        self.uniform: dict[Memory, Any] = {}
        self.rows: dict[tuple[int, int, int, int], dict[int, Any]] = {}

    def load(self, number: int, dtype: torch.dtype) -> Plane:
        """Loads the current elements of an input."""
        kind = ir.VectorType(stored(dtype), self.lanes)
        address = self.builder.gep(self._base(number, kind.element), [self.place])
        return self._plane(self.builder.load(self._as(address, kind), align=element_bytes(kind.element)), dtype)

    def store(self, number: int, plane: Value) -> None:
        """Stores the current elements of an output."""
        kind = ir.VectorType(ir.FloatType(), self.lanes)
        address = self.builder.gep(self._base(number, kind.element), [self.place])
        self.builder.store(self.vector(plane, torch.float32), self._as(address, kind), align=4)

    def _base(self, number: int, element: Any) -> Any:
        """Returns the address of an input or output, which is loaded once."""
        if number not in self.bases:
            self.bases[number] = self.before.load(self.before.gep(self.pointers, [ir.Constant(INT64, number)]))
        return self.before.bitcast(self.bases[number], element.as_pointer())

    def _as(self, address: Any, kind: Any) -> Any:
        return self.builder.bitcast(address, kind.as_pointer())

    def _plane(self, stored: Any, dtype: torch.dtype) -> Plane:
        if dtype != torch.bool:
            return Plane(stored, dtype)
        return Plane(self.builder.icmp_unsigned("!=", stored, ir.Constant(stored.type, None)), dtype)

    def vector(self, value: Value, dtype: torch.dtype) -> Any:
        """Returns a value as a vector of a type."""
        if isinstance(value, Plane):
            return self._converted(value, dtype)
        if not isinstance(value, Memory):
            return splat(self.builder, ir.Constant(_type(dtype), _constant(value, dtype)), self.lanes)
        if value not in self.uniform:
            element = stored(value.dtype)
            address = self.before.gep(self._base(value.base, element), [ir.Constant(INT64, value.offset)])
            self.uniform[value] = splat(self.before, self.before.load(address), self.lanes)
        return self._converted(self._plane(self.uniform[value], value.dtype), dtype)

    def _converted(self, plane: Plane, dtype: torch.dtype) -> Any:
        source, target = plane.dtype, dtype
        if source == target:
            return plane.lanes
        kind = ir.VectorType(_type(target), self.lanes)
        if target == torch.bool:
            return self.compare("!=", plane.lanes, ir.Constant(plane.lanes.type, None), source)
        if target.is_floating_point:
            return (self.builder.uitofp if source in UNSIGNED else self.builder.sitofp)(plane.lanes, kind)
        if source.is_floating_point:
            return to_integers(self.builder, plane.lanes, kind)
        if source in UNSIGNED:
            return self.builder.zext(plane.lanes, kind)
        wider = TYPES[target].width > TYPES[source].width
        return (self.builder.sext if wider else self.builder.trunc)(plane.lanes, kind)

    def compare(self, sign: str, x: Any, y: Any, dtype: torch.dtype) -> Any:
        """Compares two vectors of one type lane by lane."""
        if dtype.is_floating_point:
            return (self.builder.fcmp_unordered if sign == "!=" else self.builder.fcmp_ordered)(sign, x, y)
        return (self.builder.icmp_unsigned if dtype in UNSIGNED else self.builder.icmp_signed)(sign, x, y)

    def gather(self, table: Memory, index: Plane) -> Plane:
        """Returns the elements of a table's column at each pixel's row."""
        width = table.strides[0]
        number, column = divmod(table.offset, width) if width else (0, table.offset)
        start, size = _piece(width, column)
        key = (table.base, width, number * width + start, id(index.lanes))
        if key not in self.rows:
            self.rows[key] = self._read(table, index, number * width + start, size)
        return self._plane(self.rows[key][column - start], table.dtype)

    def _read(self, table: Memory, index: Plane, start: int, size: int) -> dict[int, Any]:
        element, width = stored(table.dtype), table.strides[0]
        rows = self.vector(index, torch.int64)
        elements = self.builder.mul(rows, splat(self.builder, ir.Constant(INT64, width), self.lanes))
        base = self.builder.gep(self._base(table.base, element), [ir.Constant(INT64, start)])
        addresses = [
            self.builder.gep(base, [self.builder.extract_element(elements, ir.Constant(INT32, lane))])
            for lane in range(self.lanes)
        ]
        return dict(enumerate(columns(self.builder, addresses, element, size)))


def _type(dtype: torch.dtype) -> Any:
    if dtype not in TYPES:
        raise NotImplementedError(f"{dtype} cannot be part of a loop over planes. Convert it to one of {list(TYPES)}.")
    return TYPES[dtype]


def stored(dtype: torch.dtype) -> Any:
    return BYTE if dtype == torch.bool else _type(dtype)


def _constant(value: float, dtype: torch.dtype) -> float:
    return float(value) if dtype.is_floating_point else int(value)


def _piece(width: int, column: int) -> tuple[int, int]:
    """Returns the piece of a row with which a column is loaded: its start and its length, a power of two."""
    start, size = 0, LONGEST
    while True:
        while size > width - start:
            size //= 2
        if column < start + size:
            return start, size
        start += size
