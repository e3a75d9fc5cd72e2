"""Four depth tests at once: the inner step of the numba rasterizer, written as vector instructions.

numba leaves four neighbouring samples as four scalar tests, which took three times as long. LLVM lowers the vectors to
whatever the processor has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

LANES = 4

_INT64 = ir.IntType(64)
_INTS = ir.VectorType(_INT64, LANES)
_HALVES = ir.VectorType(ir.IntType(32), LANES)
_DOUBLES = ir.VectorType(ir.DoubleType(), LANES)
_FLOATS = ir.VectorType(ir.FloatType(), LANES)


def make_draw_lanes(points: Sequence[tuple[int, int]]) -> Any:
    """Makes the depth test of four sample points that lie together.

    Args:
        points: x and y of each lane's point in sub-pixels.

    Returns:
        `draw_lanes(keys, index, low, a, b, c, w) -> mask` for use in kernels. a, b, c (int64) and w (float64) are
        linear functions on the screen: tuples of the value at (0, 0) and the growth per sub-pixel to the right and
        downwards. Where a, b and c are not negative a lane is inside: its bit is set in the mask, and
        `keys[index + lane]` becomes the greater of itself and `bits(float32(w)) << 32 | low`.
    """

    @intrinsic
    def draw_lanes(_context: Any, keys: Any, index: Any, low: Any, a: Any, b: Any, c: Any, w: Any) -> Any:
        edge, plane = types.UniTuple(types.int64, 3), types.UniTuple(types.float64, 3)
        return types.int64(keys, types.int64, types.int64, edge, edge, edge, plane), generate

    def generate(context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
        keys, index, low, *edges, plane = args
        a, b, c = (_evaluate_ints(builder, edge, points) for edge in edges)
        inside = builder.icmp_signed(">=", builder.or_(builder.or_(a, b), c), ir.Constant(_INTS, None))
        depth = builder.fptrunc(_evaluate_doubles(builder, plane, points), _FLOATS)
        bits = builder.sext(builder.bitcast(depth, _HALVES), _INTS)
        new = builder.or_(builder.shl(bits, _constant(_INTS, [32] * LANES)), _splat(builder, _INTS, low))
        data = context.make_array(signature.args[0])(context, builder, keys).data
        place = builder.bitcast(builder.gep(data, [index]), _INTS.as_pointer())
        old = builder.load(place, align=8)
        nearer = builder.and_(inside, builder.icmp_signed(">", new, old))
        builder.store(builder.select(nearer, new, old), place, align=8)
        return builder.zext(builder.bitcast(inside, ir.IntType(LANES)), _INT64)

    return draw_lanes


def _evaluate_ints(builder: Any, function: Any, points: Sequence[tuple[int, int]]) -> Any:
    """Returns a linear function's values at the points."""
    value, right, down = (_splat(builder, _INTS, builder.extract_value(function, j)) for j in range(3))
    x, y = (_constant(_INTS, list(column)) for column in zip(*points, strict=True))
    return builder.add(value, builder.add(builder.mul(right, x), builder.mul(down, y)))


def _evaluate_doubles(builder: Any, function: Any, points: Sequence[tuple[int, int]]) -> Any:
    """Returns a linear function's values at the points."""
    value, right, down = (_splat(builder, _DOUBLES, builder.extract_value(function, j)) for j in range(3))
    x, y = (_constant(_DOUBLES, [float(v) for v in column]) for column in zip(*points, strict=True))
    return builder.fadd(value, builder.fadd(builder.fmul(right, x), builder.fmul(down, y)))


def _splat(builder: Any, vector: ir.VectorType, value: Any) -> Any:
    """Returns a vector with one value in all lanes."""
    one = builder.insert_element(_constant(vector, ir.Undefined), value, _constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, one, _constant(_HALVES, [0] * LANES))


def _constant(kind: Any, value: Any) -> Any:
    return ir.Constant(kind, value)
