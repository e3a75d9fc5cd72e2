"""What things stand on and in front of: ground, table, room."""

from __future__ import annotations

from pydantic import Field

from ondr.laws import Law
from ondr.quantity import quantity
from ondr.settings.material import SurfaceMaterial
from ondr.settings.section import ON_GROUND, POSITIVE, SIZES, SPREAD, Section


class FloorMaterial(SurfaceMaterial):
    """How the ground looks."""

    texture_scale: Law = quantity(
        {"log_uniform": [40, 400]}, "repeats of a foreign texture over 200 sizes", low=POSITIVE, high=10_000
    )
    pattern_scale: Law = quantity(
        {"log_uniform": [40, 400]}, "repeats of a pattern over 200 sizes", low=POSITIVE, high=1e5
    )


class TableMaterial(SurfaceMaterial):
    """How a table or a wall looks."""

    texture_scale: Law = quantity(
        {"log_uniform": [1, 8]}, "repeats of a foreign texture over its sides", low=POSITIVE, high=1000
    )


class Floor(Section):
    """A ground plane, as far as one sees."""

    present: Law = quantity(
        False,
        "whether it is there",
        kind="bool",
        each=False,
        structure=True,
        capacity=True,
        usual={"hemisphere": True, "structured": True},
        paper="Tremblay 2018",
    )
    below: Law = quantity(
        [0.2, 2],
        "below the lowest thing, or below the table; without a table, things stand on it",
        unit=SIZES,
        low=0,
        high=1e6,
        each=False,
    )
    material: FloorMaterial = Field(default=FloorMaterial(), description="surface")


class Table(Section):
    """A table top whose upper side is the plane z = 0 that things stand on; with shelves, a board under each."""

    present: Law = quantity(
        False,
        "whether it is there",
        kind="bool",
        each=False,
        structure=True,
        capacity=True,
        layouts=ON_GROUND,
        usual={"tabletop": True},
        paper="Tobin 2017",
    )
    width: Law = quantity(
        [6, 12],
        "side along x; things keep to it where there is no table as well",
        unit=SIZES,
        low=POSITIVE,
        high=1e6,
        each=False,
        layouts=SPREAD,
    )
    depth: Law = quantity(
        [6, 12],
        "side along y; things keep to it where there is no table as well",
        unit=SIZES,
        low=POSITIVE,
        high=1e6,
        each=False,
        layouts=SPREAD,
    )
    thickness: Law = quantity(
        [0.1, 0.4], "of the top", unit=SIZES, low=POSITIVE, high=1e6, each=False, layouts=ON_GROUND
    )
    material: TableMaterial = Field(default=TableMaterial(), description="surface")


class Room(Section):
    """Four walls and a ceiling around everything, each with a material of its own."""

    present: Law = quantity(False, "whether it is there", kind="bool", each=False, structure=True, capacity=True)
    width: Law = quantity([15, 40], "along x", unit=SIZES, low=POSITIVE, high=1e6, each=False)
    depth: Law = quantity([15, 40], "along y", unit=SIZES, low=POSITIVE, high=1e6, each=False)
    height: Law = quantity(
        [8, 20],
        "of the ceiling above the floor",
        unit=SIZES,
        low=POSITIVE,
        high=1e6,
        each=False,
    )
    material: TableMaterial = Field(default=TableMaterial(), description="surfaces")
