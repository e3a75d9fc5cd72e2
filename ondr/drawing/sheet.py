"""Contact sheets: a grid of rendered images with their boxes, classes, visible fractions and sample ids."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import UInt8
from torch import Tensor

from ondr.drawing.cuboids import draw_3d_labels
from ondr.drawing.labels import INK, draw_marks, font, marks_of
from ondr.errors import ConfigError
from ondr.pixel_format import as_bytes

if TYPE_CHECKING:
    from PIL import Image

    from ondr.batch import Batch

TILE_PIXELS = 192
"""Images smaller than this are enlarged, so that labels fit beside their objects."""
CAPTION_PIXELS = 18
"""Height of the strip below each image for its sample id, where no label can cover it."""
GAP_PIXELS = 4
PAPER = (225, 225, 225)


def draw(
    batch: Batch,
    class_names: Sequence[str] = (),
    *,
    columns: int = 6,
    annotate: bool | Sequence[bool] = True,
) -> UInt8[Tensor, "3 height width"]:
    """Draws a batch as one picture.

    Each object has its box, class and visible fraction; one that `targets.ignored` marks is grey and dashed. The
    sample id stands below each image.

    Args:
        batch: Its targets need `boxes` and `labels`; `visibility`, `ignored`, `keypoints` and `boxes_3d_image` are
            drawn if present.
        class_names: `ds.class_names`; without them, class ids are written.
        columns: Images per row.
        annotate: Whether to draw labels, for all images or for each. Sample ids are always drawn.

    Returns:
        The picture, RGB, on the CPU.

    Raises:
        ConfigError: Labels are to be drawn, but the batch has no boxes or no labels.
        ValueError: `annotate` has not one entry for each image.
    """
    count = len(batch.images)
    chosen = [annotate] * count if isinstance(annotate, bool) else list(annotate)
    if len(chosen) != count:
        raise ValueError(f"annotate must have one entry per image, got {len(chosen)} for {count}. Pass True for all.")
    if any(chosen) and (batch.targets.boxes is None or batch.targets.labels is None):
        raise ConfigError(
            "outputs must name boxes and labels to draw them, got a batch without. "
            "Add both to outputs, or draw with annotate=False."
        )
    scale = math.ceil(TILE_PIXELS / max(batch.images.shape[-2:]))
    pictures = _pictures(batch.images, scale)
    for i, picture in enumerate(pictures):
        if chosen[i]:
            draw_3d_labels(picture, batch.targets, i, scale)
            draw_marks(picture, marks_of(batch.targets, i, class_names, scale))
    return as_tensor(_sheet(pictures, [f"#{i}" for i in batch.sample_ids.tolist()], columns))


def _pictures(images: Tensor, scale: int) -> list[Image.Image]:
    from PIL import Image

    size = images.shape[-1] * scale, images.shape[-2] * scale
    arrays = as_bytes(images).cpu().contiguous().numpy()
    return [Image.fromarray(array).resize(size, Image.Resampling.NEAREST) for array in arrays]


def _sheet(pictures: Sequence[Image.Image], captions: Sequence[str], columns: int) -> Image.Image:
    """Returns the pictures row by row, each above its caption."""
    from PIL import Image, ImageDraw

    columns = max(1, min(columns, len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    width, height = pictures[0].size if pictures else (0, 0)
    step_x, step_y = width + GAP_PIXELS, height + CAPTION_PIXELS + GAP_PIXELS
    sheet = Image.new("RGB", (columns * step_x + GAP_PIXELS, rows * step_y + GAP_PIXELS), INK)
    pen = ImageDraw.Draw(sheet)
    for i, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        x, y = GAP_PIXELS + i % columns * step_x, GAP_PIXELS + i // columns * step_y
        sheet.paste(picture, (x, y))
        pen.text((x + 2, y + height + CAPTION_PIXELS / 2), caption, fill=PAPER, font=font(), anchor="lm")
    return sheet


def as_tensor(image: Image.Image) -> UInt8[Tensor, "3 height width"]:
    """Returns an RGB picture as a tensor on the CPU."""
    values = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    return values.reshape(image.height, image.width, 3).permute(2, 0, 1).contiguous()
