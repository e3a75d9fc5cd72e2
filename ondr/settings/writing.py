"""Settings in the form of a config file: plain values, and YAML with a description beside each key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ondr.laws import Law
from ondr.settings.section import Section


def written(section: Section) -> dict[str, Any]:
    """Returns what was set, without defaults, since these depend on the layout."""
    result = {}
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Section):
            if inner := written(value):
                result[name] = inner
        elif name in section.model_fields_set:
            result[name] = plain(value)
    return result


def plain(value: Any, layout: str = "") -> Any:
    """Returns a value as a config file writes it; of a section, the keys that the layout uses."""
    if isinstance(value, Section):
        return {name: plain(getattr(value, name), layout) for name in value.names_used_in(layout)}
    if isinstance(value, Law):
        return value.to_config()
    if isinstance(value, tuple):
        return [plain(v) for v in value]
    return str(value) if isinstance(value, Path) else value


def yaml_lines(section: Section, layout: str, depth: int) -> Iterator[str]:
    """Yields the lines of YAML for the keys that a layout uses, indented by depth."""
    indent = "  " * depth
    for name in section.names_used_in(layout):
        field, value, spec = type(section).model_fields[name], getattr(section, name), section.spec(name)
        note = f"{field.description}{f', {spec.unit}' if spec and spec.unit else ''}"
        if isinstance(value, Section):
            yield f"{indent}{name}:  # {note}\n"
            yield from yaml_lines(value, layout, depth + 1)
        else:
            yield f"{indent}{f'{name}: {flow(plain(value))}'.ljust(52 - len(indent))}  # {note}\n"


def flow(value: Any) -> str:
    """Returns a value as one line of YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(v) for v in value) + "]"
    if isinstance(value, str):
        bare = value.replace("_", "").replace("/", "").isalnum() and yaml.safe_load(value) == value
        return value if bare else json.dumps(value)
    return json.dumps(value)
