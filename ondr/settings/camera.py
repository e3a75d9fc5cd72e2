"""The camera."""

from __future__ import annotations

from ondr.laws import Law
from ondr.quantity import quantity
from ondr.settings.section import Section


class Camera(Section):
    """A pinhole camera."""

    fov_degrees: Law = quantity([40, 70], "angle across the image's longer side", unit="degrees", low=1, high=170)
    roll_degrees: Law = quantity([-20, 20], "rotation about the optical axis", unit="degrees", low=-360, high=360)
