"""`ondr stats`: histograms of the images of a configuration, on one page."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated

import typer

from ondr.cli.options import Overrides, Source, Without, settings, without_torch_compile
from ondr.cli.preview import check_writable, save


def stats(
    source: Source = None,
    overrides: Overrides = None,
    without: Without = None,
    count: Annotated[int, typer.Option(min=1, help="About how many images.")] = 512,
    out: Annotated[Path, typer.Option(help="The picture's file.")] = Path("stats.png"),
) -> None:
    """Render images and write histograms: boxes, classes, visibility, directions, brightness."""
    from rich.progress import track

    import ondr
    from ondr.stats import measure_stats, stats_config, upright_meshes
    from ondr.stats_page import stats_page

    check_writable(out)
    cfg = stats_config(without_torch_compile(settings(source, overrides, without))).with_overrides(
        ["batches_per_epoch=null"]
    )
    scenes = ondr.RandomizedScenes(cfg)
    batches = -(-count // cfg.batch_size)
    rendered = track(itertools.islice(scenes, batches), "rendering", total=batches)
    found = measure_stats(rendered, len(scenes.class_names), upright_meshes(scenes.assets, cfg.objects.up))
    save(stats_page(found, scenes.class_names, source or "the defaults"), out)
    typer.echo(f"{out}: {found.images} images, {found.objects / found.images:.2f} objects each")
