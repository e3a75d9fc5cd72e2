"""COCO: a folder of images and one JSON, as pycocotools, torchvision, Detectron2 and MMDetection read it.

Source: https://cocodataset.org/#format-data.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from ondr.export.formats.base import Camera, Image, Sample, Source, as_json
from ondr.views.coco import categories, to_coco


class Coco:
    """`images/000000.png`, ... and `annotations/instances.json`, with run-length masks."""

    outputs: ClassVar[tuple[str, ...]] = ("boxes", "labels", "ignored", "instances")
    camera: ClassVar[Camera] = "any"

    def check(self, source: Source) -> None:
        """Refuses nothing."""

    def sample(self, source: Source, image: Image) -> Sample:
        """Returns the image and its annotations."""
        file_name = f"{image.name}{source.suffix}"
        view = to_coco(image.targets)
        record = {"image": {**view["images"][0], "file_name": file_name}, "annotations": view["annotations"]}
        return Sample({f"images/{file_name}": image.encoded(source)}, record)

    def close(self, source: Source, records: list[Any]) -> Iterator[tuple[str, bytes]]:
        """Yields the file with all annotations."""
        yield (
            "annotations/instances.json",
            as_json(
                {
                    "info": {"description": "rendered by ondr; manifest.json says from what"},
                    "licenses": [],
                    "images": [record["image"] for record in records],
                    "annotations": [annotation for record in records for annotation in record["annotations"]],
                    "categories": categories(source.assets.class_names),
                }
            ),
        )
