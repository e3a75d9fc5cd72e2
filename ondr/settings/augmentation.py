"""Geometric augmentation of the image, made before rendering: nothing is resampled, and every label is exact."""

from __future__ import annotations

from ondr.laws import Law
from ondr.quantity import quantity
from ondr.settings.section import Section


class Augmentation(Section):
    """Flips, crops and affine maps of the image, multiplied into the camera matrix.

    A mirrored image has fx < 0 in `intrinsics`.
    """

    flip_horizontal: Law = quantity(
        False, "whether the image is mirrored left to right", kind="bool", neutral=0, paper="Tremblay 2018"
    )
    flip_vertical: Law = quantity(False, "whether the image is mirrored top to bottom", kind="bool", neutral=0)
    crop: Law = quantity(
        1,
        "size of the part that is enlarged to the full image, as a share of its sides",
        low=0.01,
        high=1,
        neutral=1,
        paper="Tremblay 2018",
    )
    crop_x: Law = quantity([0, 1], "place of the crop, from left to right", low=0, high=1)
    crop_y: Law = quantity([0, 1], "place of the crop, from top to bottom", low=0, high=1)
    aspect: Law = quantity(1, "stretch of the width relative to the height", low=0.1, high=10, neutral=1)
    rotation_degrees: Law = quantity(
        0, "clockwise rotation about the middle", unit="degrees", low=-360, high=360, neutral=0
    )
    shear_degrees: Law = quantity(0, "lean of vertical lines", unit="degrees", low=-60, high=60, neutral=0)
    translate_x: Law = quantity(0, "shift to the right as a share of the width", low=-1, high=1, neutral=0)
    translate_y: Law = quantity(0, "shift downwards as a share of the height", low=-1, high=1, neutral=0)
