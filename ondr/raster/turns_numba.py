"""Dynamic scheduling by an atomic counter: numba gives each thread a fixed share, and the costs of images differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic


@intrinsic
def next_turn(_context: Any, counter: Any) -> Any:
    """Atomically returns and increments `counter`, an int64 [1] that all threads share."""

    def generate(context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.atomic_rmw("add", data, ir.Constant(ir.IntType(64), 1), "monotonic")

    return types.int64(counter), generate
