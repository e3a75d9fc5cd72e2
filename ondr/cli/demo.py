"""`ondr demo`: the shipped sample assets, rendered to one picture, with some numbers."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from ondr.cli.options import Overrides, settings, without_torch_compile
from ondr.cli.preview import DRAWN, check_writable, save

ROWS, COLUMNS = 4, 6


def demo(
    overrides: Overrides = None,
    out: Annotated[Path, typer.Option(help="The picture's file.")] = Path("preview.png"),
) -> None:
    """Render a contact sheet of the sample assets: plain images on the left, labelled ones on the right."""
    import ondr

    check_writable(out)
    cfg = without_torch_compile(settings(None, overrides)).with_overrides([DRAWN])
    started = perf_counter()
    scenes = ondr.RandomizedScenes(cfg)
    loaded = perf_counter()
    batch = scenes.render(range(ROWS * COLUMNS))
    labelled = [i % COLUMNS >= COLUMNS // 2 for i in range(ROWS * COLUMNS)]
    save(ondr.draw(batch, scenes.class_names, columns=COLUMNS, annotate=labelled), out)
    again = perf_counter()
    scenes.render(range(ROWS * COLUMNS)).images.cpu()
    rate = ROWS * COLUMNS / (perf_counter() - again)
    objects = int(batch.targets.valid.sum())
    how = " without compiling" if cfg.render.compile is False else ""
    typer.echo(
        f"{out.absolute()}\n"
        f"{len(scenes.mesh_files)} meshes of {len(scenes.class_names)} classes loaded in {loaded - started:.1f} s: "
        f"{', '.join(scenes.class_names)}\n"
        f"{len(batch.images)} images of {cfg.image_size[1]}x{cfg.image_size[0]} with {objects} labelled objects; "
        f"left half plain, right half with class, visible share and box (grey: ignored)\n"
        f"{rate:.0f} images/s on {batch.images.device}{how}; `ondr bench` measures more"
    )
