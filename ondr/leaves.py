"""Traversal of nested dataclasses of tensors: list, replace or map their tensors. Other fields are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import torch
from torch import Tensor

Tree = TypeVar("Tree")


def leaves_of(tables: Any) -> Iterator[Tensor]:
    """Yields the tensors of a nested dataclass in the order of its fields."""
    if isinstance(tables, Tensor):
        yield tables
    elif is_dataclass(tables):
        for field in fields(tables):
            yield from leaves_of(getattr(tables, field.name))


def needs_grad(*tables: Any) -> bool:
    """Returns whether gradients are enabled and one of the tensors requires one."""
    return torch.is_grad_enabled() and any(leaf.requires_grad for tree in tables for leaf in leaves_of(tree))


def with_leaves(tables: Any, leaves: Iterator[Tensor]) -> Any:
    """Returns tables with their tensors replaced, in the order of `leaves_of`."""
    if isinstance(tables, Tensor):
        return next(leaves)
    if not is_dataclass(tables) or isinstance(tables, type):
        return tables
    return replace(tables, **{f.name: with_leaves(getattr(tables, f.name), leaves) for f in fields(tables)})


def map_leaves(tables: Tree, change: Callable[[Tensor], Tensor]) -> Tree:
    """Returns tables with a function applied to every tensor."""
    changed: Tree = with_leaves(tables, map(change, leaves_of(tables)))
    return changed
