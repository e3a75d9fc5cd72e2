"""From a graph of torch operations on planes to one loop in LLVM's language, a vector of pixels at a time.

A value is a number, a place in memory (a table or what is left of one after `select`), or a plane: a vector with one
lane per pixel. A table that is indexed by a plane is read row by row; an element of a table, once, before the loop.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from llvmlite import ir  # type: ignore[import-untyped]
from torch.fx import Graph, Node

from .vectors_llvm import FAST, INT32, INT64, by_lane, columns, element_bytes, exp2, intrinsic, log2, splat, to_integers

KERNEL = "kernel"
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
LONGEST = 8
"""Elements of a row that are loaded at once."""

PLACEMENT = ("dtype", "layout", "device", "pin_memory", "memory_format", "non_blocking")
"""What an operation may be told about its result, which the graph knows."""


@dataclass(frozen=True)
class Memory:
    """Elements of an input."""

    base: int
    """Number of the input."""
    dtype: torch.dtype
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0


@dataclass(frozen=True)
class Plane:
    """A value of each pixel."""

    lanes: Any
    dtype: torch.dtype


Value = Memory | Plane | float | int | bool


def emit(graph: Graph, tables: int, lanes: int) -> tuple[str, int]:
    """Returns the number of outputs, and before it a module with `void kernel(i8** pointers, i64 first, i64 end)`.

    It computes the elements `first` to `end` of the outputs, at least `lanes` of them; the pointers are those of the
    inputs, then those of the outputs.

    Args:
        graph: As `trace` returns it.
        tables: So many of its inputs are tables, the rest planes.
        lanes: Pixels at a time: a power of two.

    Raises:
        NotImplementedError: There is no such operation here, or a tensor that is no input.
    """
    module = ir.Module(KERNEL)
    pointers = BYTE.as_pointer().as_pointer()
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [pointers, INT64, INT64]), KERNEL)
    entry, body, done = (function.append_basic_block(name) for name in ("entry", "body", "done"))
    before, builder = ir.IRBuilder(entry), ir.IRBuilder(body)
    _, first, end = function.args
    last = before.sub(end, ir.Constant(INT64, lanes))
    # The last vector may take some pixels once more.
    at = builder.phi(INT64)
    place = builder.select(builder.icmp_signed("<", at, last), at, last)
    outputs = _Loop(graph, tables, lanes, function.args[0], place, before, builder).write()
    following = builder.add(at, ir.Constant(INT64, lanes))
    at.add_incoming(first, entry)
    at.add_incoming(following, body)
    builder.cbranch(builder.icmp_signed("<", following, end), body, done)
    before.branch(body)
    ir.IRBuilder(done).ret_void()
    return str(module), outputs


class _Loop:
    """Writes the body of the loop."""

    def __init__(
        self, graph: Graph, tables: int, lanes: int, pointers: Any, place: Any, before: Any, builder: Any
    ) -> None:
        self.graph, self.tables, self.lanes = graph, tables, lanes
        self.pointers, self.place = pointers, place
        self.before, self.builder = before, builder
        self.bases: dict[int, Any] = {}
        self.uniform: dict[Memory, Any] = {}
        self.rows: dict[tuple[int, int, int, int], dict[int, Any]] = {}

    def write(self) -> int:
        """Writes it all and returns the number of outputs."""
        values: dict[Node, Any] = {}
        inputs, outputs = 0, []
        for node in self.graph.nodes:
            if node.op == "placeholder":
                values[node] = self._input(node, inputs)
                inputs += 1
            elif node.op == "output":
                found = torch.fx.node.map_arg(node.args[0], values.__getitem__)
                outputs = list(found) if isinstance(found, list | tuple) else [found]
            elif node.op == "get_attr":
                raise NotImplementedError(
                    "a tensor cannot be a constant of a loop over planes. Put it into the tables."
                )
            else:
                args, kwargs = torch.fx.node.map_arg((node.args, node.kwargs), values.__getitem__)
                values[node] = self._call(node, *args, **kwargs)
        self._store(outputs, inputs)
        return len(outputs)

    def _input(self, node: Node, number: int) -> Value:
        meta = node.meta["tensor_meta"]
        if number < self.tables:
            return Memory(number, meta.dtype, tuple(meta.shape), tuple(meta.stride))
        kind = ir.VectorType(_stored(meta.dtype), self.lanes)
        address = self.builder.gep(self._base(number, kind.element), [self.place])
        return self._plane(self.builder.load(self._as(address, kind), align=element_bytes(kind.element)), meta.dtype)

    def _store(self, planes: Sequence[Value], first: int) -> None:
        for number, plane in enumerate(planes, start=first):
            kind = ir.VectorType(ir.FloatType(), self.lanes)
            address = self.builder.gep(self._base(number, kind.element), [self.place])
            self.builder.store(self.vector(plane, torch.float32), self._as(address, kind), align=4)

    def _base(self, number: int, element: Any) -> Any:
        """Returns the address of an input or output, which is fetched once."""
        if number not in self.bases:
            self.bases[number] = self.before.load(self.before.gep(self.pointers, [ir.Constant(INT64, number)]))
        return self.before.bitcast(self.bases[number], element.as_pointer())

    def _as(self, address: Any, kind: Any) -> Any:
        return self.builder.bitcast(address, kind.as_pointer())

    def _plane(self, stored: Any, dtype: torch.dtype) -> Plane:
        if dtype != torch.bool:
            return Plane(stored, dtype)
        return Plane(self.builder.icmp_unsigned("!=", stored, ir.Constant(stored.type, None)), dtype)

    def _call(self, node: Node, *args: Any, **kwargs: Any) -> Any:
        if node.target is operator.getitem:
            return args[0][args[1]]
        name = node.target.overloadpacket.__name__  # type: ignore[union-attr]
        kwargs = {key: value for key, value in kwargs.items() if key not in PLACEMENT}
        if name in VIEWS:
            return VIEWS[name](self, *args, **kwargs)
        if name not in OPERATIONS:
            raise NotImplementedError(f"{node.target} cannot be part of a loop over planes. Add it to {__name__}.")
        return OPERATIONS[name](self, node.meta["tensor_meta"].dtype, *args, **kwargs)

    def vector(self, value: Value, dtype: torch.dtype) -> Any:
        """Returns a value as a vector of some type."""
        if isinstance(value, Plane):
            return self._converted(value, dtype)
        if not isinstance(value, Memory):
            return splat(self.builder, ir.Constant(TYPES[dtype], _constant(value, dtype)), self.lanes)
        if value not in self.uniform:
            element = _stored(value.dtype)
            address = self.before.gep(self._base(value.base, element), [ir.Constant(INT64, value.offset)])
            self.uniform[value] = splat(self.before, self.before.load(address), self.lanes)
        return self._converted(self._plane(self.uniform[value], value.dtype), dtype)

    def _converted(self, plane: Plane, dtype: torch.dtype) -> Any:
        source, target = plane.dtype, dtype
        if source == target:
            return plane.lanes
        kind = ir.VectorType(TYPES[target], self.lanes)
        if target == torch.bool:
            zero = ir.Constant(plane.lanes.type, None)
            different = self.builder.fcmp_unordered if source.is_floating_point else self.builder.icmp_signed
            return different("!=", plane.lanes, zero)
        if target.is_floating_point:
            unsigned = source in (torch.bool, torch.uint8)
            return (self.builder.uitofp if unsigned else self.builder.sitofp)(plane.lanes, kind)
        if source.is_floating_point:
            return to_integers(self.builder, plane.lanes, kind)
        if source in (torch.bool, torch.uint8):
            return self.builder.zext(plane.lanes, kind)
        wider = TYPES[target].width > TYPES[source].width
        return (self.builder.sext if wider else self.builder.trunc)(plane.lanes, kind)

    def gather(self, table: Memory, index: Plane) -> Plane:
        """Returns the elements of a column of a table, at a row for each pixel."""
        width = table.strides[0]
        number, column = divmod(table.offset, width) if width else (0, table.offset)
        start, size = _piece(width, column)
        key = (table.base, width, number * width + start, id(index.lanes))
        if key not in self.rows:
            self.rows[key] = self._read(table, index, number * width + start, size)
        return self._plane(self.rows[key][column - start], table.dtype)

    def _read(self, table: Memory, index: Plane, start: int, size: int) -> dict[int, Any]:
        element, width = _stored(table.dtype), table.strides[0]
        rows = self.vector(index, torch.int64)
        elements = self.builder.mul(rows, splat(self.builder, ir.Constant(INT64, width), self.lanes))
        base = self.builder.gep(self._base(table.base, element), [ir.Constant(INT64, start)])
        addresses = [
            self.builder.gep(base, [self.builder.extract_element(elements, ir.Constant(INT32, lane))])
            for lane in range(self.lanes)
        ]
        return dict(enumerate(columns(self.builder, addresses, element, size)))


def _stored(dtype: torch.dtype) -> Any:
    return BYTE if dtype == torch.bool else TYPES[dtype]


def _constant(value: float, dtype: torch.dtype) -> float:
    return float(value) if dtype.is_floating_point else int(value)


def _piece(width: int, column: int) -> tuple[int, int]:
    """Returns the part of a row that a column is loaded with: where it starts and its length, a power of two."""
    start, size = 0, LONGEST
    while True:
        while size > width - start:
            size //= 2
        if column < start + size:
            return start, size
        start += size


def _select(_: _Loop, value: Memory, dim: int, index: int) -> Memory:
    rest = [i for i in range(len(value.shape)) if i != dim % len(value.shape)]
    step = value.strides[dim] * (index % value.shape[dim] if index < 0 else index)
    return replace(
        value,
        shape=tuple(value.shape[i] for i in rest),
        strides=tuple(value.strides[i] for i in rest),
        offset=value.offset + step,
    )


def _unbind(loop: _Loop, value: Memory, dim: int = 0) -> list[Memory]:
    return [_select(loop, value, dim, i) for i in range(value.shape[dim])]


def _slice(_: _Loop, value: Memory, dim: int = 0, start: int | None = None, end: int | None = None) -> Memory:
    first, last, _ = slice(start, end).indices(value.shape[dim])
    shape = list(value.shape)
    shape[dim] = last - first
    return replace(value, shape=tuple(shape), offset=value.offset + first * value.strides[dim])


def _view(_: _Loop, value: Any, shape: Sequence[int]) -> Any:
    if isinstance(value, Plane):
        return value
    count = 1
    for side in value.shape:
        count *= side
    known = 1
    for side in shape:
        known *= side if side >= 0 else 1
    sides = tuple(side if side >= 0 else count // known for side in shape)
    strides, step = [], 1
    for side in reversed(sides):
        strides.append(step)
        step *= side
    return replace(value, shape=sides, strides=tuple(reversed(strides)))


VIEWS: dict[str, Callable[..., Any]] = {
    "select": _select,
    "slice": _slice,
    "unbind": _unbind,
    "view": _view,
    "reshape": _view,
    "detach": lambda loop, value: value,
    "alias": lambda loop, value: value,
    "clone": lambda loop, value, **_: value,
    "stack": lambda loop, planes, dim=0: list(planes),
    "index": lambda loop, table, index: loop.gather(table, index[0]),
}
"""Operations that compute nothing. Memory is contiguous where it is viewed in another shape."""


def _arithmetic(on_floats: str, on_integers: str) -> Callable[..., Plane]:
    def run(loop: _Loop, dtype: torch.dtype, a: Value, b: Value, alpha: float = 1) -> Plane:
        x, y = loop.vector(a, dtype), loop.vector(b, dtype)
        if alpha != 1:
            y = _product(loop, dtype, Plane(y, dtype), alpha).lanes
        if dtype.is_floating_point:
            return Plane(getattr(loop.builder, on_floats)(x, y, FAST), dtype)
        return Plane(getattr(loop.builder, on_integers)(x, y), dtype)

    return run


_sum, _difference, _product = _arithmetic("fadd", "add"), _arithmetic("fsub", "sub"), _arithmetic("fmul", "mul")
_quotient = _arithmetic("fdiv", "sdiv")


def _add_product(loop: _Loop, dtype: torch.dtype, a: Value, b: Value, c: Value, value: float = 1) -> Plane:
    return _sum(loop, dtype, a, _product(loop, dtype, b, c), alpha=value)


def _bits(instruction: str) -> Callable[..., Plane]:
    def run(loop: _Loop, dtype: torch.dtype, a: Value, b: Value) -> Plane:
        return Plane(getattr(loop.builder, instruction)(loop.vector(a, dtype), loop.vector(b, dtype)), dtype)

    return run


def _comparison(sign: str) -> Callable[..., Plane]:
    def run(loop: _Loop, dtype: torch.dtype, a: Value, b: Value) -> Plane:
        common = _common(a, b)
        x, y = loop.vector(a, common), loop.vector(b, common)
        if not common.is_floating_point:
            return Plane(loop.builder.icmp_signed(sign, x, y), torch.bool)
        compare = loop.builder.fcmp_unordered if sign == "!=" else loop.builder.fcmp_ordered
        return Plane(compare(sign, x, y), torch.bool)

    return run


def _common(a: Value, b: Value) -> torch.dtype:
    """Returns the type that two values are compared in: a number takes the other's, unless it is a fraction."""
    tensors = [x.dtype for x in (a, b) if isinstance(x, Memory | Plane)]
    fraction = any(isinstance(x, float) for x in (a, b)) and not any(t.is_floating_point for t in tensors)
    common = tensors[0] if len(tensors) == 1 else torch.promote_types(*tensors)
    return torch.float32 if fraction else common


def _bounded(loop: _Loop, dtype: torch.dtype, a: Value, bound: Value, sign: str) -> Plane:
    """Returns a where it is not beyond the bound, which is the answer of what is not a number as well."""
    x, y = loop.vector(a, dtype), loop.vector(bound, dtype)
    compare = loop.builder.fcmp_ordered if dtype.is_floating_point else loop.builder.icmp_signed
    return Plane(loop.builder.select(compare(sign, x, y), y, x), dtype)


def _clamp(
    loop: _Loop,
    dtype: torch.dtype,
    a: Value,
    min: Value | None = None,
    max: Value | None = None,
) -> Value:
    if min is not None:
        a = _bounded(loop, dtype, a, min, "<")
    return a if max is None else _bounded(loop, dtype, a, max, ">")


def _power(loop: _Loop, dtype: torch.dtype, a: Value, exponent: float) -> Plane:
    if exponent in (1, 2, 3, 4):
        result = factor = Plane(loop.vector(a, dtype), dtype)
        for _ in range(int(exponent) - 1):
            result = _product(loop, dtype, result, factor)
        return result
    # Zero to a positive power is zero: what becomes of the smallest number is as good.
    positive = _bounded(loop, dtype, a, 1.2e-38, "<")
    logarithm = _product(loop, dtype, Plane(log2(loop.builder, positive.lanes), dtype), exponent)
    return Plane(exp2(loop.builder, logarithm.lanes), dtype)


def _where(loop: _Loop, dtype: torch.dtype, condition: Value, a: Value, b: Value) -> Plane:
    chosen = loop.vector(condition, torch.bool)
    return Plane(loop.builder.select(chosen, loop.vector(a, dtype), loop.vector(b, dtype)), dtype)


def _floor_divide(loop: _Loop, dtype: torch.dtype, a: Value, b: int) -> Plane:
    """Divides by a positive whole number, rounding down."""
    quotient, zero = _quotient(loop, dtype, a, b), loop.vector(0, dtype)
    rest = loop.builder.sub(loop.vector(a, dtype), _product(loop, dtype, quotient, b).lanes)
    borrow = loop.builder.sext(loop.builder.icmp_signed("<", rest, zero), rest.type)
    return Plane(loop.builder.add(quotient.lanes, borrow), dtype)


def _remainder(loop: _Loop, dtype: torch.dtype, a: Value, b: float) -> Plane:
    if not dtype.is_floating_point:
        return _difference(loop, dtype, a, _product(loop, dtype, _floor_divide(loop, dtype, a, int(b)), b))
    whole = intrinsic(loop.builder, "floor", _product(loop, dtype, a, 1 / b).lanes)
    return _difference(loop, dtype, a, _product(loop, dtype, Plane(whole, dtype), b))


def _intrinsic(name: str) -> Callable[..., Plane]:
    return lambda loop, dtype, a: Plane(intrinsic(loop.builder, name, loop.vector(a, dtype)), dtype)


def _library(name: str) -> Callable[..., Plane]:
    return lambda loop, dtype, *args: Plane(by_lane(loop.builder, name, *(loop.vector(a, dtype) for a in args)), dtype)


def _absolute(loop: _Loop, dtype: torch.dtype, a: Value) -> Plane:
    if dtype.is_floating_point:
        return _intrinsic("fabs")(loop, dtype, a)
    x = loop.vector(a, dtype)
    negative = loop.builder.icmp_signed("<", x, ir.Constant(x.type, None))
    return Plane(loop.builder.select(negative, loop.builder.neg(x), x), dtype)


def _reciprocal_root(loop: _Loop, dtype: torch.dtype, a: Value) -> Plane:
    return _quotient(loop, dtype, 1.0, _intrinsic("sqrt")(loop, dtype, a))


def _number(value_first: bool) -> Callable[..., Plane]:
    def run(loop: _Loop, dtype: torch.dtype, a: Any, value: float = 0, **_: Any) -> Plane:
        return Plane(loop.vector(a if value_first else value, dtype), dtype)

    return run


OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": _sum,
    "sub": _difference,
    "rsub": lambda loop, dtype, a, b, alpha=1: _difference(loop, dtype, b, a, alpha),
    "mul": _product,
    "div": _quotient,
    "addcmul": _add_product,
    "neg": lambda loop, dtype, a: _difference(loop, dtype, 0, a),
    "reciprocal": lambda loop, dtype, a: _quotient(loop, dtype, 1.0, a),
    "rsqrt": _reciprocal_root,
    "sqrt": _intrinsic("sqrt"),
    "floor": _intrinsic("floor"),
    "round": _intrinsic("rint"),
    "abs": _absolute,
    "square": lambda loop, dtype, a: _power(loop, dtype, a, 2),
    "pow": _power,
    "log2": lambda loop, dtype, a: Plane(log2(loop.builder, loop.vector(a, dtype)), dtype),
    "exp2": lambda loop, dtype, a: Plane(exp2(loop.builder, loop.vector(a, dtype)), dtype),
    "sin": _library("sinf"),
    "cos": _library("cosf"),
    "acos": _library("acosf"),
    "atan2": _library("atan2f"),
    "clamp": _clamp,
    "clamp_min": lambda loop, dtype, a, bound: _bounded(loop, dtype, a, bound, "<"),
    "clamp_max": lambda loop, dtype, a, bound: _bounded(loop, dtype, a, bound, ">"),
    "maximum": lambda loop, dtype, a, b: _bounded(loop, dtype, a, b, "<"),
    "minimum": lambda loop, dtype, a, b: _bounded(loop, dtype, a, b, ">"),
    "where": _where,
    "lt": _comparison("<"),
    "le": _comparison("<="),
    "gt": _comparison(">"),
    "ge": _comparison(">="),
    "eq": _comparison("=="),
    "ne": _comparison("!="),
    "bitwise_and": _bits("and_"),
    "bitwise_or": _bits("or_"),
    "bitwise_xor": _bits("xor"),
    "logical_and": _bits("and_"),
    "logical_or": _bits("or_"),
    "bitwise_not": lambda loop, dtype, a: Plane(loop.builder.not_(loop.vector(a, dtype)), dtype),
    "logical_not": lambda loop, dtype, a: Plane(loop.builder.not_(loop.vector(a, torch.bool)), torch.bool),
    "__lshift__": _bits("shl"),
    "bitwise_left_shift": _bits("shl"),
    "__rshift__": _bits("ashr"),
    "bitwise_right_shift": _bits("ashr"),
    "floor_divide": _floor_divide,
    "remainder": _remainder,
    "_to_copy": lambda loop, dtype, a, **_: Plane(loop.vector(a, dtype), dtype),
    "full_like": _number(False),
    "zeros_like": _number(False),
    "ones_like": lambda loop, dtype, a, **_: Plane(loop.vector(1, dtype), dtype),
    "scalar_tensor": _number(True),
}
"""By the name of torch's operation: what it makes of the type of its result and of its arguments."""
