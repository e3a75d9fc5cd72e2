"""Between the world and the image: where points and boxes appear, and what lies behind a place of the image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.lens import distort_all, fold_radius, undistort
from ondr.scene import Camera

NEAR_SHARE = 0.05
"""Of a thing's depth: parts of it that are nearer to the camera, or behind it, count as being there."""


@dataclass(frozen=True)
class Boxes:
    """Boxes around things in an image, which may leave it."""

    low: Float[Tensor, "*some 2"]
    """Pixels."""
    high: Float[Tensor, "*some 2"]
    """Pixels."""
    depth: Float[Tensor, "*some"]
    """Of the things' centres, metres along the optical axis."""

    @property
    def sides(self) -> Float[Tensor, "*some 2"]:
        """Pixels."""
        return self.high - self.low

    @property
    def middle(self) -> Float[Tensor, "*some 2"]:
        """Pixels."""
        return (self.low + self.high) / 2

    def __getitem__(self, index: object) -> Boxes:
        """Returns some of the boxes."""
        return Boxes(self.low[index], self.high[index], self.depth[index])  # type: ignore[index]


def overlap(a: Boxes, b: Boxes) -> Float[Tensor, "*some"]:
    """Returns the area that boxes have in common, pixels; leading dimensions broadcast."""
    common = torch.minimum(a.high, b.high) - torch.maximum(a.low, b.low)
    return common.clamp_min(0).prod(dim=-1)


def behind(
    camera: Camera, pixels: Float[Tensor, "batch some 2"], depth: Float[Tensor, "batch some"]
) -> Float[Tensor, "batch some 3"]:
    """Returns the points of the camera's frame that appear at places of the image, metres.

    Args:
        camera: Without skew.
        pixels: The places.
        depth: Metres along the optical axis.
    """
    focal = camera.intrinsics[:, None, :2, :2].diagonal(dim1=-2, dim2=-1)
    beside = (pixels - camera.intrinsics[:, None, :2, 2]) / focal
    if camera.distortion is not None:
        x, y = beside.unbind(-1)
        beside = torch.stack(undistort(x, y, _lens(camera.distortion, x)), dim=-1)
    return torch.cat([beside * depth[..., None], depth[..., None]], dim=-1)


def _lens(distortion: Float[Tensor, "batch 5"], like: Tensor) -> tuple[Tensor, ...]:
    """Returns the coefficients, to be broadcast with planes of images."""
    return tuple(k.reshape(-1, *(1 for _ in like.shape[1:])) for k in distortion.unbind(1))


def in_camera_axes(camera: Camera, support: Float[Tensor, "batch some support 3"]) -> Tensor:
    """Returns directions of the world along the camera's axes, such as `Things.support`."""
    rotation = camera.camera_from_world[:, None, None, :3, :3]
    planes = [(support * rotation[..., i, :]).sum(dim=-1) for i in range(3)]
    return torch.stack(planes, dim=2).transpose(2, 3)


def boxes_at(
    camera: Camera, offsets: Float[Tensor, "batch #some support 3"], center: Float[Tensor, "batch some 3"]
) -> Boxes:
    """Returns the boxes around things; what is not before the camera has an empty one.

    Args:
        camera: That sees them.
        offsets: What they consist of, around their centres, along the camera's axes in metres.
        center: Where these are in the camera's frame, metres.
    """
    depth, k = center[..., 2], camera.intrinsics[:, :2, :, None, None]
    x, y, z = (offsets[..., i] + center[..., i, None] for i in range(3))
    z = torch.maximum(z, (NEAR_SHARE * depth.clamp_min(1e-6))[..., None])
    x, y = x / z, y / z
    if camera.distortion is not None:
        lens = _lens(camera.distortion, x)
        x, y = distort_all(x, y, lens, fold_radius(camera.distortion).reshape(lens[0].shape))
    # Each coordinate on its own plane: reductions along the last dimension are the fast ones.
    right, down = (k[:, i, 0] * x + k[:, i, 1] * y for i in range(2))
    principal = camera.intrinsics[:, None, :2, 2]
    low = torch.stack([right.amin(dim=-1), down.amin(dim=-1)], dim=-1) + principal
    high = torch.stack([right.amax(dim=-1), down.amax(dim=-1)], dim=-1) + principal
    return Boxes(low, torch.where(depth[..., None] > 0, high, low), depth)
