"""The options that several commands share, and how they become settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ondr.config import Config

Source = Annotated[
    str | None,
    typer.Argument(metavar="[CONFIG]", help="A YAML file or the name of a preset; the built-in defaults if left out."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("-o", metavar="KEY=VALUE", help="Changes one setting, e.g. -o camera.fov_degrees=[40,70]."),
]


def settings(source: str | None, overrides: list[str] | None) -> Config:
    """Returns the settings that the command line asks for.

    Raises:
        ConfigError: There is no such file or preset, or a key or value is wrong.
    """
    import ondr

    changes = overrides or []
    if source is None:
        return ondr.Config().with_overrides(changes)
    if Path(source).suffix in (".yaml", ".yml") or Path(source).exists():
        return ondr.Config.load(source, changes)
    return ondr.preset(source, changes)


def uncompiled(cfg: Config) -> Config:
    """Returns the settings without a wait for a compiler, unless they ask for one by `render.compile=true`."""
    return cfg if cfg.render.compile is True else cfg.with_overrides(["render.compile=false"])
