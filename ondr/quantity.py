"""What a config says of one random quantity: which laws it allows, and how what is written becomes a law."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

from pydantic import Field

from ondr.laws import (
    SO3,
    AnyOf,
    Bernoulli,
    Choice,
    Constant,
    Integers,
    Law,
    LogUniform,
    Normal,
    TruncatedNormal,
    Uniform,
    Yaw,
)

Kind = Literal["real", "count", "bool", "one_of", "rotation"]
NAMED: dict[str, Law] = {"so3": SO3(), "yaw": Yaw(), "uniform": AnyOf()}
WORDED: dict[Kind, str] = {
    "real": "a number, [low, high] or a named law such as {log_uniform: [1, 10]}",
    "count": "a whole number, [low, high] or {choice: [1, 2, 5]}",
    "bool": "true, false or {bernoulli: 0.5}",
    "one_of": "uniform, a name, a list of names or {choice: [a, b], weights: [2, 1]}",
    "rotation": "so3 or yaw",
}


@dataclass(frozen=True)
class Spec:
    """The meaning of a quantity, apart from its law."""

    kind: Kind = "real"
    unit: str = ""
    low: float = -math.inf
    """The smallest value that makes sense."""
    high: float = math.inf
    each: bool = True
    """Within `objects`, `distractors` and `lights`: drawn for each of them, not once per image."""
    structure: bool = False
    """Drawn on the host, because shapes or the kernels to run depend on it."""
    options: tuple[str, ...] | None = None
    """The names that a `one_of` knows; None: they come from the assets."""
    derived_from: str | None = None
    """A word that may stand instead of a law, where the value follows from something else."""


def quantity(default: Any, description: str, **spec: Any) -> Any:
    """Returns the pydantic field of a random quantity.

    Args:
        default: The law, as a config file would say it.
        description: What varies, for the documentation.
        **spec: Fields of `Spec`.
    """
    s = Spec(**spec)
    return Field(default=parse(default, s), description=description, json_schema_extra={"spec": s})  # type: ignore[dict-item]


def parse(written: Any, spec: Spec) -> Law | str:
    """Turns what a config says into a law, and checks it against the quantity's domain.

    Raises:
        ValueError: It is no law that the quantity allows; the message starts with `must`.
    """
    if isinstance(written, str) and written == spec.derived_from:
        return written
    law = written if isinstance(written, Law) else _read(written, spec)
    problem = law.problem() or _outside(law, spec)
    if problem:
        raise ValueError(f"{problem}, got {law.to_config()}")
    return law


def _read(written: Any, spec: Spec) -> Law:
    if isinstance(written, str) and written in NAMED:
        return NAMED[written]
    if spec.kind == "one_of" and isinstance(written, str | list | tuple):
        options = (written,) if isinstance(written, str) else tuple(written)
        return Choice(options, (1.0,) * len(options))
    if isinstance(written, bool) and spec.kind == "bool":
        return Bernoulli(float(written))
    if isinstance(written, Real) and not isinstance(written, bool):
        value = _number(written)
        return Integers(int(value), int(value)) if spec.kind == "count" and value.is_integer() else Constant(value)
    if isinstance(written, list | tuple) and len(written) == 2:
        return _interval(Integers if spec.kind == "count" else Uniform)(written)
    if isinstance(written, dict):
        return _named(written, spec)
    raise ValueError(f"must be {WORDED[spec.kind]}, got {written!r}")


def _number(written: Any) -> float:
    if isinstance(written, bool) or not isinstance(written, Real) or not math.isfinite(float(written)):
        raise ValueError(f"must consist of finite numbers, got {written!r}")
    return float(written)


def _interval(law: Callable[..., Law]) -> Callable[[Any], Law]:
    def read(written: Any) -> Law:
        if not isinstance(written, list | tuple) or len(written) != 2:
            raise ValueError(f"must be [low, high], got {written!r}")
        low, high = (_number(w) for w in written)
        whole = law is Integers and low.is_integer() and high.is_integer()
        return law(int(low), int(high)) if whole else law(low, high)

    return read


def _by_name(law: Callable[..., Law], *names: str) -> Callable[[Any], Law]:
    def read(written: Any) -> Law:
        if not isinstance(written, dict) or set(written) != set(names):
            raise ValueError(f"must name {', '.join(names)}, got {written!r}")
        return law(**{n: _number(written[n]) for n in names})

    return read


READERS: dict[str, Callable[[Any], Law]] = {
    "uniform": _interval(Uniform),
    "log_uniform": _interval(LogUniform),
    "integers": _interval(Integers),
    "normal": _by_name(Normal, "mean", "std"),
    "truncated_normal": _by_name(TruncatedNormal, "mean", "std", "low", "high"),
    "bernoulli": lambda written: Bernoulli(_number(written)),
    "constant": lambda written: Constant(_number(written)),
}


def _named(written: dict[str, Any], spec: Spec) -> Law:
    if "choice" in written:
        return _choice(written)
    if len(written) != 1 or next(iter(written)) not in READERS:
        known = ", ".join(sorted([*READERS, "choice"]))
        raise ValueError(f"must be one law of {known}, got {written!r}")
    name, value = next(iter(written.items()))
    return READERS[name](value)


def _choice(written: dict[str, Any]) -> Law:
    options = written["choice"]
    if set(written) - {"choice", "weights"} or not isinstance(options, list | tuple):
        raise ValueError(f"must be {{choice: [...], weights: [...]}}, got {written!r}")
    weights = written.get("weights") or [1] * len(options)
    if not isinstance(weights, list | tuple):
        raise ValueError(f"must have a list of weights, got {weights!r}")
    return Choice(tuple(options), tuple(_number(w) for w in weights))


ALLOWED: dict[Kind, tuple[type[Law], ...]] = {
    "real": (Constant, Uniform, LogUniform, Normal, TruncatedNormal, Integers, Choice),
    "count": (Integers, Choice),
    "bool": (Bernoulli,),
    "one_of": (AnyOf, Choice),
    "rotation": (SO3, Yaw),
}


def _outside(law: Law, spec: Spec) -> str | None:
    if not isinstance(law, ALLOWED[spec.kind]):
        return f"must be {WORDED[spec.kind]}"
    if spec.kind == "one_of":
        return _unknown_option(law, spec)
    if spec.kind == "rotation":
        return None
    if isinstance(law, Choice) and not law.numeric:
        return f"must be {WORDED[spec.kind]}"
    values = law.options if isinstance(law, Choice) else law.support
    if spec.kind == "count" and not all(math.isinf(v) or float(v).is_integer() for v in values):
        return f"must be {WORDED['count']}"
    low, high = law.support
    if low < spec.low or high > spec.high:
        return f"must lie within {spec.low:g} and {spec.high:g}{' ' + spec.unit if spec.unit else ''}"
    return None


def _unknown_option(law: Law, spec: Spec) -> str | None:
    if isinstance(law, AnyOf) or spec.options is None:
        return None
    unknown = [o for o in law.options if o not in spec.options]  # type: ignore[attr-defined]
    return f"must choose from {', '.join(spec.options)}" if unknown else None
