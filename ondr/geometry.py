"""Rotations, cameras and rays: the conventions of frames in one place.

World right-handed, z up, metres. Camera axes as in OpenCV: x right, y down, z forward. Quaternions w x y z.
Transforms read right to left: `camera_from_world @ world_from_object`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ondr.settings.section import Axis

CAMERA_FROM_WORLD = ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0))
"""Rotation of a level camera that looks along the world's +y: right is +x, up is +z."""
RAISED: dict[Axis, tuple[tuple[int, int], ...]] = {
    "x": ((2, 1), (1, 1), (0, -1)),
    "-x": ((2, -1), (1, 1), (0, 1)),
    "y": ((0, 1), (2, 1), (1, -1)),
    "-y": ((0, 1), (2, -1), (1, 1)),
    "-z": ((0, 1), (1, -1), (2, -1)),
}
"""Rotations that bring an axis up: column and sign that each of x, y and z takes from the rotation. x is kept where
possible, since objects are built along it."""


def product(a: Float[Tensor, "*#shape n k"], b: Float[Tensor, "*#shape k m"]) -> Float[Tensor, "... n m"]:
    """Returns the product of small matrices, multiplied out; leading dimensions broadcast.

    `a @ b` would lose precision on a GPU wherever the training loop allows TensorFloat-32 or half precision.
    """
    return (a[..., None] * b[..., None, :, :]).sum(-2)


def matrix_from_rows(rows: Sequence[Sequence[Float[Tensor, "*shape"]]]) -> Float[Tensor, "*shape n m"]:
    """Returns matrices, given their elements row by row."""
    return torch.stack([torch.stack(list(row), dim=-1) for row in rows], dim=-2)


def invert(matrix: Float[Tensor, "*shape 3 3"]) -> Float[Tensor, "*shape 3 3"]:
    """Returns the inverses, zeros for singular matrices. By cofactors, since a library call would synchronise."""
    # Scaled first, since the determinant of a small object's matrix would underflow.
    size = matrix.abs().amax((-2, -1), keepdim=True).clamp_min(1e-30)
    a, b, c = (matrix / size).unbind(-1)
    cofactors = torch.stack([torch.linalg.cross(b, c), torch.linalg.cross(c, a), torch.linalg.cross(a, b)], -2)
    determinant = (a * cofactors[..., 0, :]).sum(-1)[..., None, None]
    singular = determinant == 0
    return torch.where(singular, 0.0, cofactors / torch.where(singular, 1.0, determinant) / size)


def rotation_from_quaternion(quaternion: Float[Tensor, "*shape 4"]) -> Float[Tensor, "*shape 3 3"]:
    """Returns the rotation matrices of unit quaternions w x y z."""
    w, x, y, z = quaternion.unbind(-1)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return matrix_from_rows(rows)


def rotation_from_vector(vector: Float[Tensor, "*shape 3"]) -> Float[Tensor, "*shape 3 3"]:
    """Returns rotations about vectors by their length in radians, counter-clockwise seen from the vector's tip.

    Source: Grassia 1998, "Practical parameterization of rotations using the exponential map", equation 3.
    """
    half = vector.square().sum(-1, keepdim=True).clamp_min(1e-30).sqrt() / 2
    return rotation_from_quaternion(torch.cat([torch.cos(half), vector * (torch.sin(half) / (2 * half))], dim=-1))


def quaternion_from_uniforms(u: Float[Tensor, "*shape 3"]) -> Float[Tensor, "*shape 4"]:
    """Maps three uniforms to a quaternion that is uniform on SO(3).

    Source: Shoemake 1992, "Uniform random rotations", Graphics Gems III.
    """
    u0, u1, u2 = u.unbind(-1)
    a, b = torch.sqrt(1 - u0), torch.sqrt(u0)
    s, t = 2 * math.pi * u1, 2 * math.pi * u2
    return torch.stack([b * torch.cos(t), a * torch.sin(s), a * torch.cos(s), b * torch.sin(t)], dim=-1)


def rotation_about(axis: Literal["x", "y", "z"], degrees: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape 3 3"]:
    """Returns rotations about an axis, counter-clockwise seen from its tip."""
    angle = torch.deg2rad(degrees)
    c, s, zero, one = torch.cos(angle), torch.sin(angle), torch.zeros_like(angle), torch.ones_like(angle)
    rows = {
        "x": ((one, zero, zero), (zero, c, -s), (zero, s, c)),
        "y": ((c, zero, s), (zero, one, zero), (-s, zero, c)),
        "z": ((c, -s, zero), (s, c, zero), (zero, zero, one)),
    }[axis]
    return matrix_from_rows(rows)


def raised(rotation: Float[Tensor, "*shape 3 3"], up: Axis) -> Float[Tensor, "*shape 3 3"]:
    """Returns rotations that first turn the axis `up` to z; columns are permuted and negated, so nothing is rounded."""
    if up == "z":
        return rotation
    return torch.stack([sign * rotation[..., axis] for axis, sign in RAISED[up]], dim=-1)


def look_along(direction: Float[Tensor, "*shape 3"]) -> Float[Tensor, "*shape 3 3"]:
    """Returns camera_from_world rotations of level cameras that look along directions of any length but 0.

    For a camera that looks straight up or down, right is the world's +x.
    """
    forward = direction / direction.norm(dim=-1, keepdim=True)
    x, y, _ = forward.unbind(-1)
    level = torch.hypot(x, y)
    steep = level < 1e-6
    safe = torch.where(steep, 1.0, level)
    zero = torch.zeros_like(x)
    right = torch.stack([torch.where(steep, 1.0, y / safe), torch.where(steep, 0.0, -x / safe), zero], dim=-1)
    down = torch.linalg.cross(forward, right)
    return torch.stack([right, down, forward], dim=-2)


def direction_from_angles(
    azimuth_degrees: Float[Tensor, "*shape"], elevation_degrees: Float[Tensor, "*shape"]
) -> Float[Tensor, "*shape 3"]:
    """Returns unit vectors in the world: azimuth from +x towards +y, elevation above the horizon."""
    a, e = torch.deg2rad(azimuth_degrees), torch.deg2rad(elevation_degrees)
    return torch.stack([torch.cos(e) * torch.cos(a), torch.cos(e) * torch.sin(a), torch.sin(e)], dim=-1)


def transform(
    rotation: Float[Tensor, "*shape 3 3"], translation: Float[Tensor, "*shape 3"]
) -> Float[Tensor, "*shape 4 4"]:
    """Returns the 4x4 matrix of x -> rotation @ x + translation."""
    top = torch.cat([rotation, translation[..., None]], dim=-1)
    bottom = torch.zeros_like(top[..., :1, :])
    bottom[..., 3] = 1
    return torch.cat([top, bottom], dim=-2)


def intrinsics_from_fov(fov_degrees: Float[Tensor, "batch"], size: tuple[int, int]) -> Float[Tensor, "batch 3 3"]:
    """Returns K of a camera with square pixels and the principal point at the centre of the image.

    Args:
        fov_degrees: Angle across the image's longer side.
        size: Height and width in pixels.
    """
    height, width = size
    focal = max(size) / 2 / torch.tan(torch.deg2rad(fov_degrees) / 2)
    return intrinsics_matrix(focal, focal, torch.full_like(focal, width / 2), torch.full_like(focal, height / 2))


def intrinsics_matrix(
    fx: Float[Tensor, "batch"], fy: Float[Tensor, "batch"], cx: Float[Tensor, "batch"], cy: Float[Tensor, "batch"]
) -> Float[Tensor, "batch 3 3"]:
    """Returns K of focal lengths and principal points in pixels."""
    zero, one = torch.zeros_like(fx), torch.ones_like(fx)
    return matrix_from_rows(((fx, zero, cx), (zero, fy, cy), (zero, zero, one)))


def yaw_quaternion(u: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape 4"]:
    """Maps one uniform to a rotation about the vertical by a uniform angle."""
    half, zero = math.pi * u, torch.zeros_like(u)
    return torch.stack([torch.cos(half), zero, zero, torch.sin(half)], dim=-1)


def level_quaternion(like: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape 4"]:
    """Returns identity quaternions of the shape of a tensor."""
    zero = torch.zeros_like(like)
    return torch.stack([torch.ones_like(like), zero, zero, zero], dim=-1)


def icosphere_views(subdivisions: int, in_plane: int) -> Float[Tensor, "view 4"]:
    """Returns the orientations in which a camera that looks along +y sees an object from every corner of an icosphere.

    Args:
        subdivisions: Subdivisions of the icosahedron; each splits every face into four.
        in_plane: Evenly spaced rotations about the line of sight for each corner.

    Returns:
        Quaternions w x y z, world_from_object, float32.
    """
    from scipy.spatial.transform import Rotation
    from trimesh.creation import icosphere

    corners = np.asarray(icosphere(subdivisions=subdivisions).vertices)
    towards_camera = np.array([0.0, -1.0, 0.0])
    turned = []
    for corner in corners:
        upright, _ = Rotation.align_vectors([towards_camera, [0, 0, 1]], [corner, _up(corner)])
        spins = Rotation.from_rotvec(np.outer(np.arange(in_plane) * (2 * np.pi / in_plane), towards_camera))
        turned.append((spins * upright).as_quat(scalar_first=True))
    return torch.from_numpy(np.concatenate(turned)).float()


def _up(direction: np.ndarray) -> np.ndarray:
    """Returns the unit vector perpendicular to a direction that is nearest to the vertical."""
    axis = np.array([0.0, 0.0, 1.0]) if abs(direction[2]) < 0.99 else np.array([0.0, 1.0, 0.0])
    up = axis - direction * (axis @ direction)
    return up / np.linalg.norm(up)
