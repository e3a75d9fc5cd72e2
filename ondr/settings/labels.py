"""Which labels are computed, and what counts as visible."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ondr.laws import Law
from ondr.quantity import quantity
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
    "semantic",
    "amodal_masks",
    "stencil",
    "depth",
    "sensor_depth",
    "normals",
    "object_coordinates",
    "optical_flow",
    "camera_from_object",
    "scale",
    "symmetries",
    "boxes_3d",
    "boxes_3d_image",
    "keypoints",
    "keypoints_3d",
    "intrinsics",
    "distortion",
    "camera_from_world",
    "positions",
    "image_class",
]


class BoxJitter(Section):
    """Label noise: how far each side of a box is off, as a share of the box's width or height."""

    x1: Law = quantity(0, "left side, to the right", low=-10, high=10, neutral=0, paper="Tremblay 2018")
    y1: Law = quantity(0, "upper side, downwards", low=-10, high=10, neutral=0, paper="Tremblay 2018")
    x2: Law = quantity(0, "right side, to the right", low=-10, high=10, neutral=0, paper="Tremblay 2018")
    y2: Law = quantity(0, "lower side, downwards", low=-10, high=10, neutral=0, paper="Tremblay 2018")


class Labels(Section):
    """When a visible object counts. Others that are visible are `ignored`, with their box."""

    min_visibility: float = Field(default=0.1, ge=0, le=1, description="least visible share of the object")
    min_pixels: int = Field(default=16, ge=1, description="least number of visible pixels")
    box_jitter: BoxJitter = Field(default=BoxJitter(), description="noise on `boxes`, and on nothing else")
    keypoints: int = Field(
        default=8, ge=1, le=1000, description="points of a mesh whose class has none of its own in a .labels.json"
    )
    symmetry_steps: int = Field(
        default=36, ge=2, le=3600, description="turns that stand for a continuous symmetry (output symmetries)"
    )
    max_truncation: float = Field(default=0.9, ge=0, le=1, description="largest share outside the image")
