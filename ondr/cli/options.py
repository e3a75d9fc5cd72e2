"""Options shared by several commands, and how they become settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ondr.config import Config

Source = Annotated[
    str | None,
    typer.Argument(metavar="[CONFIG]", help="A YAML file or the name of a preset; the defaults if left out."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("-o", metavar="KEY=VALUE", help="Changes one setting, e.g. -o camera.fov_degrees=[40,70]."),
]
Without = Annotated[
    list[str] | None,
    typer.Option("--without", metavar="PART", help="Leaves out a part of a preset's recipe, e.g. textures."),
]


def settings(source: str | None, overrides: list[str] | None, without: list[str] | None = None) -> Config:
    """Returns the settings of a command line.

    Raises:
        ConfigError: There is no such file, preset or part of a preset, or a key or value is wrong.
    """
    import ondr
    from ondr.errors import ConfigError

    changes = overrides or []
    is_preset = source is not None and Path(source).suffix not in (".yaml", ".yml") and not Path(source).exists()
    if without and not is_preset:
        raise ConfigError(f"--without must go with a preset, got {source or 'the defaults'}. Name a preset.")
    if source is None:
        return ondr.Config().with_overrides(changes)
    return ondr.preset(source, changes, without or []) if is_preset else ondr.Config.load(source, changes)


def without_torch_compile(cfg: Config) -> Config:
    """Returns the settings without the wait for torch.compile on a GPU, unless `render.compile` is true.

    Raises:
        BackendError: There is no such device.
    """
    from ondr.runtime.device import resolve

    # On the CPU, compiling the shading loop takes about a second.
    waits = cfg.render.compile == "auto" and resolve(cfg.device).type == "cuda"
    return cfg.with_overrides(["render.compile=false"]) if waits else cfg
