"""Loads files one by one behind a progress bar, and stops at a bad one or skips it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from ondr.config import Config
from ondr.errors import AssetError, say_once

Item = TypeVar("Item")
Loaded = TypeVar("Loaded")


class Loader:
    """Loads files one by one; a bad one is an error, or skipped where `assets.on_bad` says so."""

    def __init__(self, cfg: Config, advance: Callable[[], None]) -> None:
        """Makes a loader that calls `advance` after each file."""
        self.skip = cfg.assets.on_bad == "skip"
        self.advance = advance

    def each(self, items: Sequence[Item], load: Callable[[Item], Loaded], setting: str) -> list[tuple[Item, Loaded]]:
        """Returns what was loaded, each beside its file.

        Raises:
            AssetError: A file is bad and `assets.on_bad` is error, or all files are bad.
        """
        loaded = []
        for item in items:
            try:
                loaded.append((item, load(item)))
            except AssetError as error:
                if not self.skip:
                    raise
                say_once(f"{error} It is left out (assets.on_bad: skip).")
            self.advance()
        if items and not loaded:
            raise AssetError(
                f"{setting} must hold a file that can be used, got {len(items)} that cannot. "
                f"Set assets.on_bad to error to see why."
            )
        return loaded


@contextmanager
def progress(cfg: Config, total: int) -> Iterator[Callable[[], None]]:
    """Shows a bar on standard error while files are loaded, on a terminal only."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    shown = cfg.assets.progress and console.is_terminal
    with Progress(console=console, transient=True, disable=not shown) as bar:
        task = bar.add_task("Loading assets", total=total)
        yield lambda: bar.advance(task)
