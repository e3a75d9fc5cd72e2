"""How laws are written in a config: numbers, lists, names and mappings become laws.

The other direction is each law's `to_config`. Whether a quantity allows a law is left to `quantity`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real
from typing import Any, Literal

from ondr.laws.base import Continuous, Law
from ondr.laws.compound import Schedule, Sometimes
from ondr.laws.continuous import Constant, Elevation, LogUniform, Normal, TruncatedNormal, Uniform
from ondr.laws.discrete import AnyOf, Bernoulli, Choice, Cycle, First, Integers
from ondr.laws.rotations import SO3, Resting, Upright, Views, Yaw

Kind = Literal["real", "count", "bool", "one_of", "rotation"]
"""What a quantity is: a number, a whole number, yes or no, one of several things, or an orientation."""
NAMED: dict[str, Law] = {
    "so3": SO3(),
    "yaw": Yaw(),
    "resting": Resting(),
    "upright": Upright(),
    "uniform": AnyOf(),
    "cycle": Cycle(),
    "first": First(),
}
"""Laws that are written as one word."""
WORDED: dict[Kind, str] = {
    "real": "a number, [low, high] or a named law such as {log_uniform: [1, 10]}",
    "count": "a whole number, [low, high] or {choice: [1, 2, 5]}",
    "bool": "true, false or {bernoulli: 0.5}",
    "one_of": "uniform, cycle, first, a name, a list of names or {choice: [a, b], weights: [2, 1]}",
    "rotation": "so3, yaw, upright, resting or {views: {subdivisions: 2, in_plane: 12}}",
}
"""How the laws of each kind are written, for error messages."""


def read_law(written: Any, kind: Kind, neutral: float | None = None) -> Law:
    """Turns what a config says into a law.

    Args:
        written: A number, a list, a name or a mapping.
        kind: Decides what a bare number, list or name means.
        neutral: The value that `{probability: ..., law: ...}` takes otherwise; None: there is none.

    Raises:
        ValueError: It is no law; the message starts with `must`.
    """
    if isinstance(written, str) and written in NAMED:
        return NAMED[written]
    if kind == "one_of" and isinstance(written, str | list | tuple):
        options = (written,) if isinstance(written, str) else tuple(written)
        return Choice(options, (1.0,) * len(options))
    if isinstance(written, bool) and kind == "bool":
        return Bernoulli(float(written))
    if isinstance(written, Real) and not isinstance(written, bool):
        value = _number(written)
        return Integers(int(value), int(value)) if kind == "count" and value.is_integer() else Constant(value)
    if isinstance(written, list | tuple) and len(written) == 2:
        return _interval(Integers if kind == "count" else Uniform)(written)
    if isinstance(written, dict):
        return _named(written, kind, neutral)
    raise ValueError(f"must be {WORDED[kind]}, got {written!r}")


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


VALUE_READERS: dict[str, Callable[[Any], Law]] = {
    "uniform": _interval(Uniform),
    "log_uniform": _interval(LogUniform),
    "elevation": _interval(Elevation),
    "integers": _interval(Integers),
    "normal": _by_name(Normal, "mean", "std"),
    "truncated_normal": _by_name(TruncatedNormal, "mean", "std", "low", "high"),
    "bernoulli": lambda written: Bernoulli(_number(written)),
    "constant": lambda written: Constant(_number(written)),
}
"""Laws that are written `{name: value}`, by name; each reader takes the value."""


def _named(written: dict[str, Any], kind: Kind, neutral: float | None) -> Law:
    for key, reader in MAPPING_READERS.items():
        if key in written:
            return reader(written, kind, neutral)
    if len(written) != 1 or next(iter(written)) not in VALUE_READERS:
        known = ", ".join(sorted([*VALUE_READERS, *MAPPING_READERS]))
        raise ValueError(f"must be one law of {known}, got {written!r}")
    name, value = next(iter(written.items()))
    return VALUE_READERS[name](value)


def _choice(written: dict[str, Any], kind: Kind, neutral: float | None) -> Law:
    options = written["choice"]
    if set(written) - {"choice", "weights"} or not isinstance(options, list | tuple):
        raise ValueError(f"must be {{choice: [...], weights: [...]}}, got {written!r}")
    weights = written.get("weights") or [1] * len(options)
    if not isinstance(weights, list | tuple):
        raise ValueError(f"must have a list of weights, got {weights!r}")
    return Choice(tuple(options), tuple(_number(w) for w in weights))


def _cycle(written: dict[str, Any], kind: Kind, neutral: float | None) -> Law:
    options = written["cycle"]
    if len(written) != 1 or not isinstance(options, list | tuple) or not options:
        raise ValueError(f"must be {{cycle: [...]}}, got {written!r}")
    return Cycle(tuple(options))


def _sometimes(written: dict[str, Any], kind: Kind, neutral: float | None) -> Law:
    if set(written) != {"probability", "law"}:
        raise ValueError(f"must be {{probability: 0.2, law: [low, high]}}, got {written!r}")
    law = read_law(written["law"], kind, neutral)
    if neutral is None or not isinstance(law, Continuous):
        raise ValueError(f"must have a neutral value and a continuous law to take a probability, got {written!r}")
    return Sometimes(law, _number(written["probability"]), neutral)


def _schedule(written: dict[str, Any], kind: Kind, neutral: float | None) -> Law:
    if set(written) != {"from", "to", "samples"}:
        raise ValueError(f"must be {{from: ..., to: ..., samples: 100000}}, got {written!r}")
    samples = _number(written["samples"])
    if not samples.is_integer():
        raise ValueError(f"must have a whole number of samples, got {samples}")
    start, end = (read_law(written[name], kind, neutral) for name in ("from", "to"))
    return Schedule(start, end, int(samples))


def _views(written: dict[str, Any], kind: Kind, neutral: float | None) -> Law:
    inner = written["views"]
    usual = {"subdivisions": 2, "in_plane": 12, "cycle": False}
    values = {**usual, **inner} if isinstance(inner, dict) else {}
    cycle = values.pop("cycle", None)
    if len(written) != 1 or set(values) | {"cycle"} != set(usual) or not isinstance(cycle, bool):
        raise ValueError(f"must be {{views: {{subdivisions: 2, in_plane: 12, cycle: true}}}}, got {written!r}")
    subdivisions, in_plane = (_number(values[name]) for name in ("subdivisions", "in_plane"))
    if not subdivisions.is_integer() or not in_plane.is_integer():
        raise ValueError(f"must have whole numbers, got {written!r}")
    return Views(int(subdivisions), int(in_plane), cycle)


MAPPING_READERS: dict[str, Callable[[dict[str, Any], Kind, float | None], Law]] = {
    "choice": _choice,
    "cycle": _cycle,
    "probability": _sometimes,
    "from": _schedule,
    "views": _views,
}
"""Laws that need their whole mapping, by the key that identifies them."""
