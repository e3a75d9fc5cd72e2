"""`ondr config`: all settings with their values and meanings."""

from __future__ import annotations

import typer

from ondr.cli.options import Overrides, Source, Without, settings


def config(source: Source = None, overrides: Overrides = None, without: Without = None) -> None:
    """Print all settings as YAML, each with its meaning."""
    typer.echo(settings(source, overrides, without).to_yaml(), nl=False)
