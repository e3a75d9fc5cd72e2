"""The named draws of a batch, which say what its images were made of: a read-only mapping over one packed tensor."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float32
from torch import Tensor


class Column(NamedTuple):
    """The place of a draw in the packed tensor."""

    first: int
    """Its first column."""
    shape: tuple[int, ...]
    """Its shape without the batch dimension: `()`, `(slot,)` or `(slot, 4)`."""
    dtype: torch.dtype = torch.float32


class Draws(Mapping[str, Tensor]):
    """A read-only mapping from the name of a random quantity to its values: `[B]` for a quantity of the image,
    `[B, slot]` for one of each object or light, `[B, slot, 4]` for rotations (quaternions w x y z).

    Whole numbers are exact up to 2**24, far above any count or index that is drawn.
    """

    def __init__(
        self,
        packed: Float32[Tensor, "batch column"],
        columns: Mapping[str, Column],
        derived: frozenset[str] = frozenset(),
    ) -> None:
        """Takes the packed values, the place of each name in them, and the names that follow from other draws."""
        self.packed = packed
        self.columns = dict(columns)
        self.derived = derived

    @classmethod
    def join(cls, parts: Sequence[Draws]) -> Draws:
        """Joins the draws of several batches.

        Raises:
            ValueError: The parts do not hold the same quantities.
        """
        if any(part.columns != parts[0].columns for part in parts):
            raise ValueError(
                "draws must name the same quantities in every joined batch, got "
                f"{[sorted(part) for part in parts]}. Join batches of one dataset only."
            )
        return cls(torch.cat([part.packed for part in parts]), parts[0].columns, parts[0].derived)

    def extended(self, values: Mapping[str, Tensor], *, derived: bool = False) -> Draws:
        """Returns the draws with more added.

        Args:
            values: Name to `[B, ...]`.
            derived: Whether they follow from other draws and so cannot be overridden.
        """
        columns, parts, width = dict(self.columns), [self.packed], self.packed.shape[1]
        for name, value in values.items():
            flat = value.reshape(len(self.packed), -1).to(self.packed)
            columns[name] = Column(width, tuple(value.shape[1:]))
            parts.append(flat)
            width += flat.shape[1]
        return Draws(torch.cat(parts, dim=1), columns, self.derived | frozenset(values if derived else ()))

    def replaced(self, values: Mapping[str, Tensor]) -> Draws:
        """Returns the draws with the values of some names replaced."""
        packed = self.packed.clone()
        for name, value in values.items():
            first, flat = self.columns[name].first, value.reshape(len(packed), -1)
            packed[:, first : first + flat.shape[1]] = flat.to(packed)
        return Draws(packed, self.columns, self.derived)

    def map(self, change: Callable[[Tensor], Tensor]) -> Draws:
        """Returns the draws with `change` applied to the packed tensor."""
        return Draws(change(self.packed), self.columns, self.derived)

    def __getitem__(self, name: str) -> Tensor:
        column = self.columns[name]
        last = column.first + math.prod(column.shape)
        values = self.packed[:, column.first : last].reshape(len(self.packed), *column.shape)
        return values.to(column.dtype)

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def __repr__(self) -> str:
        return f"Draws({len(self)} names, packed {tuple(self.packed.shape)})"


def vector(draws: Mapping[str, Tensor], name: str, components: Iterable[str]) -> Tensor:
    """Returns quantities `name.x`, `name.y`, ... as one tensor, the components in its last dimension."""
    return torch.stack([draws[f"{name}.{component}"] for component in components], dim=-1)
