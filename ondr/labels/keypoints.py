"""Fields of keypoints, named points on objects: where each is, and whether it is visible."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ondr.labels.facts import Facts
from ondr.labels.masks import not_loaded
from ondr.labels.points import points_at
from ondr.labels.poses import in_camera
from ondr.planes import dot, subtract, take
from ondr.projection import project
from ondr.raster.limits import NEAR_METRES

ABSENT, OCCLUDED, VISIBLE = range(3)
"""States of a keypoint, as COCO numbers them."""
TOLERANCE_PIXELS = 0.5
"""How far, in pixels at its depth, a keypoint may lie behind the visible surface and still count as visible. The
surface is known at the pixel's centre, up to half a pixel away along x and y, and may curve. Compared with ray casting
on small images, 0.25 to 0.5 errs least: more shows points behind a rim, less hides points on curved surfaces."""


def keypoints_3d(facts: Facts) -> Float[Tensor, "batch object keypoint 3"]:
    """Returns `Targets.keypoints_3d`.

    Raises:
        ConfigError: The assets were loaded without keypoints.
    """
    points, known = _in_camera(facts)
    return facts.punch(torch.where(known[..., None], points, 0))


def keypoints(facts: Facts) -> Float[Tensor, "batch object keypoint 3"]:
    """Returns `Targets.keypoints`.

    Raises:
        ConfigError: The assets were loaded without keypoints.
    """
    points, known = _in_camera(facts)
    camera, (height, width) = facts.scene.camera, facts.size
    place = project(points, camera.intrinsics, camera.distortion)
    x, y = place.unbind(-1)
    inside = known & (points[..., 2] >= NEAR_METRES) & (x >= 0) & (x < width) & (y >= 0) & (y < height)
    state = torch.where(hidden(facts, points, torch.where(inside[..., None], place, 0)), OCCLUDED, VISIBLE)
    found = torch.cat([place, state[..., None].to(place.dtype)], dim=-1)
    return facts.punch(torch.where(inside[..., None], found, ABSENT))


def hidden(
    facts: Facts, points: Float[Tensor, "batch object point 3"], place: Float[Tensor, "batch object point 2"]
) -> Bool[Tensor, "batch object point"]:
    """Returns which points lie behind the surface that their pixel sees.

    The surface is extended as a plane from the pixel's centre to the point.

    Args:
        facts: The batch's.
        points: Points in the camera frame, metres.
        place: Their projections, pixels inside the image.
    """
    height, width = facts.size
    column, row = place.detach().long().unbind(-1)
    image = torch.arange(len(points), device=points.device)[:, None, None]
    pixel = ((image * height + row) * width + column).flatten()
    met = points_at(facts.assets.bank, facts.placed, facts.seen, facts.scene.camera, pixel)
    point = points.reshape(-1, 3).unbind(-1)
    behind = -dot(subtract(point, met.position), met.facet)
    fx, skew, _, shear, fy, _ = take(facts.scene.camera.intrinsics[:, :2].flatten(1), met.image)
    pixel_metres = point[2] * torch.rsqrt((fx * fy - skew * shear).abs())
    return (met.seen & (behind > TOLERANCE_PIXELS * pixel_metres)).reshape(points.shape[:-1])


def _in_camera(facts: Facts) -> tuple[Float[Tensor, "batch object keypoint 3"], Bool[Tensor, "batch object keypoint"]]:
    """Returns the keypoints in the camera frame, metres, and which of them exist."""
    notes, file = facts.assets.annotations, facts.file.clamp_min(0)
    if notes.keypoints is None or notes.has_keypoint is None:
        raise not_loaded("keypoints")
    return in_camera(facts.camera_from_bank, notes.keypoints[file]), notes.has_keypoint[file]


FIELDS = (keypoints, keypoints_3d)
