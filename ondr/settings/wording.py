"""Error messages for wrong settings: one line that names the setting, with the nearest one that exists."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

from pydantic_core import ErrorDetails

from ondr.settings.section import Section, inner_section
from ondr.settings.tree import Settings

FOLLOWS = {
    f"{section}.distance": "objects.screen_size and objects.size, from which it follows"
    for section in ("objects", "distractors")
}
"""Derived quantities, and what to set instead."""


def nearest(key: str, known: Sequence[str]) -> str:
    """Returns a suggestion: a similar key of the same section, or of another."""
    section, _, name = key.rpartition(".")
    beside = {k.rpartition(".")[2]: k for k in known if k.rpartition(".")[0] == section}
    anywhere = {k.rpartition(".")[2]: k for k in reversed(known)}
    for table, cutoff in ((beside, 0.4), (anywhere, 0.6)):
        begins = [k for k in table if len(name) > 2 and k.startswith(name)]
        if found := begins or difflib.get_close_matches(name, table, n=1, cutoff=cutoff):
            return f" Did you mean {table[found[0]]!r}?"
    return " `ondr config` lists them all."


def explain(details: Sequence[ErrorDetails]) -> str:
    """Turns pydantic's errors into one line each: `<dotted.name> must <condition>, got <value>. <action>`."""
    lines: dict[str, str] = {}
    for detail in details:
        key = _dotted(detail["loc"])
        # A union reports one error per member; the first is the clearest.
        lines.setdefault(key, _line(key, detail))
    return "\n".join(lines.values())


def _line(key: str, detail: ErrorDetails) -> str:
    if detail["type"] == "extra_forbidden":
        if key in FOLLOWS:
            return f"{key} must not be set, got {detail['input']!r}. Set {FOLLOWS[key]}."
        return f"{key} must be a known setting, got {detail['input']!r}.{nearest(key, list(_keys(Settings)))}"
    if detail["type"] == "missing" and not isinstance(detail["loc"][-1], int):
        return f"{key} must be given. It means: {_description(key)}."
    message = detail["msg"].removeprefix("Value error, ")
    # An error about several settings names them itself.
    if not key or (detail["type"] == "value_error" and not message.startswith("must ")):
        return message
    action = f"It means: {_description(key)}; `ondr config` shows every setting with its default."
    if message.startswith("must "):
        return f"{key} {message}. {action}"
    return f"{key} must {_condition(detail)}, got {detail['input']!r}.{_meant(detail)} {action}"


def _condition(detail: ErrorDetails) -> str:
    """Returns the condition in the words of YAML, where a Python tuple is a list."""
    if detail["type"] == "tuple_type":
        return "be a list"
    if detail["type"] == "missing":
        return f"have more entries than {detail['loc'][-1]}"
    if detail["type"] == "too_long":
        return f"have no more entries than {detail['ctx']['max_length']}"
    if detail["type"] == "too_short":
        return f"have {detail['ctx']['min_length']} entries or more"
    if detail["type"] == "model_type":
        return "hold settings of its own or be left out"
    return f"be {detail['msg'].removeprefix('Input should be ').removeprefix('a valid ')}"


def _meant(detail: ErrorDetails) -> str:
    """Suggests the option most like what was written."""
    known = re.findall("'([^']+)'", detail["ctx"]["expected"]) if detail["type"] == "literal_error" else []
    found = difflib.get_close_matches(str(detail["input"]), known, n=1)
    return f" Did you mean {found[0]!r}?" if found else ""


def _dotted(location: tuple[int | str, ...]) -> str:
    """Joins the names that a user wrote, without pydantic's union members and list indices."""
    names: list[str] = []
    section: type[Section] | None = Settings
    for part in location:
        if section is None or isinstance(part, int):
            break
        if part in section.model_fields:
            names.append(part)
            section = inner_section(section.model_fields[part].annotation)
        elif part == location[-1]:
            names.append(part)
    return ".".join(names)


def _description(key: str) -> str:
    section: type[Section] | None = Settings
    text = ""
    for name in key.split("."):
        if section is None:
            break
        field = section.model_fields[name]
        text, section = field.description or "", inner_section(field.annotation)
    return text


def _keys(section: type[Section], prefix: str = "") -> Iterator[str]:
    for name, field in section.model_fields.items():
        yield prefix + name
        if inner := inner_section(field.annotation):
            yield from _keys(inner, f"{prefix}{name}.")
