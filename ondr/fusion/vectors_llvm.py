"""LLVM instructions on vectors with one lane for each pixel: transposed loads of table rows, and functions that
processors lack."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]

FAST = ("contract", "nsz", "arcp", "afn", "reassoc")
"""Fast-math flags: everything but the assumption that there are no NaNs and infinities."""
INT32, INT64, FLOAT = ir.IntType(32), ir.IntType(64), ir.FloatType()
LN2 = math.log(2)


def splat(builder: Any, value: Any, lanes: int) -> Any:
    """Returns a vector with one value in all lanes."""
    kind = ir.VectorType(value.type, lanes)
    if isinstance(value, ir.Constant):
        return ir.Constant(kind, [value.constant] * lanes)
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(INT32, 0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(INT32, lanes), [0] * lanes))


def columns(builder: Any, addresses: Sequence[Any], element: Any, width: int) -> list[Any]:
    """Loads a short row at each lane's address and returns the rows' columns.

    A row spans one or two cache lines and is loaded as a whole, once; shuffles transpose the rows.

    Args:
        builder: Receives the instructions.
        addresses: One pointer per lane, whose number is a power of two.
        element: Type of the elements.
        width: Elements per row: a power of two.
    """
    lanes = len(addresses)
    kind = ir.VectorType(element, width)
    rows = [builder.load(builder.bitcast(a, kind.as_pointer()), align=element_bytes(element)) for a in addresses]
    while len(rows) > 1:
        half = len(rows) // 2
        rows = [_interleaved(builder, rows[i], rows[i + half]) for i in range(half)]
    whole = rows[0]
    return [_part(builder, whole, column * lanes, lanes) for column in range(width)]


def element_bytes(element: Any) -> int:
    """Returns the size of a type in memory."""
    return 4 if isinstance(element, ir.FloatType) else element.width // 8


def _interleaved(builder: Any, a: Any, b: Any) -> Any:
    count = a.type.count
    order = [i // 2 + count * (i % 2) for i in range(2 * count)]
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(INT32, len(order)), order))


def _part(builder: Any, vector: Any, start: int, count: int) -> Any:
    order = list(range(start, start + count))
    return builder.shuffle_vector(vector, vector, ir.Constant(ir.VectorType(INT32, count), order))


def intrinsic(builder: Any, name: str, *args: Any) -> Any:
    """Calls the LLVM intrinsic of a name on vectors."""
    kind = args[0].type
    suffix = f"v{kind.count}{'f32' if isinstance(kind.element, ir.FloatType) else f'i{kind.element.width}'}"
    function = _declared(builder.module, f"llvm.{name}.{suffix}", ir.FunctionType(kind, [a.type for a in args]))
    return builder.call(function, args, fastmath=FAST if isinstance(kind.element, ir.FloatType) else ())


def to_integers(builder: Any, x: Any, kind: Any) -> Any:
    """Rounds floats towards zero; NaN becomes 0, which is safe as an index."""
    name = f"llvm.fptosi.sat.v{kind.count}i{kind.element.width}.v{kind.count}f32"
    return builder.call(_declared(builder.module, name, ir.FunctionType(kind, [x.type])), [x])


def _declared(module: Any, name: str, kind: Any) -> Any:
    return module.globals.get(name) or ir.Function(module, kind, name)


def by_lane(builder: Any, name: str, *args: Any) -> Any:
    """Calls a function of the C library for each lane; only for rare operations, since it is slow."""
    function = _declared(builder.module, name, ir.FunctionType(FLOAT, [FLOAT] * len(args)))
    result = ir.Constant(args[0].type, ir.Undefined)
    for lane in range(args[0].type.count):
        place = ir.Constant(INT32, lane)
        value = builder.call(function, [builder.extract_element(a, place) for a in args])
        result = builder.insert_element(result, value, place)
    return result


def log2(builder: Any, x: Any) -> Any:
    """Returns the binary logarithm of positive normal numbers, to 1e-7 and a unit in the last place; NaN for NaN.

    With x = 2^n m and m within a factor of the square root of 2 from 1, it is n + 2 artanh((m - 1) / (m + 1)) / ln 2.
    """
    lanes = x.type.count
    bits = builder.bitcast(x, ir.VectorType(INT32, lanes))
    # Subtract the bits of sqrt(1/2): the exponent bits of the difference are n; without them, x becomes m.
    shifted = builder.sub(bits, integers(lanes, 0x3F3504F3))
    exponent = builder.ashr(shifted, integers(lanes, 23))
    m = builder.bitcast(builder.sub(bits, builder.shl(exponent, integers(lanes, 23))), x.type)
    one = numbers(lanes, 1.0)
    t = builder.fdiv(builder.fsub(m, one, FAST), builder.fadd(m, one, FAST), FAST)
    series = polynomial(builder, builder.fmul(t, t, FAST), [2 / LN2 / k for k in (1, 3, 5, 7, 9)])
    result = builder.fadd(builder.sitofp(exponent, x.type), builder.fmul(t, series, FAST), FAST)
    # NaN, whose bits would be read as those of a number, is passed through.
    return builder.select(builder.fcmp_unordered("uno", x, x), x, result)


def exp2(builder: Any, x: Any) -> Any:
    """Returns 2 to the power of x with a relative error of 2e-7; x is clamped to a float's exponents."""
    lanes = x.type.count
    for sign, bound in (("<", numbers(lanes, -126.0)), (">", numbers(lanes, 127.0))):
        x = builder.select(builder.fcmp_ordered(sign, x, bound), bound, x)
    whole = intrinsic(builder, "rint", x)
    rest = builder.fsub(x, whole, FAST)
    power = polynomial(builder, rest, [LN2**k / math.factorial(k) for k in range(7)])
    exponent = to_integers(builder, whole, ir.VectorType(INT32, lanes))
    scale = builder.shl(builder.add(exponent, integers(lanes, 127)), integers(lanes, 23))
    return builder.fmul(power, builder.bitcast(scale, x.type), FAST)


def polynomial(builder: Any, x: Any, coefficients: Sequence[float]) -> Any:
    """Returns c[0] + c[1] x + c[2] x^2 and so on."""
    lanes = x.type.count
    result = numbers(lanes, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        result = builder.fadd(builder.fmul(result, x, FAST), numbers(lanes, coefficient), FAST)
    return result


def numbers(lanes: int, value: float) -> Any:
    """Returns a constant vector of floats."""
    return ir.Constant(ir.VectorType(FLOAT, lanes), [value] * lanes)


def integers(lanes: int, value: int) -> Any:
    """Returns a constant vector of 32-bit integers."""
    return ir.Constant(ir.VectorType(INT32, lanes), [value] * lanes)
