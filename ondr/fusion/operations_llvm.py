"""torch operations on planes as LLVM instructions on vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from llvmlite import ir  # type: ignore[import-untyped]

from .values_llvm import UNSIGNED, Memory, Plane, Value, Writer
from .vectors_llvm import FAST, by_lane, exp2, intrinsic, log2


def _arithmetic(on_floats: str, on_integers: str) -> Callable[..., Plane]:
    def run(w: Writer, dtype: torch.dtype, a: Value, b: Value, alpha: float = 1) -> Plane:
        x, y = w.vector(a, dtype), w.vector(b, dtype)
        if alpha != 1:
            y = _product(w, dtype, Plane(y, dtype), alpha).lanes
        if dtype.is_floating_point:
            return Plane(getattr(w.builder, on_floats)(x, y, FAST), dtype)
        if dtype == torch.bool:
            raise NotImplementedError("truth values cannot be computed with in a loop over planes. Use &, | and ^.")
        return Plane(getattr(w.builder, on_integers)(x, y), dtype)

    return run


_sum, _difference, _product = _arithmetic("fadd", "add"), _arithmetic("fsub", "sub"), _arithmetic("fmul", "mul")


def _quotient(w: Writer, dtype: torch.dtype, a: Value, b: Value) -> Plane:
    x, y = w.vector(a, dtype), w.vector(b, dtype)
    if dtype.is_floating_point:
        return Plane(w.builder.fdiv(x, y, FAST), dtype)
    return Plane((w.builder.udiv if dtype in UNSIGNED else w.builder.sdiv)(x, y), dtype)


def _add_product(w: Writer, dtype: torch.dtype, a: Value, b: Value, c: Value, value: float = 1) -> Plane:
    return _sum(w, dtype, a, _product(w, dtype, b, c), alpha=value)


def _bits(instruction: str) -> Callable[..., Plane]:
    def run(w: Writer, dtype: torch.dtype, a: Value, b: Value) -> Plane:
        return Plane(getattr(w.builder, instruction)(w.vector(a, dtype), w.vector(b, dtype)), dtype)

    return run


def _right_shift(w: Writer, dtype: torch.dtype, a: Value, b: Value) -> Plane:
    return _bits("lshr" if dtype in UNSIGNED else "ashr")(w, dtype, a, b)


def _comparison(sign: str) -> Callable[..., Plane]:
    def run(w: Writer, dtype: torch.dtype, a: Value, b: Value) -> Plane:
        common = _common(a, b)
        return Plane(w.compare(sign, w.vector(a, common), w.vector(b, common), common), torch.bool)

    return run


def _common(a: Value, b: Value) -> torch.dtype:
    """Returns the type in which two values are compared: a Python number takes the tensor's if that can hold it."""
    tensors = [x.dtype for x in (a, b) if isinstance(x, Memory | Plane)]
    common = tensors[0] if len(tensors) == 1 else torch.promote_types(*tensors)
    if any(isinstance(x, float) for x in (a, b)):
        return torch.promote_types(common, torch.float32)
    return torch.int32 if common == torch.bool and len(tensors) == 1 else common


def _bounded(w: Writer, dtype: torch.dtype, a: Value, bound: Value, sign: str) -> Plane:
    """Returns a, or the bound where a is beyond it; NaN where either is NaN."""
    x, y = w.vector(a, dtype), w.vector(bound, dtype)
    beyond = w.compare(sign, x, y, dtype)
    if dtype.is_floating_point and isinstance(bound, Memory | Plane):
        beyond = w.builder.or_(beyond, w.compare("!=", y, y, dtype))
    return Plane(w.builder.select(beyond, y, x), dtype)


def _clamp(
    w: Writer,
    dtype: torch.dtype,
    a: Value,
    min: Value | None = None,
    max: Value | None = None,
) -> Value:
    if min is not None:
        a = _bounded(w, dtype, a, min, "<")
    return a if max is None else _bounded(w, dtype, a, max, ">")


def _power(w: Writer, dtype: torch.dtype, a: Value, exponent: float) -> Plane:
    if exponent in (1, 2, 3, 4):
        result = factor = Plane(w.vector(a, dtype), dtype)
        for _ in range(int(exponent) - 1):
            result = _product(w, dtype, result, factor)
        return result
    # Zero is replaced by the smallest normal number, whose positive powers are close enough to 0.
    positive = _bounded(w, dtype, a, 1.2e-38, "<")
    logarithm = _product(w, dtype, Plane(log2(w.builder, positive.lanes), dtype), exponent)
    return Plane(exp2(w.builder, logarithm.lanes), dtype)


def _where(w: Writer, dtype: torch.dtype, condition: Value, a: Value, b: Value) -> Plane:
    chosen = w.vector(condition, torch.bool)
    return Plane(w.builder.select(chosen, w.vector(a, dtype), w.vector(b, dtype)), dtype)


def _floor_divide(w: Writer, dtype: torch.dtype, a: Value, b: Value) -> Plane:
    """Divides integers by positive integers, rounding down."""
    if dtype.is_floating_point:
        raise NotImplementedError("fractions cannot be divided with // in a loop over planes. Use / and floor.")
    quotient, zero = _quotient(w, dtype, a, b), w.vector(0, dtype)
    rest = w.builder.sub(w.vector(a, dtype), _product(w, dtype, quotient, b).lanes)
    borrow = w.builder.sext(w.compare("<", rest, zero, dtype), rest.type)
    return Plane(w.builder.add(quotient.lanes, borrow), dtype)


def _remainder(w: Writer, dtype: torch.dtype, a: Value, b: Value) -> Plane:
    if dtype.is_floating_point:
        # Not by multiplication with 1 / b, which could round the quotient of a multiple of b below its integer.
        quotient = w.builder.fdiv(w.vector(a, dtype), w.vector(b, dtype))
        whole = Plane(intrinsic(w.builder, "floor", quotient), dtype)
    else:
        whole = _floor_divide(w, dtype, a, b)
    return _difference(w, dtype, a, _product(w, dtype, whole, b))


def _intrinsic(name: str) -> Callable[..., Plane]:
    return lambda w, dtype, a: Plane(intrinsic(w.builder, name, w.vector(a, dtype)), dtype)


def _library(name: str) -> Callable[..., Plane]:
    return lambda w, dtype, *args: Plane(by_lane(w.builder, name, *(w.vector(a, dtype) for a in args)), dtype)


def _absolute(w: Writer, dtype: torch.dtype, a: Value) -> Plane:
    if dtype.is_floating_point:
        return _intrinsic("fabs")(w, dtype, a)
    x = w.vector(a, dtype)
    negative = w.compare("<", x, ir.Constant(x.type, None), dtype)
    return Plane(w.builder.select(negative, w.builder.neg(x), x), dtype)


def _reciprocal_root(w: Writer, dtype: torch.dtype, a: Value) -> Plane:
    return _quotient(w, dtype, 1.0, _intrinsic("sqrt")(w, dtype, a))


def _number(value_first: bool) -> Callable[..., Plane]:
    def run(w: Writer, dtype: torch.dtype, a: Any, value: float = 0, **_: Any) -> Plane:
        return Plane(w.vector(a if value_first else value, dtype), dtype)

    return run


OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": _sum,
    "sub": _difference,
    "rsub": lambda w, dtype, a, b, alpha=1: _difference(w, dtype, b, a, alpha),
    "mul": _product,
    "div": _quotient,
    "addcmul": _add_product,
    "neg": lambda w, dtype, a: _difference(w, dtype, 0, a),
    "reciprocal": lambda w, dtype, a: _quotient(w, dtype, 1.0, a),
    "rsqrt": _reciprocal_root,
    "sqrt": _intrinsic("sqrt"),
    "floor": _intrinsic("floor"),
    "round": _intrinsic("rint"),
    "abs": _absolute,
    "square": lambda w, dtype, a: _power(w, dtype, a, 2),
    "pow": _power,
    "log2": lambda w, dtype, a: Plane(log2(w.builder, w.vector(a, dtype)), dtype),
    "exp2": lambda w, dtype, a: Plane(exp2(w.builder, w.vector(a, dtype)), dtype),
    "sin": _library("sinf"),
    "cos": _library("cosf"),
    "acos": _library("acosf"),
    "atan2": _library("atan2f"),
    "clamp": _clamp,
    "clamp_min": lambda w, dtype, a, bound: _bounded(w, dtype, a, bound, "<"),
    "clamp_max": lambda w, dtype, a, bound: _bounded(w, dtype, a, bound, ">"),
    "maximum": lambda w, dtype, a, b: _bounded(w, dtype, a, b, "<"),
    "minimum": lambda w, dtype, a, b: _bounded(w, dtype, a, b, ">"),
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
    "bitwise_not": lambda w, dtype, a: Plane(w.builder.not_(w.vector(a, dtype)), dtype),
    "logical_not": lambda w, dtype, a: Plane(w.builder.not_(w.vector(a, torch.bool)), torch.bool),
    "__lshift__": _bits("shl"),
    "bitwise_left_shift": _bits("shl"),
    "__rshift__": _right_shift,
    "bitwise_right_shift": _right_shift,
    "floor_divide": _floor_divide,
    "remainder": _remainder,
    "_to_copy": lambda w, dtype, a, **_: Plane(w.vector(a, dtype), dtype),
    "full_like": _number(False),
    "zeros_like": _number(False),
    "ones_like": lambda w, dtype, a, **_: Plane(w.vector(1, dtype), dtype),
    "scalar_tensor": _number(True),
}
"""Emits an operation, by torch's name for it, given the type of its result and its arguments."""
