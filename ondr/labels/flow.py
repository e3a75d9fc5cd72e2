"""Optical flow: how far each pixel's point moves in the image as the camera and the objects move."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ondr.errors import ConfigError
from ondr.geometry import invert
from ondr.labels.facts import Facts
from ondr.lens import rays_at
from ondr.motion import moved
from ondr.place import camera_from_bank
from ondr.planes import Vector, add_product, rotated, take
from ondr.projection import project_pixels
from ondr.raster.limits import NEAR_METRES
from ondr.scene import Motion


def optical_flow(facts: Facts) -> Float[Tensor, "batch 2 height width"]:
    """Returns `Targets.optical_flow`.

    Raises:
        ConfigError: The scene was sampled without motion.
    """
    motion = facts.scene.motion
    if motion is None:
        raise ConfigError(
            "scene.motion must be there for optical_flow, got None. Sample the scene with a config whose outputs name "
            "optical_flow."
        )
    points, after = facts.points, camera_from_bank(moved(facts.scene)).flatten(0, 1).flatten(1)
    m = take(after, points.instance)
    there = tuple(_row(m[i : i + 4], points.position_in_bank) for i in (0, 4, 8))
    x, y = project_pixels(there, facts.scene.camera, points.image)
    flow = points.spread((x - points.place[0], y - points.place[1]), points.seen & (there[2] >= NEAR_METRES))
    at_infinity = _sees_panorama(facts)
    return flow if at_infinity is None else torch.where(at_infinity[:, None], _flow_at_infinity(facts, motion), flow)


def _row(m: Vector, point: Vector) -> Tensor:
    """Returns one component of points transformed by a 3x4 matrix, given that row of it."""
    return add_product(add_product(add_product(m[3], m[0], point[0]), m[1], point[1]), m[2], point[2])


def _sees_panorama(facts: Facts) -> Bool[Tensor, "batch height width"] | None:
    """Returns which pixels see a panorama; None where no image has one."""
    panorama = facts.scene.background.panorama
    return None if panorama is None else (facts.seen.triangle < 0) & (panorama >= 0)[:, None, None]


def _flow_at_infinity(facts: Facts, motion: Motion) -> Float[Tensor, "batch 2 height width"]:
    """Returns the flow of points at infinity at all pixels: that of their rays as the camera turns."""
    camera, (height, width) = facts.scene.camera, facts.size
    pixel = torch.arange(len(facts.mesh) * height * width, device=facts.mesh.device)
    image, column, row = pixel // (height * width), pixel % width + 0.5, pixel // width % height + 0.5
    x, y = rays_at(invert(camera.intrinsics), camera.distortion, image, column, row)
    turn = take(motion.camera_from_camera[:, :3, :3].flatten(1), image)
    ray = rotated(turn, (x, y, torch.ones_like(x)))
    right, down = project_pixels(ray, camera, image)
    before = ray[2] >= NEAR_METRES
    planes = [torch.where(before, plane, 0) for plane in (right - column, down - row)]
    return torch.stack([plane.reshape(-1, height, width) for plane in planes], dim=1)


FIELDS = (optical_flow,)
