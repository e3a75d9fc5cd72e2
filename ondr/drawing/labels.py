"""Draws boxes, class names and visible fractions on an image, each legible.

The layout of contact sheets is left to `draw`.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont
    from torch import Tensor

    from ondr.batch import Targets

FONT_PIXELS = 12
LINE_PIXELS = 2
DASH_PIXELS = 5
PADDING_PIXELS = 3
TEXT_WEIGHT = 20
"""Cost of covering another text relative to covering another object's box."""
INK = (20, 20, 24)
GREY = (170, 170, 170)
PALETTE = (
    (255, 96, 96),
    (64, 224, 96),
    (112, 160, 255),
    (255, 224, 64),
    (240, 112, 255),
    (64, 224, 240),
    (255, 160, 48),
    (176, 128, 255),
    (184, 240, 64),
    (255, 176, 208),
    (0, 184, 160),
    (224, 192, 144),
)
"""Class colours: bright, so that they are legible on a dark ground, and far apart."""

Rectangle = tuple[int, int, int, int]


@dataclass(frozen=True)
class Mark:
    """The box and text of one object on a picture."""

    box: Rectangle
    """x1 y1 x2 y2 in pixels of the picture, edges."""
    text: str
    color: tuple[int, int, int]
    dashed: bool


def marks_of(targets: Targets, image: int, class_names: Sequence[str], scale: int) -> list[Mark]:
    """Returns a mark for each visible object of an image; ignored ones are grey and dashed.

    Args:
        targets: With boxes and labels; visibility and ignored are used if present.
        image: Row of the batch.
        class_names: Names of the class ids; without them, the ids are written.
        scale: Size of the picture over that of the image.
    """
    labels = _row(targets.labels, image)
    ignored = _row(targets.ignored, image) or [False] * len(labels)
    visibility = _row(targets.visibility, image) or [None] * len(labels)
    marks = []
    for box, label, share, grey in zip(_row(targets.boxes, image), labels, visibility, ignored, strict=True):
        if label >= 0:
            name = class_names[label] if class_names else str(label)
            text = name if share is None else f"{name} {share:.0%}"
            x1, y1, x2, y2 = (round(side * scale) for side in box)
            marks.append(Mark((x1, y1, x2, y2), text, GREY if grey else class_color(label), grey))
    return marks


def _row(field: Tensor | None, image: int) -> list:
    return [] if field is None else field[image].tolist()


def class_color(label: int) -> tuple[int, int, int]:
    """Returns a bright RGB colour for a class id; they repeat after twelve."""
    return PALETTE[label % len(PALETTE)]


def draw_marks(picture: Image.Image, marks: Sequence[Mark]) -> None:
    """Draws all boxes, then all texts, so that no line runs through a text."""
    from PIL import ImageDraw

    pen = ImageDraw.Draw(picture)
    for mark in marks:
        _draw_box(pen, mark)
    for mark, (x1, y1, x2, y2) in zip(marks, place_texts(marks, picture.size), strict=True):
        pen.rectangle((x1, y1, x2 - 1, y2 - 1), fill=INK)
        pen.text((x1 + PADDING_PIXELS, (y1 + y2) / 2), mark.text, fill=mark.color, font=font(), anchor="lm")


def place_texts(marks: Sequence[Mark], size: tuple[int, int]) -> list[Rectangle]:
    """Places the texts on a picture of `size` (width, height), near their boxes and apart from each other."""
    places: list[Rectangle] = []
    for mark in marks:
        others = [other.box for other in marks if other is not mark]
        places.append(_place_text(mark, size, places, others))
    return places


@functools.cache
def font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Returns Pillow's own font."""
    from PIL import ImageFont

    return ImageFont.load_default(FONT_PIXELS)


def _text_size(text: str) -> tuple[int, int]:
    left, _, right, _ = font().getbbox(text)
    return round(right - left) + 2 * PADDING_PIXELS, FONT_PIXELS + 2 * PADDING_PIXELS - 1


def _draw_box(pen: ImageDraw.ImageDraw, mark: Mark) -> None:
    """Outlines a box inside its edges, over the outermost visible pixels."""
    x1, y1, x2, y2 = mark.box
    if not mark.dashed:
        pen.rectangle((x1, y1, x2 - 1, y2 - 1), outline=mark.color, width=LINE_PIXELS)
        return
    # The gaps are dark, so that the line is visible on any picture.
    pen.rectangle((x1, y1, x2 - 1, y2 - 1), outline=INK, width=LINE_PIXELS)
    for x in range(x1, x2, 2 * DASH_PIXELS):
        end = min(x + DASH_PIXELS, x2) - 1
        for y in (y1, y2 - LINE_PIXELS):
            pen.rectangle((x, y, end, y + LINE_PIXELS - 1), fill=mark.color)
    for y in range(y1, y2, 2 * DASH_PIXELS):
        end = min(y + DASH_PIXELS, y2) - 1
        for x in (x1, x2 - LINE_PIXELS):
            pen.rectangle((x, y, x + LINE_PIXELS - 1, end), fill=mark.color)


def _place_text(
    mark: Mark, picture: tuple[int, int], texts: Sequence[Rectangle], boxes: Sequence[Rectangle]
) -> Rectangle:
    """Places a text above its box, else below, else inside: the first position that hides least."""
    x1, y1, x2, y2 = mark.box
    width, height = _text_size(mark.text)
    starts = [(x, y) for y in (y1 - height, y2, y1, y2 - height) for x in (x1, x2 - width)]
    places = [_shift_inside((x, y, x + width, y + height), picture) for x, y in starts]

    def hidden(place: Rectangle) -> int:
        return sum(TEXT_WEIGHT * _overlap(place, t) for t in texts) + sum(_overlap(place, b) for b in boxes)

    return min(places, key=hidden)


def _shift_inside(place: Rectangle, picture: tuple[int, int]) -> Rectangle:
    x1, y1, x2, y2 = place
    x, y = max(0, min(x1, picture[0] - (x2 - x1))), max(0, min(y1, picture[1] - (y2 - y1)))
    return x, y, x + x2 - x1, y + y2 - y1


def _overlap(a: Rectangle, b: Rectangle) -> int:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return max(width, 0) * max(height, 0)
