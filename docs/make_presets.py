"""Makes the pictures of docs/presets.md: a contact sheet of each preset, and histograms of what it draws.

Needs matplotlib (`pip install "ondr[docs]"`): `python docs/make_presets.py [NAME ...]`, all presets without a name.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from matplotlib import pyplot as plt
from PIL import Image

import ondr
from ondr.laws import Constant, Law
from ondr.presets import preset_names
from ondr.settings.writing import written

FOLDER = Path(__file__).parent / "presets"
SHEET_PIXELS = 1800
"""Width of a contact sheet."""
DRAWN = 2000
"""Images whose draws are counted."""
BINS = 20
PLOT_COLUMNS = 6


def main(names: list[str]) -> None:
    """Makes the pictures of some presets."""
    FOLDER.mkdir(exist_ok=True)
    for name in names or preset_names():
        cfg = ondr.preset(name, ["render.compile=false", "outputs=[boxes, labels, visibility, ignored]"])
        scenes = ondr.RandomizedScenes(cfg)
        make_sheet(scenes, FOLDER / f"{name}.jpg")
        make_histograms(scenes, name, FOLDER / f"{name}_draws.png")
        print(name)


def make_sheet(scenes: ondr.RandomizedScenes, path: Path) -> None:
    """Draws some images of a stream, the second half with their labels."""
    height, width = scenes.cfg.image_size
    columns = 6 if width <= 2 * height else 3
    number = 4 * columns
    marked = [i >= number // 2 for i in range(number)]
    sheet = ondr.draw(scenes.render(range(number)), scenes.class_names, columns=columns, annotate=marked)
    image = Image.fromarray(sheet.permute(1, 2, 0).numpy())
    image.thumbnail((SHEET_PIXELS, 10 * SHEET_PIXELS))
    image.save(path, quality=82)


def make_histograms(scenes: ondr.RandomizedScenes, name: str, path: Path) -> None:
    """Plots how often each value was drawn, of the quantities that the preset sets."""
    draws = scenes.sample(range(DRAWN)).draws
    chosen = set(_names(written(scenes.cfg), ""))
    varying = [n for n, (law, _) in scenes.cfg.quantities().items() if n in chosen and _varies(law)]
    rows = math.ceil(len(varying) / PLOT_COLUMNS)
    figure, axes = plt.subplots(
        rows, PLOT_COLUMNS, figsize=(3 * PLOT_COLUMNS, 1.5 * rows), squeeze=False, layout="constrained"
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for quantity, axis in zip(varying, axes.flat, strict=False):
        values = draws[quantity].double().flatten()
        axis.set_axis_on()
        axis.hist(values.numpy(), bins=_bins(values), color="#4c72b0")
        axis.set_title(quantity, fontsize=7)
        axis.set_yticks([])
        axis.tick_params(labelsize=6)
    figure.suptitle(f"{name}: {DRAWN:,} images", fontsize=9)
    figure.savefig(path, dpi=80)
    plt.close(figure)


def _names(settings: Any, prefix: str) -> Iterator[str]:
    """Returns the dotted names of all that is set."""
    yield prefix.removesuffix(".")
    if isinstance(settings, dict):
        for key, value in settings.items():
            yield from _names(value, f"{prefix}{key}.")


def _varies(law: Law | str) -> bool:
    return isinstance(law, Law) and not isinstance(law, Constant) and law.components == 1 and len(set(law.support)) > 1


def _bins(values: torch.Tensor) -> list[float] | int:
    """Returns one bin for each value where these are few."""
    distinct = values.unique()
    whole = bool((distinct == distinct.round()).all())
    return [v - 0.5 for v in range(int(distinct[0]), int(distinct[-1]) + 2)] if whole and len(distinct) <= 40 else BINS


if __name__ == "__main__":
    main(sys.argv[1:])
