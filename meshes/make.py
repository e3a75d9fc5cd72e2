"""Makes the sample meshes: `python make.py [FOLDER]` writes FOLDER/<class>/<instance>, here by default."""

from __future__ import annotations

import sys
from pathlib import Path

from files import write
from furniture import CHAIRS, LAMPS
from model import Model
from tableware import BOWLS, MUGS, TEAPOTS
from things import BANANAS, BOOKS
from tools import BOLTS, HAMMERS, SCREWDRIVERS
from toys import CARS, PLANES
from vessels import BOTTLES, VASES

CLASSES: dict[str, dict[str, Model]] = {
    "banana": BANANAS,
    "bolt": BOLTS,
    "book": BOOKS,
    "bottle": BOTTLES,
    "bowl": BOWLS,
    "chair": CHAIRS,
    "hammer": HAMMERS,
    "mug": MUGS,
    "screwdriver": SCREWDRIVERS,
    "table_lamp": LAMPS,
    "teapot": TEAPOTS,
    "toy_car": CARS,
    "toy_plane": PLANES,
    "vase": VASES,
}


def make(folder: Path) -> None:
    """Writes every instance of every class below `folder`."""
    for class_name, models in CLASSES.items():
        for file_name, model in models.items():
            write(model.parts(), folder / class_name / file_name)


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
