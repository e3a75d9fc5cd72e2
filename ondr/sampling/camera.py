"""Cameras: level at the world's origin for `flying` and `clutter`, around the scene for the layouts on the ground.

And the way between the world and a camera's frame.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.config import Config
from ondr.draws import Draws, vector
from ondr.geometry import (
    direction_from_angles,
    intrinsics_from_fov,
    intrinsics_matrix,
    look_along,
    product,
    rotation_about,
    transform,
)
from ondr.lens import COEFFICIENTS
from ondr.sampling.active import Active
from ondr.scene import Camera

JITTER = ("camera.focal_factor", "camera.principal_x", "camera.principal_y")
LOWEST = 0.2
"""Least height of a camera above the ground, in length units."""


def level_camera(draws: Draws, active: Active, cfg: Config) -> Camera:
    """Returns cameras at the world's origin that look along +y, tilted upwards and rolled about the optical axis.

    Args:
        draws: Everything drawn.
        active: Which quantities may differ from neutral.
        cfg: `image_size` and `camera` are read.
    """
    turn = rotation_about("z", draws["camera.roll_degrees"])
    if "camera.tilt_degrees" in active:
        turn = product(turn, rotation_about("x", -draws["camera.tilt_degrees"]))
    # turn @ CAMERA_FROM_WORLD, whose columns are x, z and -y.
    x, y, z = turn.unbind(-1)
    rotation = torch.stack([x, z, -y], dim=-1)
    return _camera(transform(rotation, torch.zeros_like(x)), draws, active, cfg)


def orbit_camera(
    draws: Draws,
    active: Active,
    cfg: Config,
    unit: Float[Tensor, "batch"],
    height: Float[Tensor, "batch"] | float = 0.0,
) -> Camera:
    """Returns cameras around the world's vertical axis that look at a point near it.

    Args:
        draws: Everything drawn.
        active: Which quantities may differ from neutral.
        cfg: `image_size` and `camera` are read.
        unit: The length unit of distances and positions, metres.
        height: Height of the scene's middle above the ground, metres.
    """
    middle = torch.stack([0 * unit, 0 * unit, 0 * unit + height], dim=-1)
    target = vector(draws, "camera.target", "xyz") * unit[:, None] + middle
    if cfg.camera.placement == "box":
        position = vector(draws, "camera.position", "xyz") * unit[:, None] + middle
    else:
        direction = direction_from_angles(draws["camera.azimuth_degrees"], draws["camera.elevation_degrees"])
        position = target + direction * (draws["camera.distance"] * unit)[:, None]
    position = torch.cat([position[:, :2], torch.maximum(position[:, 2], LOWEST * unit)[:, None]], dim=1)
    turn = rotation_about("z", draws["camera.roll_degrees"])
    if active.any(("camera.pan_degrees", "camera.tilt_degrees")):
        up, right = (
            rotation_about("x", -draws["camera.tilt_degrees"]),
            rotation_about("y", -draws["camera.pan_degrees"]),
        )
        turn = product(turn, product(up, right))
    rotation = product(turn, look_along(target - position))
    return _camera(transform(rotation, -product(rotation, position[..., None])[..., 0]), draws, active, cfg)


def _camera(camera_from_world: Float[Tensor, "batch 4 4"], draws: Draws, active: Active, cfg: Config) -> Camera:
    lens = [f"camera.distortion.{name}" for name in COEFFICIENTS]
    bends = active.any(lens)
    return Camera(
        intrinsics=sample_intrinsics(draws, active, cfg),
        camera_from_world=camera_from_world,
        distortion=torch.stack([draws[name] for name in lens], dim=-1) if bends else None,
    )


def sample_intrinsics(draws: Draws, active: Active, cfg: Config) -> Float[Tensor, "batch 3 3"]:
    """Returns K from the field of view or the calibration, with drawn deviations of focal lengths and principal point.

    Args:
        draws: Everything drawn.
        active: Which quantities may differ from neutral.
        cfg: `image_size` and `camera.calibration` are read.
    """
    height, width = cfg.image_size
    known = cfg.camera.calibration
    if known is None:
        k = intrinsics_from_fov(draws["camera.fov_degrees"], cfg.image_size)
    else:
        # OpenCV has pixel centres at whole numbers, ondr at +0.5; then scaled to the size of the image.
        x, y = width / known.size[1], height / known.size[0]
        numbers = (known.fx * x, known.fy * y, (known.cx + 0.5) * x, (known.cy + 0.5) * y)
        # Filled on the device: an upload would make the host wait.
        k = intrinsics_matrix(*(torch.full_like(draws[JITTER[0]], number) for number in numbers))
    if not active.any(JITTER):
        return k
    factor, right, down = (draws[name] for name in JITTER)
    # The factor scales the focal lengths only; the principal point has a shift of its own.
    shift = torch.stack([right * width, down * height, torch.zeros_like(right)], dim=-1)
    return torch.cat([k[:, :, :2] * factor[:, None, None], (k[:, :, 2] + shift)[:, :, None]], dim=2)


def to_camera(camera: Camera, position: Float[Tensor, "batch some 3"]) -> Float[Tensor, "batch some 3"]:
    """Transforms points from the world to the camera's frame, metres."""
    turned = product(camera.camera_from_world[:, None, :3, :3], position[..., None])[..., 0]
    return turned + camera.camera_from_world[:, None, :3, 3]


def to_world(camera: Camera, position: Float[Tensor, "batch some 3"]) -> Float[Tensor, "batch some 3"]:
    """Transforms points from the camera's frame to the world, metres."""
    moved = position - camera.camera_from_world[:, None, :3, 3]
    return product(camera.camera_from_world[:, :3, :3].mT[:, None], moved[..., None])[..., 0]


def eye(camera: Camera) -> Float[Tensor, "batch 3"]:
    """Returns the cameras' positions in the world, metres."""
    return to_world(camera, camera.camera_from_world.new_zeros(len(camera.camera_from_world), 1, 3))[:, 0]
