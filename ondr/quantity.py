"""What a config says of one random quantity: which laws it allows, and how what is written becomes a law."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, Literal

from pydantic import Field

from ondr.laws import (
    SO3,
    AnyOf,
    Bernoulli,
    Choice,
    Constant,
    Continuous,
    Cycle,
    Elevation,
    First,
    Integers,
    Law,
    LogUniform,
    Normal,
    Resting,
    Schedule,
    Sometimes,
    TruncatedNormal,
    Uniform,
    Upright,
    Views,
    Yaw,
    base_of,
)

Kind = Literal["real", "count", "bool", "one_of", "rotation"]
NAMED: dict[str, Law] = {
    "so3": SO3(),
    "yaw": Yaw(),
    "resting": Resting(),
    "upright": Upright(),
    "uniform": AnyOf(),
    "cycle": Cycle(),
    "first": First(),
}
WORDED: dict[Kind, str] = {
    "real": "a number, [low, high] or a named law such as {log_uniform: [1, 10]}",
    "count": "a whole number, [low, high] or {choice: [1, 2, 5]}",
    "bool": "true, false or {bernoulli: 0.5}",
    "one_of": "uniform, cycle, first, a name, a list of names or {choice: [a, b], weights: [2, 1]}",
    "rotation": "so3, yaw, upright, resting or {views: {subdivisions: 2, in_plane: 12}}",
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
    capacity: bool = False
    """Whether a larger value than the config allows would need larger tensors: true of every count."""
    neutral: float | None = None
    """The value that leaves everything as it is: a quantity that never has another costs nothing."""
    layouts: tuple[str, ...] | None = None
    """The layouts that use it; None: all."""
    paper: str = ""
    """Where the literature varies it."""
    derived_from: str | None = None
    """A word that may stand instead of a law, where the value follows from something else."""
    usual: Mapping[str, Any] = field(default_factory=dict)
    """Layouts in which the default is another law, and that law as a config file would say it."""

    def used_in(self, layout: str) -> bool:
        """Returns whether a layout uses the quantity."""
        return self.layouts is None or layout in self.layouts


def quantity(default: Any, description: str, **spec: Any) -> Any:
    """Returns the pydantic field of a random quantity.

    Args:
        default: The law, as a config file would say it.
        description: What varies, for the documentation.
        **spec: Fields of `Spec`.
    """
    s = Spec(**{"capacity": spec.get("kind") == "count", **spec})
    return Field(default=parse(default, s), description=description, json_schema_extra={"spec": s})  # type: ignore[dict-item]


def parse(written: Any, spec: Spec) -> Law | str:
    """Turns what a config says into a law, and checks it against the quantity's domain.

    Raises:
        ValueError: It is no law that the quantity allows; the message starts with `must`.
    """
    if isinstance(written, str) and written == spec.derived_from:
        return written
    law = written if isinstance(written, Law) else read_law(written, spec)
    problem = law.problem() or _outside(law, spec)
    if problem:
        raise ValueError(f"{problem}, got {law.to_config()}")
    return law


def read_law(written: Any, spec: Spec) -> Law:
    """Reads a law as a config writes it; whether the quantity allows it is left to `parse`.

    Raises:
        ValueError: It is no law.
    """
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
    "elevation": _interval(Elevation),
    "integers": _interval(Integers),
    "normal": _by_name(Normal, "mean", "std"),
    "truncated_normal": _by_name(TruncatedNormal, "mean", "std", "low", "high"),
    "bernoulli": lambda written: Bernoulli(_number(written)),
    "constant": lambda written: Constant(_number(written)),
}


def _named(written: dict[str, Any], spec: Spec) -> Law:
    for key, reader in STRUCTURED.items():
        if key in written:
            return reader(written, spec)
    if len(written) != 1 or next(iter(written)) not in READERS:
        known = ", ".join(sorted([*READERS, *STRUCTURED]))
        raise ValueError(f"must be one law of {known}, got {written!r}")
    name, value = next(iter(written.items()))
    return READERS[name](value)


def _choice(written: dict[str, Any], spec: Spec) -> Law:
    options = written["choice"]
    if set(written) - {"choice", "weights"} or not isinstance(options, list | tuple):
        raise ValueError(f"must be {{choice: [...], weights: [...]}}, got {written!r}")
    weights = written.get("weights") or [1] * len(options)
    if not isinstance(weights, list | tuple):
        raise ValueError(f"must have a list of weights, got {weights!r}")
    return Choice(tuple(options), tuple(_number(w) for w in weights))


def _cycle(written: dict[str, Any], spec: Spec) -> Law:
    options = written["cycle"]
    if len(written) != 1 or not isinstance(options, list | tuple) or not options:
        raise ValueError(f"must be {{cycle: [...]}}, got {written!r}")
    return Cycle(tuple(options))


def _sometimes(written: dict[str, Any], spec: Spec) -> Law:
    if set(written) != {"probability", "law"}:
        raise ValueError(f"must be {{probability: 0.2, law: [low, high]}}, got {written!r}")
    law = read_law(written["law"], spec)
    if spec.neutral is None or not isinstance(law, Continuous):
        raise ValueError(f"must have a neutral value and a continuous law to take a probability, got {written!r}")
    return Sometimes(law, _number(written["probability"]), (spec.neutral,))


def _schedule(written: dict[str, Any], spec: Spec) -> Law:
    if set(written) != {"from", "to", "samples"}:
        raise ValueError(f"must be {{from: ..., to: ..., samples: 100000}}, got {written!r}")
    samples = _number(written["samples"])
    if not samples.is_integer():
        raise ValueError(f"must have a whole number of samples, got {samples}")
    return Schedule(read_law(written["from"], spec), read_law(written["to"], spec), (int(samples),))


def _views(written: dict[str, Any], spec: Spec) -> Law:
    inner = written["views"]
    usual = {"subdivisions": 2, "in_plane": 12, "cycle": False}
    values = {**usual, **inner} if isinstance(inner, dict) else {}
    cycle = values.pop("cycle", None)
    if len(written) != 1 or set(values) | {"cycle"} != set(usual) or not isinstance(cycle, bool):
        raise ValueError(f"must be {{views: {{subdivisions: 2, in_plane: 12, cycle: true}}}}, got {written!r}")
    subdivisions, in_plane = (_number(values[name]) for name in ("subdivisions", "in_plane"))
    if not subdivisions.is_integer() or not in_plane.is_integer():
        raise ValueError(f"must have whole numbers, got {written!r}")
    return Views((int(subdivisions), int(in_plane), cycle))


STRUCTURED: dict[str, Callable[[dict[str, Any], Spec], Law]] = {
    "choice": _choice,
    "cycle": _cycle,
    "probability": _sometimes,
    "from": _schedule,
    "views": _views,
}
"""Laws of several keys, by the one that tells them."""


ALLOWED: dict[Kind, tuple[type[Law], ...]] = {
    "real": (Constant, Uniform, LogUniform, Normal, TruncatedNormal, Elevation, Integers, Choice, Cycle),
    "count": (Integers, Choice, Cycle),
    "bool": (Bernoulli,),
    "one_of": (AnyOf, Choice, Cycle, First),
    "rotation": (SO3, Yaw, Upright, Resting, Views),
}


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
