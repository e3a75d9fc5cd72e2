"""What more of something costs: images/s over the quantities of curves.yaml, as JSON and as a plot (matplotlib).

python benchmarks/curves.py --json results/curves_cpu.json --plot ../docs/performance/curves.png
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import numpy as np
import trimesh
import typer
import yaml
from rich.progress import track
from throughput import HERE, machine
from torch.utils.data import DataLoader

import ondr
from ondr.measure import REPEATS, WARMUP_BATCHES, measure

BALL_IN_BANK = 1280
"""Triangles of each mesh of a large bank: a thousand of them are more than a processor's caches hold."""
COLUMNS = 3


@dataclass(frozen=True)
class Curve:
    """One line of a plot."""

    name: str
    """What is varied; curves of one name share a plot."""
    values: list[int]
    changes: list[str]
    """key=value with {x}, or with {ball} or {balls} for a folder of meshes."""
    line: str = ""
    """What tells it from the others of its plot."""
    slope: float | None = None
    workers: bool = False
    """The values are numbers of a DataLoader's processes."""
    logarithmic: bool = True

    @property
    def key(self) -> str:
        """Names it among all curves."""
        return f"{self.name}, {self.line}" if self.line else self.name

    def config(self, x: int, common: list[str], root: Path) -> ondr.Config:
        """Returns the settings of one of its points; meshes are written below `root`."""
        words = {"x": x}
        for kind, make in (("ball", one_ball), ("balls", many_balls)):
            if any(f"{{{kind}}}" in change for change in self.changes):
                words[kind] = make(x, root)
        return ondr.Config().with_overrides([*common, *(change.format(**words) for change in self.changes)])


def one_ball(triangles: int, root: Path) -> Path:
    """Returns a folder with a sphere of 20 triangles that were split into four as often as needed."""
    folder = root / f"of_{triangles}"
    write_ball(folder / "ball" / "ball.ply", triangles)
    return folder


def many_balls(number: int, root: Path) -> Path:
    """Returns a folder with so many spheres, each of another size."""
    folder = root / f"bank_{number}"
    for i in range(number):
        write_ball(folder / "ball" / f"{i:04}.ply", BALL_IN_BANK, radius=0.05 * (1 + i / number))
    return folder


def write_ball(path: Path, triangles: int, radius: float = 0.05) -> None:
    """Writes a sphere, radius in metres."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ball = trimesh.creation.icosphere(subdivisions=round(np.log(triangles / 20) / np.log(4)), radius=radius)
    ball.export(path)


def point(curve: Curve, x: int, cfg: ondr.Config, seconds: float) -> dict[str, Any]:
    """Measures one point."""
    if curve.workers:
        low, median, high = np.quantile(rates_with_workers(cfg, x, seconds), [0.25, 0.5, 0.75])
        return {"x": x, "images_per_second": median, "quartiles": [low, high]}
    found = measure(cfg, seconds=seconds)
    stages = {name: round(value, 4) for name, value in found.stage_milliseconds.items()}
    return {
        "x": x,
        "images_per_second": found.images_per_second,
        "quartiles": found.quartiles,
        "stage_milliseconds": stages,
        "triangles_per_image": found.triangles_per_image,
        "first_batch_seconds": found.first_batch_seconds,
    }


def rates_with_workers(cfg: ondr.Config, workers: int, seconds: float) -> list[float]:
    """Returns images/s of a DataLoader, of each of some repeats."""
    stream = iter(DataLoader(ondr.RandomizedScenes(cfg), num_workers=workers))
    # Workers render ahead: only once that was consumed is their own speed seen.
    warming = WARMUP_BATCHES * max(1, 2 * workers)
    list(islice(stream, warming))
    each = elapsed(stream, warming) / warming
    batches = max(1, workers, round(seconds / REPEATS / each))
    return [batches * cfg.batch_size / elapsed(stream, batches) for _ in range(REPEATS)]


def elapsed(stream: Any, batches: int) -> float:
    """Returns how long the next batches take, seconds."""
    start = perf_counter()
    for _ in islice(stream, batches):
        pass
    return perf_counter() - start


def plot(curves: list[Curve], found: dict[str, Any], path: Path) -> None:
    """Draws what was measured: images/s with quartiles; dashed, as if each one more always cost as much."""
    from matplotlib import pyplot as plt

    names = list(dict.fromkeys(curve.name for curve in curves if curve.key in found))
    rows = -(-len(names) // COLUMNS)
    columns = min(COLUMNS, len(names))
    figure, axes = plt.subplots(rows, columns, figsize=(4 * columns, 3 * rows), squeeze=False, layout="constrained")
    for name, ax in zip(names, axes.flat, strict=False):
        for curve in (c for c in curves if c.name == name and c.key in found):
            draw_line(ax, curve, found[curve.key]["points"])
        ax.set_xlabel(name)
    for ax in axes.flat[len(names) :]:
        ax.set_axis_off()
    for ax in axes[:, 0]:
        ax.set_ylabel("images/s")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_line(ax: Any, curve: Curve, points: list[dict[str, Any]]) -> None:
    """Draws one curve."""
    x, y = (np.array([p[key] for p in points]) for key in ("x", "images_per_second"))
    low, high = np.array([p["quartiles"] for p in points]).T
    (line,) = ax.plot(x, y, marker="o", markersize=4, label=curve.line or None)
    ax.fill_between(x, low, high, alpha=0.25, color=line.get_color(), linewidth=0)
    if curve.logarithmic:
        ax.set_xscale("log")
        ax.set_yscale("log")
    else:
        ax.set_ylim(bottom=0)
    ax.set_xticks(x, [str(value) for value in x])
    ax.minorticks_off()
    ax.grid(True, alpha=0.3)
    ticks = [value for value in (20, 50, 100, 200, 500, 1000, 2000, 5000) if y.min() / 2 < value < y.max() * 2]
    ax.set_yticks(ticks, [str(value) for value in ticks])
    if curve.slope is not None:
        bottom, top = y.min() / 1.5, y.max() * 1.3
        straight = y[-1] * (x / x[-1]) ** curve.slope
        shown = straight < top
        ax.plot(x[shown], straight[shown], "--", color="grey", linewidth=1, zorder=0)
        ax.set_ylim(bottom, top)
    if curve.line:
        ax.legend()


def main(
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    curve: Annotated[list[str] | None, typer.Option(help="Name of a curve; all if left out.")] = None,
    largest: Annotated[int | None, typer.Option(help="Leave out the values above it.")] = None,
    overrides: Annotated[list[str] | None, typer.Option("-o", help="key=value for every point.")] = None,
    seconds: Annotated[float, typer.Option(help="About how long to measure each point.")] = 2.0,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", help="Where to write the figures; curves that are there and not measured stay."),
    ] = None,
    picture: Annotated[Path | None, typer.Option("--plot", help="Where to draw the curves.")] = None,
) -> None:
    """Measure the curves."""
    read = yaml.safe_load((HERE / "curves.yaml").read_text())
    known = [Curve(**entry) for entry in read["curves"]]
    if unknown := set(curve or ()) - {c.name for c in known}:
        raise typer.BadParameter(f"--curve must be one of {sorted({c.name for c in known})}, got {sorted(unknown)}.")
    found = json.loads(json_file.read_text()) if json_file is not None and json_file.exists() else {}
    common = [*read["common"], f"device={device}", *(overrides or [])]
    for chosen in [c for c in known if not curve or c.name in curve]:
        values = [x for x in chosen.values if largest is None or x <= largest]
        with tempfile.TemporaryDirectory() as root:
            points = [
                point(chosen, x, chosen.config(x, common, Path(root)), seconds)
                for x in track(values, chosen.key, transient=True)
            ]
        found[chosen.key] = {"machine": machine(device), "changes": [*common, *chosen.changes], "points": points}
        typer.echo(f"{chosen.key}: " + ", ".join(f"{p['x']}: {p['images_per_second']:.0f}" for p in points))
    if json_file is not None:
        json_file.write_text(json.dumps(found, indent=1) + "\n")
    if picture is not None:
        plot(known, found, picture)


if __name__ == "__main__":
    typer.run(main)
