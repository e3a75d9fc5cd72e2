"""Whether memory stays flat: the process's resident size over thousands of small batches.

python benchmarks/memory.py --json results/memory_cpu.json
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import torch
import typer
from rich.progress import track
from throughput import machine, settings_of

import ondr

SMALL = ("image_size=[64, 64]", "batch_size=8")
WARMING = 0.1
"""Share of the batches before which memory may still grow: kernels are compiled, and buffers reach their largest."""
SAMPLES = 200
"""How often memory is looked at; what happens between two looks leaves a trend all the same."""


def sizes(cfg: ondr.Config, batches: int) -> tuple[list[int], list[float]]:
    """Renders batches and returns after how many of them which memory was in use, MiB."""
    stream = iter(ondr.RandomizedScenes(cfg))
    every = max(1, batches // SAMPLES)
    at, used = [], []
    for number in track(range(1, batches + 1), "rendering", transient=True):
        device = next(stream).images.device
        if number % every == 0:
            at.append(number)
            used.append(used_mib(device))
    return at, used


def used_mib(device: torch.device) -> float:
    """Returns what torch has allocated on a GPU; on the CPU, what the process holds of the machine's memory (Linux)."""
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device) / 2**20
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def found(at: list[int], used: list[float]) -> dict[str, Any]:
    """Returns the figures: the peak, and after warming up the growth and the slope of a straight line through it."""
    late = [i for i, number in enumerate(at) if number > WARMING * at[-1]]
    x, y = (torch.tensor([values[i] for i in late], dtype=torch.float64) for values in (at, used))
    x = x - x.mean()
    return {
        "peak_mib": max(used),
        "growth_mib": (y[-1] - y[0]).item(),
        "slope_mib_per_1000_batches": 1000 * ((x * y).sum() / x.square().sum()).item(),
        "from_batch": at[late[0]],
    }


def main(
    batches: Annotated[int, typer.Option(help="How many to render.", min=20)] = 10_000,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    overrides: Annotated[list[str] | None, typer.Option("-o", help="key=value of the configuration.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Where to write the figures.")] = None,
) -> None:
    """Render many small batches and print how memory went."""
    cfg = ondr.Config().with_overrides([*SMALL, f"device={device}", *(overrides or [])])
    start = perf_counter()
    at, used = sizes(cfg, batches)
    figures = {"batches": batches, "seconds": perf_counter() - start, **found(at, used)}
    typer.echo("\n".join(f"{name}: {value:,.3f}" for name, value in figures.items()))
    if json_file is not None:
        series = {"at_batch": at, "mib": [round(value, 2) for value in used]}
        json_file.write_text(json.dumps({**machine(device), "config": settings_of(cfg), **figures, **series}) + "\n")


if __name__ == "__main__":
    typer.run(main)
