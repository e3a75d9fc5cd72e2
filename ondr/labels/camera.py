"""Fields of the camera, one entry per image."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from ondr.labels.facts import Facts


def intrinsics(facts: Facts) -> Float[Tensor, "batch 3 3"]:
    """Returns `Targets.intrinsics`."""
    return facts.scene.camera.intrinsics


def distortion(facts: Facts) -> Float[Tensor, "batch 5"]:
    """Returns `Targets.distortion`."""
    k, lens = facts.scene.camera.intrinsics, facts.scene.camera.distortion
    return k.new_zeros(len(k), 5) if lens is None else lens


def camera_from_world(facts: Facts) -> Float[Tensor, "batch 4 4"]:
    """Returns `Targets.camera_from_world`."""
    return facts.scene.camera.camera_from_world


FIELDS = (intrinsics, distortion, camera_from_world)
