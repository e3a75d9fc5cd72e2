"""The layout structured: lanes, rows and shelves along which things stand."""

from __future__ import annotations

from ondr.laws import Law
from ondr.quantity import quantity
from ondr.settings.section import POSITIVE, Section

KINDS = ("lanes", "rows", "shelves")
STRUCTURED = ("structured",)
PAPER = "Prakash 2019"


class Structured(Section):
    """Lanes (as of a road, with traffic both ways), rows (as of a car park) or shelves, one above the other.

    A thing's room is a square with the largest footprint of the image as its side.

    Source: Prakash et al. 2019, "Structured domain randomization", section III.
    """

    kind: Law = quantity(
        ["lanes", "rows"], "what things stand along", kind="one_of", options=KINDS, layouts=STRUCTURED, paper=PAPER
    )
    lanes: Law = quantity(
        [1, 4], "number of lanes, rows or shelves", kind="count", low=1, high=100, layouts=STRUCTURED, paper=PAPER
    )
    lane_width: Law = quantity(
        [1.05, 1.8], "between the middles of two lanes", unit="rooms", low=1, high=1000, layouts=STRUCTURED, paper=PAPER
    )
    spacing: Law = quantity(
        [1.05, 2.5], "between two things in a lane", unit="rooms", low=1, high=1000, layouts=STRUCTURED, paper=PAPER
    )
    curvature: Law = quantity(
        [-0.06, 0.06], "of the lanes, one over the radius", unit="1 / rooms", low=-0.2, high=0.2, layouts=STRUCTURED
    )
    context_offset: Law = quantity(
        [0.2, 2], "from the outermost lane to what stands beside it", unit="rooms", low=0, high=1000, layouts=STRUCTURED
    )
    shelf_height: Law = quantity(
        [1.1, 1.6], "between two shelves", unit="rooms", low=POSITIVE, high=1000, layouts=STRUCTURED
    )


class Along(Section):
    """Where a thing stands in its lane (layout structured)."""

    forward: Law = quantity(
        [-1, 1], "shift along the lane, a share of the free room", low=-1, high=1, layouts=STRUCTURED, paper=PAPER
    )
    sideways: Law = quantity(
        [-1, 1], "shift across the lane, a share of the free room", low=-1, high=1, layouts=STRUCTURED, paper=PAPER
    )
    heading_degrees: Law = quantity(
        [-8, 8],
        "turn away from the lane's direction",
        unit="degrees",
        low=-360,
        high=360,
        layouts=STRUCTURED,
        paper=PAPER,
    )
