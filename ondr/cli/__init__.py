"""The `ondr` command: one file per sub-command, built on the public API."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from ondr.cli import bench, config, demo, doctor, export, preview, stats
from ondr.errors import AssetError, BackendError, ConfigError

app = typer.Typer(
    help="Renders labelled training images from 3D meshes, a new random world for every image.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(preview.preview)
app.command()(bench.bench)
app.command()(export.export)
app.command()(doctor.doctor)
app.command()(config.config)
app.command()(demo.demo)
app.command()(stats.stats)

USER_ERROR_EXIT_CODE = 2
# A wrong option raises the parent of BadParameter. Newer versions of typer vendor click, older ones import it: the
# parent is found by its place in the hierarchy, which is the same in both.
UsageError: type[typer.BadParameter] = typer.BadParameter.__mro__[1]


@app.callback(invoke_without_command=True)
def _show_help(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line.

    Args:
        arguments: The words after `ondr`; None: those of the process.

    Raises:
        SystemExit: Always; with code 2 and a message on stderr for an error that the user can fix.
    """
    try:
        code = app(args=arguments, prog_name="ondr", standalone_mode=False)
    except UsageError as error:
        _fail(f"{error.format_message().rstrip('.')}. See `ondr --help`.")
    except (ConfigError, AssetError, BackendError) as error:
        _fail(str(error))
    except typer.Abort:
        raise SystemExit(130) from None
    raise SystemExit(code or 0)


def _fail(message: str) -> None:
    typer.echo(f"ondr: {message}", err=True)
    raise SystemExit(USER_ERROR_EXIT_CODE)
