"""How fast ondr renders: the cases of cases.yaml, each in a process of its own, as a table and as JSON.

python benchmarks/throughput.py --device cpu --json results/cpu.json
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
import yaml
from rich.console import Console
from rich.table import Table

import ondr
from ondr.doctor import version
from ondr.measure import Measurement, measure
from ondr.settings.writing import written

HERE = Path(__file__).parent
LIBRARIES = ("ondr", "torch", "numba", "numpy", "kornia", "trimesh")


@dataclass(frozen=True)
class Case:
    """One configuration to measure."""

    name: str
    config: str | None
    """A YAML file, relative to this folder; None for the built-in defaults."""
    overrides: list[str]

    def load(self, overrides: list[str]) -> ondr.Config:
        """Returns its settings."""
        changes = [*self.overrides, *overrides]
        if self.config is None:
            return ondr.Config().with_overrides(changes)
        from make_assets import make_assets

        make_assets()
        return ondr.Config.load(HERE / self.config, changes)


def run(case: Case, overrides: list[str], seconds: float) -> tuple[dict[str, Any], Measurement]:
    """Measures a case; returns its settings and what was found."""
    cfg = case.load(overrides)
    return settings_of(cfg), measure(cfg, seconds=seconds)


def settings_of(cfg: ondr.Config) -> dict[str, Any]:
    """Returns what was set; the defaults are those of the commit. Paths are relative to this folder."""
    return json.loads(json.dumps(written(cfg), default=str).replace(str(HERE) + os.sep, ""))


def machine(device: str) -> dict[str, Any]:
    """Returns what the figures depend on besides the configuration."""
    return {
        "device": torch.cuda.get_device_name() if device == "cuda" else _cpu_name(),
        "cores": os.cpu_count(),
        "driver": _output("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"),
        "system": platform.platform(),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        "commit": _output("git", "-C", str(HERE), "describe", "--always", "--dirty", "--abbrev=12"),
    }


def _cpu_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _output(*command: str) -> str | None:
    """Returns what a command prints; None where it is not installed or fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def table(found: dict[str, Measurement]) -> Table:
    """Returns the figures, one row for each case."""
    stages = list(dict.fromkeys(name for m in found.values() for name in m.stage_milliseconds))
    shown = Table(caption="stages in ms per image; images/s with quartiles")
    for heading in ("case", "images/s", *stages, "triangles", "MiB", "first batch"):
        shown.add_column(heading, justify="left" if heading == "case" else "right")
    for name, m in found.items():
        low, high = m.quartiles
        times = [f"{m.stage_milliseconds.get(stage, 0):.3f}" for stage in stages]
        rate = f"{m.images_per_second:.0f} ({low:.0f}-{high:.0f})"
        last = f"{m.triangles_per_image:,.0f}", f"{m.peak_memory_mib:,.0f}", f"{m.first_batch_seconds:.1f} s"
        shown.add_row(name, rate, *times, *last)
    return shown


def main(
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    case: Annotated[list[str] | None, typer.Option(help="Name of a case; all if left out.")] = None,
    overrides: Annotated[list[str] | None, typer.Option("-o", help="key=value for every case.")] = None,
    seconds: Annotated[float, typer.Option(help="About how long to measure each case.")] = 10.0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Where to write the figures.")] = None,
) -> None:
    """Measure the cases and print a table."""
    known = [Case(**entry) for entry in yaml.safe_load((HERE / "cases.yaml").read_text())]
    if unknown := set(case or ()) - {c.name for c in known}:
        raise typer.BadParameter(f"--case must be one of {[c.name for c in known]}, got {sorted(unknown)}.")
    changes = [f"device={device}", *(overrides or [])]
    found, results = {}, []
    for chosen in [c for c in known if not case or c.name in case]:
        # In a process of its own, so that a case's peak memory and first batch are its own too.
        with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as process:
            config, measured = process.submit(run, chosen, changes, seconds).result()
        found[chosen.name] = measured
        results.append({"case": chosen.name, "config": config, **asdict(measured)})
    # A pipe has no width of its own, and 80 columns are too few.
    Console(width=None if sys.stdout.isatty() else 160).print(table(found))
    if json_file is not None:
        json_file.write_text(json.dumps({**machine(device), "cases": results}, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
