"""Ultralytics' detection format: a text file beside every image.

Source: https://docs.ultralytics.com/datasets/detect/, "Ultralytics YOLO format".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from ondr.export.formats.base import Camera, Image, Sample, Source
from ondr.settings.writing import flow
from ondr.views.yolo import to_yolo

DIGITS = 6
"""Decimal places: a thousandth of a pixel in an image of 1,000 pixels."""


class Yolo:
    """`images/000000.png`, ..., `labels/000000.txt`, ... and `data.yaml`."""

    outputs: ClassVar[tuple[str, ...]] = ("boxes", "labels")
    camera: ClassVar[Camera] = "any"

    def check(self, source: Source) -> None:
        """Refuses nothing."""

    def sample(self, source: Source, image: Image) -> Sample:
        """Returns the image and its labels; the file of an image without objects is empty."""
        view = to_yolo(image.targets)
        lines = [
            f"{int(label)} {' '.join(f'{share:.{DIGITS}f}' for share in box)}\n"
            for (label,), box in zip(view["cls"].tolist(), view["bboxes"].tolist(), strict=True)
        ]
        files = {
            f"images/{image.name}{source.suffix}": image.encoded(source),
            f"labels/{image.name}.txt": "".join(lines).encode(),
        }
        return Sample(files)

    def close(self, source: Source, records: list[Any]) -> Iterator[tuple[str, bytes]]:
        """Yields the data set's description. `train` and `val` are both required, so both name the set's only part."""
        names = [f"  {number}: {flow(name)}\n" for number, name in enumerate(source.assets.class_names)]
        text = f"# Paths are relative to this file.\ntrain: images\nval: images\nnames:\n{''.join(names)}"
        yield "data.yaml", text.encode()
