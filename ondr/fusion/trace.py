"""What a function of planes computes, as a graph of torch operations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.fx import GraphModule

from ondr.imaging.planes import written_for_one_loop

EXAMPLE = 2
"""Elements that planes have while a function is traced."""


def leaves_of(tables: Any) -> Iterator[Tensor]:
    """Yields the tensors of a dataclass of tensors and of such dataclasses, in a fixed order."""
    if isinstance(tables, Tensor):
        yield tables
    elif is_dataclass(tables):
        for field in fields(tables):
            yield from leaves_of(getattr(tables, field.name))


def with_leaves(tables: Any, leaves: Iterator[Tensor]) -> Any:
    """Returns tables with other tensors, in the order of `leaves_of`."""
    if isinstance(tables, Tensor):
        return next(leaves)
    if not is_dataclass(tables) or isinstance(tables, type):
        return tables
    return replace(tables, **{f.name: with_leaves(getattr(tables, f.name), leaves) for f in fields(tables)})


def trace(function: Callable[..., Any], tables: Any, planes: Sequence[Tensor], static: Sequence[Any]) -> GraphModule:
    """Returns the operations of `function(tables, *planes, *static)`; its inputs are the leaves, then the planes.

    Args:
        function: Of planes; what it does must not depend on their values.
        tables: A dataclass of tensors and of such dataclasses.
        planes: Vectors of one length, of which a few elements are taken as an example.
        static: Anything else, which becomes part of what is computed.
    """
    from torch.fx.experimental.proxy_tensor import make_fx

    leaves = list(leaves_of(tables))

    def flat(*inputs: Tensor) -> Any:
        return function(with_leaves(tables, iter(inputs[: len(leaves)])), *inputs[len(leaves) :], *static)

    examples = [plane.new_zeros(EXAMPLE) for plane in planes]
    with torch.no_grad(), written_for_one_loop():
        module = make_fx(flat)(*leaves, *examples)
    module.graph.eliminate_dead_code()
    return module
