"""From a graph of torch operations on planes to one loop in LLVM IR, a vector of pixels at a time."""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from torch.fx import Graph, Node
from torch.fx.node import map_arg

from .operations_llvm import OPERATIONS
from .values_llvm import BYTE, Memory, Value, Writer
from .vectors_llvm import INT64
from .views_llvm import VIEWS, strides_of

KERNEL = "kernel"
PLACEMENT = ("dtype", "layout", "device", "pin_memory", "memory_format", "non_blocking")
"""Arguments that only describe the result, whose type the graph has."""


def emit(graph: Graph, tables: int, lanes: int) -> tuple[str, int]:
    """Returns a module with `void kernel(i8** pointers, i64 first, i64 end)`, and its number of outputs.

    It computes the elements from `first` to before `end` of the outputs, at least `lanes` of them. The pointers are
    those of the inputs, then those of the outputs.

    Args:
        graph: What `trace` returned.
        tables: How many of its inputs are tables; the rest are planes.
        lanes: Pixels per vector: a power of two.

    Raises:
        NotImplementedError: An operation is unknown, or a tensor is not an input.
    """
    module = ir.Module(KERNEL)
    pointers = BYTE.as_pointer().as_pointer()
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [pointers, INT64, INT64]), KERNEL)
    entry, body, done = (function.append_basic_block(name) for name in ("entry", "body", "done"))
    before, builder = ir.IRBuilder(entry), ir.IRBuilder(body)
    _, first, end = function.args
    last = before.sub(end, ir.Constant(INT64, lanes))
    # The last vector is moved back to end at `end`, so that some pixels may be computed twice.
    at = builder.phi(INT64)
    place = builder.select(builder.icmp_signed("<", at, last), at, last)
    outputs = _write(graph, tables, Writer(builder, before, function.args[0], place, lanes))
    following = builder.add(at, ir.Constant(INT64, lanes))
    at.add_incoming(first, entry)
    at.add_incoming(following, body)
    builder.cbranch(builder.icmp_signed("<", following, end), body, done)
    before.branch(body)
    ir.IRBuilder(done).ret_void()
    return str(module), outputs


def _write(graph: Graph, tables: int, writer: Writer) -> int:
    """Emits the body of the loop and returns the number of outputs."""
    values: dict[Node, Any] = {}
    inputs = 0
    for node in graph.nodes:
        if node.op == "placeholder":
            meta = node.meta["tensor_meta"]
            in_memory = Memory(inputs, meta.dtype, tuple(meta.shape), strides_of(meta.shape))
            values[node] = in_memory if inputs < tables else writer.load(inputs, meta.dtype)
            inputs += 1
        elif node.op == "get_attr":
            raise NotImplementedError("a tensor cannot be a constant of a loop over planes. Put it into the tables.")
        elif node.op == "call_function":
            args, kwargs = map_arg((node.args, node.kwargs), values.__getitem__)
            values[node] = _call(node, writer, *args, **kwargs)
    found: Any = map_arg(graph.output_node().args[0], values.__getitem__)
    outputs: list[Value] = list(found) if isinstance(found, list | tuple) else [found]
    for number, plane in enumerate(outputs, start=inputs):
        writer.store(number, plane)
    return len(outputs)


def _call(node: Node, writer: Writer, *args: Any, **kwargs: Any) -> Any:
    if node.target is operator.getitem:
        return args[0][args[1]]
    name = node.target.overloadpacket.__name__  # type: ignore[union-attr]
    kwargs = {key: value for key, value in kwargs.items() if key not in PLACEMENT}
    if name in VIEWS:
        return VIEWS[name](writer, *args, **kwargs)
    if name not in OPERATIONS:
        raise NotImplementedError(f"{node.target} cannot be part of a loop over planes. Add it to operations_llvm.")
    return OPERATIONS[name](writer, node.meta["tensor_meta"].dtype, *args, **kwargs)
