"""Writes the tables of docs/transfer.md and draws its plots, from the studies below benchmarks/results/transfer/.

Needs matplotlib (`pip install "ondr[docs]"`): `python docs/make_transfer.py`. A table stands between
`<!-- STUDY -->` and `<!-- /STUDY -->`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from matplotlib import pyplot as plt

HERE = Path(__file__).parent
RESULTS = HERE.parent / "benchmarks" / "results" / "transfer"
PAGE = HERE / "transfer.md"
STUDIES = ("household", "fruit", "parts")
REFERENCE = "full"
HALVES = ("dev", "test")


@dataclass(frozen=True)
class Arm:
    """What came out of an arm, the mean over its seeds."""

    name: str
    seeds: int
    images: int
    minutes: float
    """Of one seed."""
    scores: dict[str, tuple[float, float, float]]
    """Half to figure, and ends of its interval."""

    @classmethod
    def of(cls, name: str, results: list[dict[str, Any]]) -> Arm:
        """Reads one."""
        found = {
            half: [s for result in results for s in result["scores"] if s["half"] == half and s["photos"]]
            for half in HALVES
        }
        scores = {
            half: (mean(s["value"] for s in some), mean(s["low"] for s in some), mean(s["high"] for s in some))
            for half, some in found.items()
            if some
        }
        minutes = mean(result["minutes"] for result in results)
        return cls(name.replace("_", " "), len(results), results[0]["images"], minutes, scores)

    @property
    def row(self) -> str:
        """A line of the table."""
        said = [f"{v:.3f} ({low:.2f} to {high:.2f})" for v, low, high in (self.scores[half] for half in HALVES)]
        return f"| {self.name} | {' | '.join(said)} | {self.images:,} | {self.minutes:.1f} | {self.seeds} |"


def main() -> None:
    """Writes and draws all studies that are there."""
    page = PAGE.read_text()
    for study in STUDIES:
        file = RESULTS / f"{study}_study.json"
        if not file.exists():
            continue
        arms = [Arm.of(name, results) for name, results in json.loads(file.read_text())["arms"].items()]
        halves = " | ".join(f"{half} half" for half in HALVES)
        table = "\n".join(
            [f"| | {halves} | images | minutes | seeds |", "|---|---|---|---|---|---|", *(a.row for a in arms)]
        )
        page = re.sub(
            f"(<!-- {study} -->\n).*?(<!-- /{study} -->)",
            lambda m, t=table: f"{m[1]}{t}\n{m[2]}",
            page,
            flags=re.DOTALL,
        )
        draw(arms, HERE / "transfer" / f"{study}.png")
    PAGE.write_text(page)


def draw(arms: list[Arm], path: Path) -> None:
    """Draws figures with their intervals, the best on top; a line where the reference is."""
    ordered = sorted(arms, key=lambda arm: arm.scores["dev"][0])
    figure, ax = plt.subplots(figsize=(8, 0.8 + 0.26 * len(ordered)), layout="constrained")
    for half, color, offset in zip(HALVES, ("tab:blue", "tab:orange"), (0.13, -0.13), strict=True):
        values = [arm.scores[half] for arm in ordered]
        places = [place + offset for place in range(len(ordered))]
        spread = [[v - low for v, low, _ in values], [high - v for v, _, high in values]]
        ax.errorbar(
            [v for v, *_ in values], places, xerr=spread, fmt="o", color=color, markersize=4, label=f"{half} half"
        )
        (reference,) = (arm for arm in arms if arm.name == REFERENCE)
        ax.axvline(reference.scores[half][0], color=color, linewidth=0.8, linestyle="--", zorder=0)
    ax.set_yticks(range(len(ordered)), [arm.name for arm in ordered])
    ax.set_ylim(-0.7, len(ordered) - 0.3)
    ax.grid(True, axis="x", alpha=0.3)
    ax.legend(loc="lower right")
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main()
