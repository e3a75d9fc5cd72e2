"""The formats that a set can be written in, one file for each."""

from ondr.export.formats.base import Format
from ondr.export.formats.bop import Bop
from ondr.export.formats.coco import Coco
from ondr.export.formats.kitti import Kitti
from ondr.export.formats.ndds import Ndds
from ondr.export.formats.yolo import Yolo

FORMATS: dict[str, Format] = {"coco": Coco(), "yolo": Yolo(), "kitti": Kitti(), "bop": Bop(), "ndds": Ndds()}
"""Formats by their names for `--format`."""
