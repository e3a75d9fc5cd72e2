"""What things stand on and in front of: ground, table, room."""

from __future__ import annotations

from pydantic import Field

from ondr.laws import Law
from ondr.quantity import quantity
from ondr.settings.material import ForeignMaterial
from ondr.settings.section import POSITIVE, Section


class Floor(Section):
    """A ground plane, as far as one sees."""

    present: Law = quantity(False, "whether it is there", kind="bool", each=False, structure=True, capacity=True)
    height: Law = quantity(
        [-3, -1],
        "above the camera in the layouts flying and clutter, else above what things stand on; 0 where there is no "
        "table and they stand on it",
        unit="median sizes of the objects",
        low=-1e6,
        high=1e6,
        each=False,
    )
    material: ForeignMaterial = Field(default=ForeignMaterial(), description="surface")


class Table(Section):
    """A table top whose upper side is the plane z = 0 that things stand on."""

    present: Law = quantity(False, "whether it is there", kind="bool", each=False, structure=True, capacity=True)
    width: Law = quantity(
        [6, 12], "side along x", unit="median sizes of the objects", low=POSITIVE, high=1e6, each=False
    )
    depth: Law = quantity(
        [6, 12], "side along y", unit="median sizes of the objects", low=POSITIVE, high=1e6, each=False
    )
    thickness: Law = quantity(
        [0.1, 0.4], "of the top", unit="median sizes of the objects", low=POSITIVE, high=1e6, each=False
    )
    material: ForeignMaterial = Field(default=ForeignMaterial(), description="surface")


class Room(Section):
    """Four walls and a ceiling around everything, each with a material of its own."""

    present: Law = quantity(False, "whether it is there", kind="bool", each=False, structure=True, capacity=True)
    width: Law = quantity([15, 40], "along x", unit="median sizes of the objects", low=POSITIVE, high=1e6, each=False)
    depth: Law = quantity([15, 40], "along y", unit="median sizes of the objects", low=POSITIVE, high=1e6, each=False)
    height: Law = quantity(
        [8, 20],
        "of the ceiling above the floor",
        unit="median sizes of the objects",
        low=POSITIVE,
        high=1e6,
        each=False,
    )
    material: ForeignMaterial = Field(default=ForeignMaterial(), description="surfaces")
