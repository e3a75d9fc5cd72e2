"""Traces a function of planes into a graph of torch operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.fx import GraphModule

from ondr.leaves import leaves_of, with_leaves
from ondr.planes import written_for_one_loop

EXAMPLE = 2
"""Elements that planes have while a function is traced."""


def trace(function: Callable[..., Any], tables: Any, planes: Sequence[Tensor], static: Sequence[Any]) -> GraphModule:
    """Returns the graph of `function(tables, *planes, *static)`; its inputs are the leaves of tables, then the planes.

    Args:
        function: Its control flow must not depend on the planes' values, nor on the tables' numbers of rows.
        tables: A nested dataclass of tensors.
        planes: Vectors of one length; only their types are used.
        static: Any further arguments, which become constants of the graph.
    """
    from torch.fx.experimental.proxy_tensor import make_fx

    leaves = list(leaves_of(tables))

    def flat(*inputs: Tensor) -> Any:
        return function(with_leaves(tables, iter(inputs[: len(leaves)])), *inputs[len(leaves) :], *static)

    # Each leaf is an input of its own, even if two are the same tensor now. No element is read, so planes may be empty.
    examples = [*(leaf.detach() for leaf in leaves), *(plane.new_zeros(EXAMPLE) for plane in planes)]
    with torch.no_grad(), written_for_one_loop():
        module = make_fx(flat, tracing_mode="fake", _allow_non_fake_inputs=True)(*examples)
    module.graph.eliminate_dead_code()
    return module
