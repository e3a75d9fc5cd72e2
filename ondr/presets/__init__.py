"""Published recipes and our own recommendations, one YAML file each."""

from __future__ import annotations

import importlib.resources
from collections.abc import Sequence
from typing import Any

from ondr.config import Config
from ondr.errors import ConfigError
from ondr.settings.reading import override, parse_yaml
from ondr.settings.wording import nearest

SWITCHES = "switches"
"""The key of a preset's file that lists parts of its recipe with the overrides that remove each."""


def preset_names() -> list[str]:
    """Returns the names of all presets."""
    folder = importlib.resources.files("ondr") / "presets"
    return sorted(p.name.removesuffix(".yaml") for p in folder.iterdir() if p.name.endswith(".yaml"))


def preset(name: str, overrides: Sequence[str] = (), without: Sequence[str] = ()) -> Config:
    """Returns the settings of a shipped recipe.

    Args:
        name: One of `preset_names`.
        overrides: As for `Config.load`.
        without: Parts of the recipe to leave out, for ablations; listed in the preset's file under `switches`.

    Raises:
        ConfigError: There is no such preset or part, or a key or value is wrong.
    """
    settings, switches = read_preset(name)
    for part in without:
        if part not in switches:
            known = ", ".join(switches) or "none"
            raise ConfigError(f"without must name parts of preset {name} ({known}), got {part!r}. Leave it out.")
    return Config(**override(settings, [o for part in without for o in switches[part]] + list(overrides)))


def read_preset(name: str) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Returns the settings of a preset's file, and the overrides that remove each part of its recipe.

    Raises:
        ConfigError: There is no such preset.
    """
    known = preset_names()
    if name not in known:
        raise ConfigError(f"preset must be one of {', '.join(known)}, got {name!r}.{nearest(name, known)}")
    text = (importlib.resources.files("ondr") / "presets" / f"{name}.yaml").read_text(encoding="utf-8")
    settings = parse_yaml(text, f"preset {name}")
    return settings, settings.pop(SWITCHES, {})
