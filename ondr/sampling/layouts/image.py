"""Between a camera's frame and its image: boxes around things, and points at places of the image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.lens import distort_all, fold_radius, undistort
from ondr.scene import Camera

NEAR_SHARE = 0.05
"""Parts of a thing that are nearer than this share of its centre's depth, or behind the camera, are projected from
there."""


@dataclass(frozen=True)
class Boxes:
    """Boxes around things in the image, which they may exceed."""

    low: Float[Tensor, "*some 2"]
    """Least x and y, pixels."""
    high: Float[Tensor, "*some 2"]
    """Largest x and y, pixels."""
    depth: Float[Tensor, "*some"]
    """Depths of the things' centres, metres along the optical axis."""

    @property
    def sides(self) -> Float[Tensor, "*some 2"]:
        """Width and height, pixels."""
        return self.high - self.low

    @property
    def middle(self) -> Float[Tensor, "*some 2"]:
        """Centre, pixels."""
        return (self.low + self.high) / 2

    def __getitem__(self, index: object) -> Boxes:
        """Returns some of the boxes."""
        return Boxes(self.low[index], self.high[index], self.depth[index])  # type: ignore[index]


def overlap(a: Boxes, b: Boxes) -> Float[Tensor, "*some"]:
    """Returns the area of the intersection of boxes, pixels; leading dimensions broadcast."""
    common = torch.minimum(a.high, b.high) - torch.maximum(a.low, b.low)
    return common.clamp_min(0).prod(dim=-1)


def behind(
    camera: Camera, pixels: Float[Tensor, "batch some 2"], depth: Float[Tensor, "batch some"]
) -> Float[Tensor, "batch some 3"]:
    """Returns the points at places of the image and given depths, in the camera's frame, metres.

    Args:
        camera: The cameras, without skew.
        pixels: Places in the image.
        depth: Metres along the optical axis.
    """
    focal = camera.intrinsics[:, None, :2, :2].diagonal(dim1=-2, dim2=-1)
    beside = (pixels - camera.intrinsics[:, None, :2, 2]) / focal
    if camera.distortion is not None:
        x, y = beside.unbind(-1)
        beside = torch.stack(undistort(x, y, _lens(camera.distortion, x)), dim=-1)
    return torch.cat([beside * depth[..., None], depth[..., None]], dim=-1)


def _lens(distortion: Float[Tensor, "batch 5"], like: Tensor) -> tuple[Tensor, ...]:
    """Returns the coefficients with shapes that broadcast against planes `like`."""
    return tuple(k.reshape(-1, *(1 for _ in like.shape[1:])) for k in distortion.unbind(1))


def in_camera_axes(camera: Camera, support: Float[Tensor, "batch some support 3"]) -> Tensor:
    """Rotates offsets in the world, such as `Things.support`, to the camera's axes."""
    rotation = camera.camera_from_world[:, None, None, :3, :3]
    planes = [(support * rotation[..., i, :]).sum(dim=-1) for i in range(3)]
    return torch.stack(planes, dim=2).transpose(2, 3)


def boxes_at(
    camera: Camera, offsets: Float[Tensor, "batch #some support 3"], center: Float[Tensor, "batch some 3"]
) -> Boxes:
    """Returns the boxes around things in the image; a thing whose centre is behind the camera has an empty one.

    Args:
        camera: The cameras.
        offsets: Support points relative to the things' centres, along the camera's axes, metres.
        center: The centres in the camera's frame, metres.
    """
    depth, k = center[..., 2], camera.intrinsics[:, :2, :, None, None]
    x, y, z = (offsets[..., i] + center[..., i, None] for i in range(3))
    z = torch.maximum(z, (NEAR_SHARE * depth.clamp_min(1e-6))[..., None])
    x, y = x / z, y / z
    if camera.distortion is not None:
        lens = _lens(camera.distortion, x)
        x, y = distort_all(x, y, lens, fold_radius(camera.distortion).reshape(lens[0].shape))
    # One plane per coordinate: reductions along the last dimension are fast.
    right, down = (k[:, i, 0] * x + k[:, i, 1] * y for i in range(2))
    principal = camera.intrinsics[:, None, :2, 2]
    low = torch.stack([right.amin(dim=-1), down.amin(dim=-1)], dim=-1) + principal
    high = torch.stack([right.amax(dim=-1), down.amax(dim=-1)], dim=-1) + principal
    return Boxes(low, torch.where(depth[..., None] > 0, high, low), depth)
