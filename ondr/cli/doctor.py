"""`ondr doctor`: what is installed, which backend would render, and how fast it is."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import typer

from ondr.cli.options import Overrides, Source, settings, without_torch_compile

if TYPE_CHECKING:
    from ondr.config import Config

IMAGES = 64


def doctor(source: Source = None, overrides: Overrides = None) -> None:
    """Show what is installed, which backend would render and why, and its speed over 64 images."""
    from ondr.doctor import backend, facts
    from ondr.runtime.device import resolve

    cfg = settings(source, overrides)
    for name, value in facts():
        _show(name, value)
    _show("renders with", backend(resolve(cfg.device), cfg.device))
    cfg = without_torch_compile(cfg)
    height, width = cfg.image_size
    how = ", not compiled" if cfg.render.compile is False else ""
    _show("speed", f"{_speed(cfg):.0f} images/s of {width}x{height} over {IMAGES} images{how}")


def _show(name: str, value: str) -> None:
    typer.echo(f"{name:<21}{value}")


def _speed(cfg: Config) -> float:
    import ondr

    scenes = ondr.RandomizedScenes(cfg)
    # The first time includes compiling kernels and, on a GPU, allocating buffers.
    scenes.render(range(IMAGES)).images.cpu()
    started = perf_counter()
    scenes.render(range(IMAGES)).images.cpu()
    return IMAGES / (perf_counter() - started)
