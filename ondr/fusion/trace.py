"""What a function of planes computes, as a graph of torch operations."""

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
    """Returns the operations of `function(tables, *planes, *static)`; its inputs are the leaves, then the planes.

    Args:
        function: Of planes; what it does must not depend on their values, nor on how many rows tables have.
        tables: A dataclass of tensors and of such dataclasses.
        planes: Vectors of one length, of which a few elements are taken as an example.
        static: Anything else, which becomes part of what is computed.
    """
    from torch.fx.experimental.proxy_tensor import make_fx

    leaves = list(leaves_of(tables))

    def flat(*inputs: Tensor) -> Any:
        return function(with_leaves(tables, iter(inputs[: len(leaves)])), *inputs[len(leaves) :], *static)

    # Each leaf is an input of its own, even where two are one tensor now. No element is read, nor need there be any.
    examples = [*(leaf.detach() for leaf in leaves), *(plane.new_zeros(EXAMPLE) for plane in planes)]
    with torch.no_grad(), written_for_one_loop():
        module = make_fx(flat, tracing_mode="fake", _allow_non_fake_inputs=True)(*examples)
    module.graph.eliminate_dead_code()
    return module
