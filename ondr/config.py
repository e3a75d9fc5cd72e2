"""Settings from files, overrides and presets, and errors that name the setting and the nearest one that exists."""

from __future__ import annotations

import difflib
import importlib.resources
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self, get_args

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ondr.errors import ConfigError
from ondr.laws import Law
from ondr.quantity import Spec
from ondr.settings import Section, Settings

PATHS = (
    "objects.meshes",
    "context.meshes",
    "occluders.meshes",
    "clutter.meshes",
    "materials.textures",
    "background.photos",
)
"""Settings that are files; a relative one in a YAML file is relative to that file."""

WORDS = ("sample", "shapes", "composed")
"""What may stand there in place of a file."""

FOLLOWS = {
    f"{section}.distance": "objects.screen_size and objects.size, from which it follows"
    for section in ("objects", "distractors")
}
"""Quantities that are derived, and what is drawn instead."""


GROUPS = {
    "objects": 1,
    "distractors": 1,
    "context": 1,
    "occluders": 1,
    "clutter": 1,
    "floor": 1,
    "table": 1,
    "room": 5,
}
"""The groups of things in a scene, in the order of its slots, and the meshes that one of each is made of."""


class Config(Settings):
    """What may vary, within which law, and every other choice. Immutable; `ondr config` prints all keys.

    Raises:
        ConfigError: A key does not exist or a value is not allowed; the message names it.
    """

    def __init__(self, **settings: Any) -> None:
        try:
            super().__init__(**settings)
        except ValidationError as error:
            raise ConfigError(_explain(error.errors())) from None

    @classmethod
    def load(cls, path: str | Path, overrides: Sequence[str] = ()) -> Self:
        """Reads a YAML file.

        Args:
            path: The file. Relative paths in it are relative to its folder.
            overrides: `key=value` with dotted keys and YAML values, such as `camera.fov_degrees=[40, 70]`.

        Raises:
            ConfigError: The file cannot be read, or a key or value is wrong.
        """
        return cls(**_overridden(_resolved(_read(Path(path)), Path(path).absolute().parent), overrides))

    def with_overrides(self, overrides: Sequence[str]) -> Self:
        """Returns a copy with some keys changed.

        Args:
            overrides: As for `load`.

        Raises:
            ConfigError: A key or value is wrong.
        """
        return type(self)(**_overridden(_written(self), overrides))

    def to_dict(self) -> dict[str, Any]:
        """Returns what a config file would say, as plain numbers, strings, lists and dicts."""
        return _plain(self, self.layout)

    def to_yaml(self) -> str:
        """Returns all settings as YAML, each with its description."""
        return "".join(_yaml_lines(self, self.layout, 0))

    def quantities(self) -> dict[str, tuple[Law | str, Spec]]:
        """Returns every random quantity by its dotted name: its law (or the word `file`) and its meaning."""
        return {name: (law, spec) for name, law, spec in _quantities(self, "") if spec.used_in(self.layout)}

    @property
    def groups(self) -> dict[str, slice]:
        """The slots of each group of things, in the order of a scene: objects of interest first, surfaces last."""
        numbers = [_most(self, name) * each for name, each in GROUPS.items()]
        ends = list(itertools.accumulate(numbers))
        return {name: slice(end - n, end) for name, n, end in zip(GROUPS, numbers, ends, strict=True)}

    @property
    def num_objects(self) -> int:
        """N: the largest number of objects of interest."""
        return _most(self, "objects")

    @property
    def num_lights(self) -> int:
        """The largest number of lights."""
        return _most(self, "lights")


def _most(cfg: Settings, section: str) -> int:
    """Returns the largest number of a section's things that the config allows in its layout."""
    part = getattr(cfg, section)
    name = "count" if "count" in type(part).model_fields else "present"
    spec = part.spec(name)
    return int(getattr(part, name).support[1]) if spec.used_in(cfg.layout) else 0


def preset(name: str, overrides: Sequence[str] = ()) -> Config:
    """Returns the settings of a shipped recipe.

    Args:
        name: One of the files in `ondr/presets`, without its ending.
        overrides: As for `Config.load`.

    Raises:
        ConfigError: There is no such preset.
    """
    folder = importlib.resources.files("ondr") / "presets"
    known = sorted(p.name.removesuffix(".yaml") for p in folder.iterdir() if p.name.endswith(".yaml"))
    if name not in known:
        raise ConfigError(f"preset must be one of {', '.join(known)}, got {name!r}.{nearest(name, known)}")
    return Config(**_overridden(_parse_yaml((folder / f"{name}.yaml").read_text(), f"preset {name}"), overrides))


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text file"
        raise ConfigError(f"{path.absolute()} must be a readable YAML file: {reason}. Check the path.") from None
    return _parse_yaml(text, str(path))


def _parse_yaml(text: str, source: str) -> dict[str, Any]:
    try:
        settings = OmegaConf.to_container(OmegaConf.create(text), resolve=True)
    except (OmegaConfBaseException, yaml.YAMLError) as error:
        raise ConfigError(f"{source} must be valid YAML: {' '.join(str(error).split())}. Mend that line.") from None
    if not isinstance(settings, dict) or (len(settings) == 1 and text.strip() in settings):
        raise ConfigError(f"{source} must hold settings as `key: value`, got {text[:40]!r}. See `ondr config`.")
    return {str(k): v for k, v in settings.items()}


def _resolved(settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    for dotted in PATHS:
        section, key = dotted.split(".")
        values = settings.get(section)
        if isinstance(values, dict) and values.get(key) not in (None, *WORDS):
            written = values[key]
            values[key] = (
                [str(folder / w) for w in written] if isinstance(written, list) else str(folder / str(written))
            )
    return settings


def _overridden(settings: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"override must be key=value, got {override!r}. Write for example seed=1.")
        *parents, last = key.strip().split(".")
        node = settings
        for parent in parents:
            child = node.get(parent)
            node[parent] = node = child if isinstance(child, dict) else {}
        node[last] = _parse_value(text, key)
    return settings


def _parse_value(text: str, key: str) -> Any:
    try:
        # A file of one key, so that a bare value is read by the same rules as in a file.
        return OmegaConf.to_container(OmegaConf.create(f"value: {text}"), resolve=True)["value"]  # type: ignore[index, call-overload]
    except (OmegaConfBaseException, yaml.YAMLError):
        raise ConfigError(f"{key} must be given a YAML value, got {text!r}. Put it in quotes.") from None


def _written(section: Section) -> dict[str, Any]:
    """Returns what was set, without defaults, which may change with another layout."""
    result = {}
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Section):
            if inner := _written(value):
                result[name] = inner
        elif name in section.model_fields_set:
            result[name] = _plain(value)
    return result


def _plain(value: Any, layout: str = "") -> Any:
    if isinstance(value, Section):
        return {name: _plain(getattr(value, name), layout) for name in value.names_used_in(layout)}
    if isinstance(value, Law):
        return value.to_config()
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return str(value) if isinstance(value, Path) else value


def _yaml_lines(section: Section, layout: str, depth: int) -> Iterator[str]:
    indent = "  " * depth
    for name in section.names_used_in(layout):
        field, value, spec = type(section).model_fields[name], getattr(section, name), section.spec(name)
        note = f"{field.description}{f', {spec.unit}' if spec and spec.unit else ''}"
        if isinstance(value, Section):
            yield f"{indent}{name}:  # {note}\n"
            yield from _yaml_lines(value, layout, depth + 1)
        else:
            yield f"{indent}{f'{name}: {_flow(_plain(value))}'.ljust(52 - len(indent))}  # {note}\n"


def _flow(value: Any) -> str:
    """Writes a value on one line, as YAML reads it back."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(v) for v in value) + "]"
    if isinstance(value, str):
        plain = value.replace("_", "").replace("/", "").isalnum() and yaml.safe_load(value) == value
        return value if plain else json.dumps(value)
    return json.dumps(value)


def _quantities(section: Section, prefix: str) -> Iterator[tuple[str, Law | str, Spec]]:
    for name in type(section).model_fields:
        value, spec = getattr(section, name), section.spec(name)
        if isinstance(value, Section):
            yield from _quantities(value, f"{prefix}{name}.")
        elif spec is not None:
            yield f"{prefix}{name}", value, spec


def _section(annotation: Any) -> type[Section] | None:
    """Returns the section that a field holds, also where it may be null."""
    members = get_args(annotation) or (annotation,)
    return next((m for m in members if isinstance(m, type) and issubclass(m, Section)), None)


def _keys(section: type[Section], prefix: str = "") -> Iterator[str]:
    for name, field in section.model_fields.items():
        yield prefix + name
        if inner := _section(field.annotation):
            yield from _keys(inner, f"{prefix}{name}.")


def nearest(key: str, known: Sequence[str]) -> str:
    """Suggests a key of the same section, or one of the same name elsewhere, or a similar one."""
    section, _, name = key.rpartition(".")
    beside = {k.rpartition(".")[2]: k for k in known if k.rpartition(".")[0] == section}
    anywhere = {k.rpartition(".")[2]: k for k in reversed(known)}
    for table, cutoff in ((beside, 0.4), (anywhere, 0.6)):
        begins = [k for k in table if len(name) > 2 and k.startswith(name)]
        if found := begins or difflib.get_close_matches(name, table, n=1, cutoff=cutoff):
            return f" Did you mean {table[found[0]]!r}?"
    return " `ondr config` lists them all."


def _explain(details: Sequence[ErrorDetails]) -> str:
    """Turns pydantic's errors into one line each: `<dotted.name> must <condition>, got <value>. <action>`."""
    lines: dict[str, str] = {}
    for detail in details:
        key = _dotted(detail["loc"])
        # A union reports one error for each of its members: the first says it best.
        lines.setdefault(key, _line(key, detail))
    return "\n".join(lines.values())


def _line(key: str, detail: ErrorDetails) -> str:
    if detail["type"] == "extra_forbidden":
        if key in FOLLOWS:
            return f"{key} must not be set, got {detail['input']!r}. Set {FOLLOWS[key]}."
        return f"{key} must be a known setting, got {detail['input']!r}.{nearest(key, list(_keys(Settings)))}"
    action = f"It means: {_description(key)}; `ondr config` shows every setting with its default."
    message = detail["msg"].removeprefix("Value error, ")
    if not key:
        return message
    if message.startswith("must "):
        return f"{key} {message}. {action}"
    condition = message.removeprefix("Input should be ").removeprefix("a valid ")
    return f"{key} must be {condition}, got {detail['input']!r}. {action}"


def _dotted(location: tuple[int | str, ...]) -> str:
    """Joins the names that a user wrote, without pydantic's names of union members and list indices."""
    names: list[str] = []
    section: type[Section] | None = Settings
    for part in location:
        if section is None or isinstance(part, int):
            break
        if part in section.model_fields:
            names.append(part)
            section = _section(section.model_fields[part].annotation)
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
        text, section = field.description or "", _section(field.annotation)
    return text
