"""The labels: which are computed, and which objects count."""

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
    """Label noise: the offset of each side of a box as a share of its width or height."""

    x1: Law = quantity(0, "left side, positive to the right", low=-10, high=10, neutral=0, paper="Tremblay 2018")
    y1: Law = quantity(0, "upper side, positive downwards", low=-10, high=10, neutral=0, paper="Tremblay 2018")
    x2: Law = quantity(0, "right side, positive to the right", low=-10, high=10, neutral=0, paper="Tremblay 2018")
    y2: Law = quantity(0, "lower side, positive downwards", low=-10, high=10, neutral=0, paper="Tremblay 2018")


class Labels(Section):
    """Which visible objects count. The others are `ignored`, and keep their boxes."""

    min_visibility: float = Field(default=0.1, ge=0, le=1, description="least visible share of an object")
    min_pixels: int = Field(default=16, ge=1, description="least number of visible pixels")
    box_jitter: BoxJitter = Field(default=BoxJitter(), description="noise on `boxes` only")
    keypoints: int = Field(
        default=8, ge=1, le=1000, description="number of keypoints for classes without any in a .labels.json"
    )
    symmetry_steps: int = Field(
        default=36,
        ge=2,
        le=3600,
        description="number of turns that a continuous symmetry is sampled with (output symmetries)",
    )
    max_truncation: float = Field(
        default=0.9, ge=0, le=1, description="largest share of an object's box outside the image"
    )
