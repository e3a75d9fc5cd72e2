"""A random quantity of a config: what it means, which laws it allows, and its pydantic field."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from ondr.laws import (
    SO3,
    AnyOf,
    Bernoulli,
    Choice,
    Constant,
    Cycle,
    Elevation,
    First,
    Integers,
    Law,
    LogUniform,
    Normal,
    Resting,
    Schedule,
    TruncatedNormal,
    Uniform,
    Upright,
    Views,
    Yaw,
    base_of,
)
from ondr.laws.reading import WORDED, Kind, read_law

ALLOWED: dict[Kind, tuple[type[Law], ...]] = {
    "real": (Constant, Uniform, LogUniform, Normal, TruncatedNormal, Elevation, Integers, Choice, Cycle),
    "count": (Integers, Choice, Cycle),
    "bool": (Bernoulli,),
    "one_of": (AnyOf, Choice, Cycle, First),
    "rotation": (SO3, Yaw, Upright, Resting, Views),
}
"""The laws that each kind of quantity may have."""


@dataclass(frozen=True)
class Spec:
    """The meaning of a quantity, apart from its law."""

    kind: Kind = "real"
    unit: str = ""
    low: float = -math.inf
    """The smallest allowed value."""
    high: float = math.inf
    """The largest allowed value."""
    each: bool = True
    """In a section of things or lights: drawn for each of them, not once per image."""
    structure: bool = False
    """Whether it is decided on the host, because shapes or the kernels to run depend on it."""
    options: tuple[str, ...] | None = None
    """The options of a `one_of`; None: they come from the assets."""
    capacity: bool = False
    """Whether tensors are sized by its largest value, so that it cannot be moved beyond it: true of every count."""
    neutral: float | None = None
    """The value that changes nothing; a quantity that cannot leave it costs nothing."""
    layouts: tuple[str, ...] | None = None
    """The layouts that use it; None: all."""
    paper: str = ""
    """A paper that varies it."""
    derived_from: str | None = None
    """A word that may replace the law, if the value then follows from something else."""
    usual: Mapping[str, Any] = field(default_factory=dict)
    """Defaults of single layouts: layout to law, written as in a config file."""

    def used_in(self, layout: str) -> bool:
        """Returns whether a layout uses the quantity."""
        return self.layouts is None or layout in self.layouts


def quantity(default: Any, description: str, **spec: Any) -> Any:
    """Returns the pydantic field of a random quantity.

    Args:
        default: The law, written as in a config file.
        description: What varies, for the documentation.
        **spec: Fields of `Spec`.
    """
    s = Spec(**{"capacity": spec.get("kind") == "count", **spec})
    return Field(default=parse(default, s), description=description, json_schema_extra={"spec": s})  # type: ignore[dict-item]


def parse(written: Any, spec: Spec) -> Law | str:
    """Turns what a config says into a law and checks it against the quantity's domain.

    Raises:
        ValueError: The quantity does not allow it; the message starts with `must`.
    """
    if isinstance(written, str) and written == spec.derived_from:
        return written
    law = written if isinstance(written, Law) else read_law(written, spec.kind, spec.neutral)
    problem = law.problem() or _outside(law, spec)
    if problem:
        raise ValueError(f"{problem}, got {law.to_config()}")
    return law


def _outside(law: Law, spec: Spec) -> str | None:
    if isinstance(law, Schedule):
        return _outside(law.start, spec) or _outside(law.end, spec)
    base = base_of(law)
    if not isinstance(base, ALLOWED[spec.kind]):
        return f"must be {WORDED[spec.kind]}"
    if spec.kind == "one_of":
        return _unknown_option(base, spec)
    if spec.kind == "rotation":
        return None
    if isinstance(base, Choice | Cycle) and not base.numeric:
        return f"must be {WORDED[spec.kind]}"
    values = base.options if isinstance(base, Choice | Cycle) else law.support
    if spec.kind == "count" and not all(math.isinf(v) or float(v).is_integer() for v in values):
        return f"must be {WORDED['count']}"
    low, high = law.support
    if low < spec.low or high > spec.high:
        return f"must lie within {spec.low:g} and {spec.high:g}{' ' + spec.unit if spec.unit else ''}"
    return None


def _unknown_option(law: Law, spec: Spec) -> str | None:
    if isinstance(law, AnyOf | First) or spec.options is None:
        return None
    unknown = [o for o in law.options if o not in spec.options]  # type: ignore[attr-defined]
    return f"must choose from {', '.join(spec.options)}" if unknown else None
