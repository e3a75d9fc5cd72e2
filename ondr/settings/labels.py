"""Which labels are computed, and what counts as visible."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ondr.settings.section import Section

Output = Literal[
    "boxes",
    "boxes_amodal",
    "labels",
    "mesh_ids",
    "visibility",
    "truncation",
    "ignored",
    "instances",
    "depth",
    "normals",
    "camera_from_object",
    "scale",
    "intrinsics",
    "camera_from_world",
]


class Labels(Section):
    """When a visible object counts. Others that are visible are `ignored`, with their box."""

    min_visibility: float = Field(default=0.1, ge=0, le=1, description="least visible share of the object")
    min_pixels: int = Field(default=16, ge=1, description="least number of visible pixels")
    max_truncation: float = Field(default=0.9, ge=0, le=1, description="largest share outside the image")
