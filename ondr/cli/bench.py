"""`ondr bench`: how fast a configuration renders on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ondr.cli.options import Overrides, Source, Without, settings

if TYPE_CHECKING:
    from ondr.measure import Measurement


def bench(
    source: Source = None,
    overrides: Overrides = None,
    without: Without = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="About how long to measure.")] = 5.0,
) -> None:
    """Measure images/s, milliseconds per stage and memory."""
    from ondr.measure import measure

    cfg = settings(source, overrides, without)
    typer.echo(report(measure(cfg, seconds=seconds)))


def report(found: Measurement) -> str:
    """Returns a measurement as text."""
    low, high = found.quartiles
    stages = [f"  {name:<10} {ms:8.3f} ms per image" for name, ms in found.stage_milliseconds.items()]
    return "\n".join(
        [
            f"{found.images_per_second:.0f} images/s on {found.device} (quartiles {low:.0f} to {high:.0f})",
            *stages,
            f"{found.triangles_per_image:,.0f} triangles per image",
            f"{found.peak_memory_mib:,.0f} MiB at most",
            f"{found.first_batch_seconds:.1f} s to the first batch",
        ]
    )
