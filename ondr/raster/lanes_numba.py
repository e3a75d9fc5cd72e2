"""Several depth tests at once: the inner step of the numba rasterizer, in vector instructions.

numba does not vectorize the tests of neighbouring samples, which took three times as long. LLVM lowers the vectors to
those of the processor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

LANES = 4
"""Samples per pixel, and pixel centres drawn at once."""

_INT64 = ir.IntType(64)


def make_draw_lanes(points: Sequence[tuple[int, int]]) -> Any:
    """Makes the depth test of some neighbouring sample points.

    Args:
        points: x and y of each lane's point in sub-pixels.

    Returns:
        `draw_lanes(keys, index, low, a, b, c, w) -> mask` for use in kernels. a, b, c (int64) and w (float64) are
        linear functions on the screen: tuples of the value at (0, 0) and its increments per sub-pixel to the right and
        downwards. A lane where a, b and c are not negative is inside: its bit is set in the mask, and
        `keys[index + lane]` becomes the greater of itself and `bits(float32(w)) << 32 | low`.
    """

    @intrinsic
    def draw_lanes(_context: Any, keys: Any, index: Any, low: Any, a: Any, b: Any, c: Any, w: Any) -> Any:
        edge, plane = types.UniTuple(types.int64, 3), types.UniTuple(types.float64, 3)
        return types.int64(keys, types.int64, types.int64, edge, edge, edge, plane), generate

    lanes = len(points)
    ints, halves = ir.VectorType(_INT64, lanes), ir.VectorType(ir.IntType(32), lanes)
    doubles, floats = ir.VectorType(ir.DoubleType(), lanes), ir.VectorType(ir.FloatType(), lanes)

    def generate(context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
        keys, index, low, *edges, plane = args
        a, b, c = (_evaluate(builder, ints, edge, points) for edge in edges)
        inside = builder.icmp_signed(">=", builder.or_(builder.or_(a, b), c), ir.Constant(ints, None))
        depth = builder.fptrunc(_evaluate(builder, doubles, plane, points), floats)
        bits = builder.sext(builder.bitcast(depth, halves), ints)
        new = builder.or_(builder.shl(bits, ir.Constant(ints, [32] * lanes)), _splat(builder, ints, low))
        data = context.make_array(signature.args[0])(context, builder, keys).data
        place = builder.bitcast(builder.gep(data, [index]), ints.as_pointer())
        old = builder.load(place, align=8)
        nearer = builder.and_(inside, builder.icmp_signed(">", new, old))
        builder.store(builder.select(nearer, new, old), place, align=8)
        return builder.zext(builder.bitcast(inside, ir.IntType(lanes)), _INT64)

    return draw_lanes


def _evaluate(builder: Any, vector: ir.VectorType, function: Any, points: Sequence[tuple[int, int]]) -> Any:
    """Returns a linear function's values at the points."""
    value, right, down = (_splat(builder, vector, builder.extract_value(function, j)) for j in range(3))
    whole = vector.element == _INT64
    add, multiply = (builder.add, builder.mul) if whole else (builder.fadd, builder.fmul)
    columns = zip(*points, strict=True)
    x, y = (ir.Constant(vector, [v if whole else float(v) for v in column]) for column in columns)
    return add(value, add(multiply(right, x), multiply(down, y)))


def _splat(builder: Any, vector: ir.VectorType, value: Any) -> Any:
    """Returns a vector with one value in all lanes."""
    index = ir.IntType(32)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(index, 0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(index, vector.count), [0] * vector.count))
