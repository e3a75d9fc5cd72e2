"""The config of a stream: what varies, by which laws, and all other settings, from files and overrides."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from ondr.errors import ConfigError
from ondr.laws import Law
from ondr.quantity import Spec
from ondr.settings import Section, Settings
from ondr.settings.reading import override, read_file, resolve_paths
from ondr.settings.wording import explain
from ondr.settings.writing import plain, written, yaml_lines

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
"""The groups of things in the order of a scene's slots, and the number of slots that one thing of each takes."""


class Config(Settings):
    """What varies, by which laws, and all other settings. Immutable; `ondr config` prints all keys.

    Raises:
        ConfigError: A key does not exist or a value is not allowed; the message names it.
    """

    def __init__(self, **settings: Any) -> None:
        try:
            super().__init__(**settings)
        except ValidationError as error:
            raise ConfigError(explain(error.errors())) from None

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles only what was set; laws are parsed again."""
        return _from_written, (type(self), written(self))

    @classmethod
    def load(cls, path: str | Path, overrides: Sequence[str] = ()) -> Self:
        """Reads a YAML file.

        Args:
            path: The file. Relative paths in it are relative to its folder.
            overrides: `key=value` with dotted keys and YAML values, such as `camera.fov_degrees=[40, 70]`.

        Raises:
            ConfigError: The file cannot be read, or a key or value is wrong.
        """
        return cls(**override(resolve_paths(read_file(Path(path)), Path(path).absolute().parent), overrides))

    def with_overrides(self, overrides: Sequence[str]) -> Self:
        """Returns a copy with some keys changed.

        Args:
            overrides: As for `load`.

        Raises:
            ConfigError: A key or value is wrong.
        """
        return type(self)(**override(written(self), overrides))

    def to_dict(self) -> dict[str, Any]:
        """Returns the settings as a config file writes them: plain numbers, strings, lists and dicts."""
        return plain(self, self.layout)

    def to_yaml(self) -> str:
        """Returns all settings as YAML, each with its description."""
        return "".join(yaml_lines(self, self.layout, 0))

    def quantities(self) -> Mapping[str, tuple[Law | str, Spec]]:
        """Returns every random quantity by its dotted name: its law (or the word `file`) and its meaning."""
        return self._quantities

    @cached_property
    def _quantities(self) -> dict[str, tuple[Law | str, Spec]]:
        """`quantities`, collected once."""
        every = _named_quantities(self, "", self.layout)
        moves = "optical_flow" in self.outputs
        return {name: (law, spec) for name, law, spec in every if moves or not name.startswith("motion.")}

    @cached_property
    def groups(self) -> dict[str, slice]:
        """The slots of each group of things: objects of interest first, surfaces last."""
        each_of = {**GROUPS, "table": self.num_boards}
        numbers = [_most(self, name) * each for name, each in each_of.items()]
        ends = list(itertools.accumulate(numbers))
        return {name: slice(end - n, end) for name, n, end in zip(GROUPS, numbers, ends, strict=True)}

    @property
    def num_objects(self) -> int:
        """N: the largest number of objects of interest."""
        return _most(self, "objects")

    @property
    def num_boards(self) -> int:
        """The largest number of boards that make a table: one under each shelf."""
        return int(self.structured.lanes.support[1]) if self.layout == "structured" else GROUPS["table"]

    @property
    def num_lights(self) -> int:
        """The largest number of lights."""
        return _most(self, "lights")


def _from_written(kind: type[Config], settings: dict[str, Any]) -> Config:
    return kind(**settings)


def _most(cfg: Settings, section: str) -> int:
    """Returns the largest number of a section's things that the config allows in its layout; 0 if it uses none."""
    part = getattr(cfg, section)
    name = "count" if "count" in type(part).model_fields else "present"
    spec = part.spec(name)
    return int(getattr(part, name).support[1]) if spec.used_in(cfg.layout) else 0


def _named_quantities(section: Section, prefix: str, layout: str) -> Iterator[tuple[str, Law | str, Spec]]:
    for name in section.names_used_in(layout):
        value, spec = getattr(section, name), section.spec(name)
        if isinstance(value, Section):
            yield from _named_quantities(value, f"{prefix}{name}.", layout)
        elif spec is not None:
            yield f"{prefix}{name}", value, spec
