"""The ground, the table and the room around things."""

from __future__ import annotations

from pydantic import Field

from ondr.laws import Law
from ondr.quantity import quantity
from ondr.settings.material import SurfaceMaterial
from ondr.settings.section import ON_GROUND, POSITIVE, SIZES, SPREAD, Section


class FloorMaterial(SurfaceMaterial):
    """The look of the ground."""

    texture_scale: Law = quantity(
        {"log_uniform": [40, 400]}, "repeats of a foreign texture over 200 sizes", low=POSITIVE, high=10_000
    )
    pattern_scale: Law = quantity(
        {"log_uniform": [40, 400]}, "repeats of a pattern over 200 sizes", low=POSITIVE, high=1e5
    )


class TableMaterial(SurfaceMaterial):
    """The look of a table or a wall."""

    texture_scale: Law = quantity(
        {"log_uniform": [1, 8]}, "repeats of a foreign texture over its sides", low=POSITIVE, high=1000
    )


class Floor(Section):
    """A ground plane that reaches almost to the horizon."""

    present: Law = quantity(
        False,
        "whether there is a floor",
        kind="bool",
        each=False,
        structure=True,
        capacity=True,
        usual={"hemisphere": True, "structured": True},
        paper="Tremblay 2018",
    )
    below: Law = quantity(
        [0.2, 2],
        "distance below the lowest thing, or below the table; without a table, things stand on it",
        unit=SIZES,
        low=0,
        high=1e6,
        each=False,
    )
    material: FloorMaterial = Field(default=FloorMaterial(), description="surface")


class Table(Section):
    """A table, whose top is the plane z = 0 that things stand on; with shelves, a board under each."""

    present: Law = quantity(
        False,
        "whether there is a table",
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
        "side along x; it bounds the things even without a table",
        unit=SIZES,
        low=POSITIVE,
        high=1e6,
        each=False,
        layouts=SPREAD,
    )
    depth: Law = quantity(
        [6, 12],
        "side along y; it bounds the things even without a table",
        unit=SIZES,
        low=POSITIVE,
        high=1e6,
        each=False,
        layouts=SPREAD,
    )
    thickness: Law = quantity(
        [0.1, 0.4], "thickness of the top", unit=SIZES, low=POSITIVE, high=1e6, each=False, layouts=ON_GROUND
    )
    material: TableMaterial = Field(default=TableMaterial(), description="surface")


class Room(Section):
    """Four walls and a ceiling around everything, each with a material of its own."""

    present: Law = quantity(False, "whether there is a room", kind="bool", each=False, structure=True, capacity=True)
    width: Law = quantity([15, 40], "side along x", unit=SIZES, low=POSITIVE, high=1e6, each=False)
    depth: Law = quantity([15, 40], "side along y", unit=SIZES, low=POSITIVE, high=1e6, each=False)
    height: Law = quantity(
        [8, 20],
        "height of the ceiling above the floor",
        unit=SIZES,
        low=POSITIVE,
        high=1e6,
        each=False,
    )
    material: TableMaterial = Field(default=TableMaterial(), description="surfaces")
