"""The layout structured: lanes, rows and shelves."""

from __future__ import annotations

from ondr.laws import Law
from ondr.quantity import quantity
from ondr.settings.section import POSITIVE, Section

KINDS = ("lanes", "rows", "shelves")
STRUCTURED = ("structured",)
PAPER = "Prakash 2019"


class Structured(Section):
    """Lanes (a road with traffic both ways), rows (a car park) or shelves, one above the other.

    The unit "rooms" is the side of a square around the largest footprint in the image.

    Source: Prakash et al. 2019, "Structured domain randomization", section III.
    """

    kind: Law = quantity(
        ["lanes", "rows"], "what things stand along", kind="one_of", options=KINDS, layouts=STRUCTURED, paper=PAPER
    )
    lanes: Law = quantity(
        [1, 4], "number of lanes, rows or shelves", kind="count", low=1, high=100, layouts=STRUCTURED, paper=PAPER
    )
    lane_width: Law = quantity(
        [1.05, 1.8],
        "distance between the middles of two lanes",
        unit="rooms",
        low=1,
        high=1000,
        layouts=STRUCTURED,
        paper=PAPER,
    )
    spacing: Law = quantity(
        [1.05, 2.5],
        "distance between two things in a lane",
        unit="rooms",
        low=1,
        high=1000,
        layouts=STRUCTURED,
        paper=PAPER,
    )
    curvature: Law = quantity(
        [-0.06, 0.06], "curvature of the lanes, 1 / radius", unit="1 / rooms", low=-0.2, high=0.2, layouts=STRUCTURED
    )
    context_offset: Law = quantity(
        [0.2, 2],
        "distance from the outermost lane to the context beside it",
        unit="rooms",
        low=0,
        high=1000,
        layouts=STRUCTURED,
    )
    shelf_height: Law = quantity(
        [1.1, 1.6], "height from one shelf to the next", unit="rooms", low=POSITIVE, high=1000, layouts=STRUCTURED
    )


class Along(Section):
    """Place of a thing in its lane (layout structured)."""

    forward: Law = quantity(
        [-1, 1], "shift along the lane as a share of the free space", low=-1, high=1, layouts=STRUCTURED, paper=PAPER
    )
    sideways: Law = quantity(
        [-1, 1], "shift across the lane as a share of the free space", low=-1, high=1, layouts=STRUCTURED, paper=PAPER
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
