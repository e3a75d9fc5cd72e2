"""`ondr preview`: images of a configuration as one picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ondr.cli.options import Overrides, Source, Without, settings, without_torch_compile

if TYPE_CHECKING:
    from torch import Tensor

DRAWN = "outputs=[boxes, labels, visibility, ignored]"
"""The targets that a contact sheet shows."""


def preview(
    source: Source = None,
    overrides: Overrides = None,
    without: Without = None,
    sample: Annotated[
        list[int] | None, typer.Option("--id", min=0, help="Sample id to render; may be given several times.")
    ] = None,
    count: Annotated[
        int | None, typer.Option(min=1, help="How many images, starting at sample 0 or at each --id.")
    ] = None,
    columns: Annotated[int, typer.Option(min=1, help="Images per row.")] = 6,
    plain: Annotated[bool, typer.Option("--plain", help="Leave out the labels.")] = False,
    out: Annotated[Path, typer.Option(help="The picture's file.")] = Path("preview.png"),
) -> None:
    """Render images with their labels into one picture."""
    import ondr

    check_writable(out)
    cfg = without_torch_compile(settings(source, overrides, without)).with_overrides([DRAWN])
    number = count or (1 if sample else 24)
    ids = [first + k for first in sample or [0] for k in range(number)]
    scenes = ondr.RandomizedScenes(cfg)
    save(ondr.draw(scenes.render(ids), scenes.class_names, columns=columns, annotate=not plain), out)
    typer.echo(f"{out}: {len(ids)} image{'s' if len(ids) > 1 else ''} of {cfg.image_size[1]}x{cfg.image_size[0]}")


def check_writable(out: Path) -> None:
    """Checks, before anything is rendered, that a picture can be written.

    Raises:
        BadParameter: The folder does not exist, or the file's ending is not that of an image format.
    """
    from PIL import Image

    if not out.parent.is_dir():
        raise typer.BadParameter(f"--out must be in a folder that exists, got {out.absolute()}.")
    if out.suffix.lower() not in Image.registered_extensions():
        raise typer.BadParameter(f"--out must end in .png or .jpg, got {str(out)!r}.")


def save(picture: Tensor, out: Path) -> None:
    """Writes a uint8 picture [3, H, W] in the format of the file's ending."""
    from PIL import Image

    Image.fromarray(picture.permute(1, 2, 0).numpy()).save(out)
