"""Settings as text: YAML files, and overrides such as `camera.fov_degrees=[40, 70]`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ondr.errors import ConfigError
from ondr.settings.section import Section, inner_section
from ondr.settings.tree import Settings

WORDS = ("sample", "shapes", "composed")
"""Words that a path setting may hold in place of a path."""


def read_file(path: Path) -> dict[str, Any]:
    """Returns the settings in a YAML file.

    Raises:
        ConfigError: It cannot be read, or is no YAML mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no text"
        raise ConfigError(f"{path.absolute()} must be a readable YAML file, got {reason}. Check the path.") from None
    return parse_yaml(text, str(path))


def parse_yaml(text: str, source: str) -> dict[str, Any]:
    """Returns the settings in a text; `source` names it in errors.

    Raises:
        ConfigError: It is no YAML mapping.
    """
    try:
        settings = OmegaConf.to_container(OmegaConf.create(text), resolve=True)
    except (OmegaConfBaseException, yaml.YAMLError) as error:
        raise ConfigError(f"{source} must be valid YAML, got {_said(error)}. Mend that line.") from None
    if not isinstance(settings, dict) or (len(settings) == 1 and text.strip() in settings):
        raise ConfigError(f"{source} must hold settings as `key: value`, got {text[:40]!r}. See `ondr config`.")
    return {str(k): v for k, v in settings.items()}


def _said(error: Exception) -> str:
    """Returns what a parser found wrong, with the line if it is known."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    return f"line {mark.line + 1}: {problem}" if mark and problem else " ".join(str(error).split())


def resolve_paths(settings: dict[str, Any], folder: Path, section: type[Section] = Settings) -> dict[str, Any]:
    """Makes relative paths relative to a folder, in place.

    Args:
        settings: As read from a file.
        folder: Where that file lies.
        section: Says which of the settings are paths.
    """
    for name, field in section.model_fields.items():
        written, inner = settings.get(name), inner_section(field.annotation)
        if inner is not None and isinstance(written, dict):
            resolve_paths(written, folder, inner)
        elif _may_be_path(field.annotation) and written not in (None, *WORDS):
            settings[name] = (
                [_beside(folder, w) for w in written] if isinstance(written, list) else _beside(folder, written)
            )
    return settings


def _beside(folder: Path, written: Any) -> str:
    return str(folder / os.path.expanduser(str(written)))


def _may_be_path(annotation: Any) -> bool:
    return annotation is Path or any(map(_may_be_path, get_args(annotation)))


def override(settings: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Sets what `key=value` texts say, in place.

    Raises:
        ConfigError: A text is not of this form, or its value is no YAML.
    """
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"override must be key=value, got {text!r}. Write for example seed=1.")
        *parents, last = key.strip().split(".")
        node = settings
        for parent in parents:
            child = node.get(parent)
            node[parent] = node = child if isinstance(child, dict) else {}
        node[last] = _parse_value(value, key)
    return settings


def _parse_value(text: str, key: str) -> Any:
    try:
        # As a file with one key, so that the value follows the same rules as in a file.
        return OmegaConf.to_container(OmegaConf.create(f"value: {text}"), resolve=True)["value"]  # type: ignore[index, call-overload]
    except (OmegaConfBaseException, yaml.YAMLError):
        raise ConfigError(f"{key} must be given a YAML value, got {text!r}. Put it in quotes.") from None
