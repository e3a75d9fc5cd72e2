"""`ondr export`: a fixed set of images on disk, in a common dataset format."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from ondr.cli.options import Overrides, Source, Without, settings, without_torch_compile


def export(
    format: Annotated[str, typer.Option("--format", help="coco, yolo, kitti, bop or ndds.")],
    count: Annotated[int, typer.Option(min=1, help="How many images.")],
    out: Annotated[Path, typer.Option(help="A new folder, or one to resume.")],
    source: Source = None,
    overrides: Overrides = None,
    without: Without = None,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes; one per core if left out, 0 for this process only.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed gives another set.")] = None,
    image_format: Annotated[str, typer.Option(help="png, or jpeg with quality 95.")] = "png",
) -> None:
    """Write a fixed set of images with their labels to disk; run it again to resume where it stopped."""
    from ondr.export import write

    changes = [*(overrides or []), *([] if seed is None else [f"seed={seed}"])]
    cfg = without_torch_compile(settings(source, changes, without))
    started = perf_counter()
    try:
        done = write(cfg, out, format, count, workers=workers, image_format=image_format)  # type: ignore[arg-type]
    except KeyboardInterrupt:
        typer.echo("ondr: stopped; the same command goes on.", err=True)
        raise typer.Abort from None
    seconds = perf_counter() - started
    rendered = f"{done.rendered} rendered in {seconds:.1f} s" if done.rendered else "all were there"
    typer.echo(
        f"{done.folder}: {done.images} images of {cfg.image_size[1]}x{cfg.image_size[0]} as {format}, {rendered}\n"
        f"Samples 0 to {done.images - 1} of seed {cfg.seed}: train on another seed, or these images come again."
    )
