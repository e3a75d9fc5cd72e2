"""The histograms of `stats` as one picture, drawn with Pillow."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import UInt8
from PIL import Image, ImageDraw
from torch import Tensor

from ondr.drawing.labels import PALETTE, font
from ondr.drawing.sheet import as_tensor
from ondr.stats import Stats

PANEL = 400, 230
"""Width and height of a panel in pixels."""
PLOT = 44, 40, 384, 196
"""Place of the plot in a panel: left, top, right, bottom."""
COLUMNS = 3
HEAD_PIXELS = 40
PAPER, LINE, INK, FAINT = (250, 250, 248), (205, 205, 205), (32, 32, 36), (120, 120, 126)
BAR = (64, 112, 192)
COLD, HOT = (238, 240, 246), (176, 40, 40)
MOST_NAMES = 16
"""Classes whose names fit under their bars."""
LONGEST_NAME = 18


def stats_page(stats: Stats, class_names: Sequence[str], title: str) -> UInt8[Tensor, "3 height width"]:
    """Draws all histograms on one page.

    Args:
        stats: From `measure_stats`.
        class_names: `ds.class_names`.
        title: Written above.

    Returns:
        The picture, RGB, on the CPU.
    """
    number = stats.per_image.numel()
    panels = [
        bars("objects per image", stats.per_image, [str(k) for k in range(number)], "objects"),
        classes_panel(stats, class_names),
        bars("size of boxes", stats.size, ["0", "0.5", "1"], "root of their share of the image"),
        bars("shape of boxes", stats.aspect, ["1:8", "1:1", "8:1"], "width : height"),
        bars("visibility", stats.visibility, ["0", "0.5", "1"], "share that nothing hides"),
        bars("truncation", stats.truncation, ["0", "0.5", "1"], "share outside of the image"),
        heat("where boxes are", stats.coverage, f"share of images, at most {float(stats.coverage.max()):.0%}"),
        heat("viewing directions", stats.directions.float(), "azimuth across, top to bottom"),
        bars("brightness of images", stats.brightness, ["0", "0.5", "1"], "mean of all pixels"),
    ]
    rows = -(-len(panels) // COLUMNS)
    page = Image.new("RGB", (COLUMNS * PANEL[0], HEAD_PIXELS + rows * PANEL[1]), PAPER)
    head = f"{title}: {stats.images:,} images, {stats.objects:,} objects, {stats.ignored:,} below the limits of labels"
    ImageDraw.Draw(page).text((16, HEAD_PIXELS / 2), head, fill=INK, font=font(), anchor="lm")
    for k, panel in enumerate(panels):
        page.paste(panel, (k % COLUMNS * PANEL[0], HEAD_PIXELS + k // COLUMNS * PANEL[1]))
    return as_tensor(page)


def classes_panel(stats: Stats, names: Sequence[str]) -> Image.Image:
    """Draws how often each class occurs: named bars, or many thin ones."""
    if len(names) > MOST_NAMES:
        return bars("classes", stats.classes, [names[0], names[-1]], f"{len(names)} classes in order")
    panel, pen = _panel("classes", "")
    left, top, right, bottom = PLOT
    step, most, total = (bottom - top + 20) / len(names), max(1, int(stats.classes.max())), max(1, stats.objects)
    for k, (name, count) in enumerate(zip(names, stats.classes.tolist(), strict=True)):
        y = top + (k + 0.5) * step
        start = left + 70
        end = start + (right - start - 40) * count / most
        pen.rectangle((start, y - step * 0.35, end, y + step * 0.35), fill=PALETTE[k % len(PALETTE)])
        pen.text((start - 6, y), name[:LONGEST_NAME], fill=INK, font=font(), anchor="rm")
        pen.text((end + 5, y), f"{count / total:.1%}", fill=FAINT, font=font(), anchor="lm")
    return panel


def bars(title: str, counts: Tensor, ticks: Sequence[str], label: str) -> Image.Image:
    """Draws a histogram.

    Args:
        title: Written above it.
        counts: Count of each bin.
        ticks: Written below it: one for each bar, or spread from end to end.
        label: Meaning of the axis.
    """
    panel, pen = _panel(title, label)
    left, top, right, bottom = PLOT
    shares, width = (counts / counts.sum().clamp_min(1)).tolist(), (right - left) / len(counts)
    most = max(*shares, 1e-9) if len(shares) > 1 else 1.0
    for k, share in enumerate(shares):
        x = left + k * width
        if share:
            # At least one pixel high, so that rare values show.
            pen.rectangle(
                (x + 1, min(bottom - 1, bottom - (bottom - top) * share / most), x + width - 1, bottom), fill=BAR
            )
    pen.text((left - 6, top), f"{most:.0%}", fill=FAINT, font=font(), anchor="rm")
    pen.line((left, bottom, right, bottom), fill=LINE)
    each = len(ticks) == len(counts)
    every = -(-len(ticks) // 20) if each else 1
    for k, tick in enumerate(ticks):
        x = left + (k + 0.5) * width if each else left + (right - left) * k / (len(ticks) - 1)
        if k % every == 0:
            pen.text((x, bottom + 4), tick, fill=FAINT, font=font(), anchor="ma")
    return panel


def heat(title: str, values: Tensor, label: str) -> Image.Image:
    """Draws a map `[row, column]`, the largest value darkest."""
    panel, _ = _panel(title, label)
    left, top, right, bottom = PLOT
    shares = (values / values.max().clamp_min(1e-9))[..., None]
    colors = torch.tensor(COLD) + shares * (torch.tensor(HOT) - torch.tensor(COLD)).float()
    height = bottom - top
    width = min(right - left, height * values.shape[1] // values.shape[0])
    small = Image.fromarray(colors.round().to(torch.uint8).numpy())
    panel.paste(small.resize((width, height), Image.Resampling.NEAREST), (left, top))
    return panel


def _panel(title: str, label: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    panel = Image.new("RGB", PANEL, PAPER)
    pen = ImageDraw.Draw(panel)
    pen.text((PLOT[0], 14), title, fill=INK, font=font(), anchor="lm")
    pen.text((PLOT[2], 14), label, fill=FAINT, font=font(), anchor="rm")
    return panel, pen
