"""A pinhole at the first light whose image just contains the shadow casters."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ondr.assets.bank import Bank
from ondr.geometry import intrinsics_matrix, look_along, product
from ondr.raster.limits import NEAR_METRES
from ondr.scene import Instances, Scene

FAR_RADII = 500.0
"""Distance of a directional light's pinhole in radii of the casters: its rays differ in direction by 0.2 % at most, and
float32 still resolves depth to a ten-thousandth of the radius."""
WIDEST_TANGENT = 2.0
"""Tangent of half the widest field of view, 63 degrees, for a point light among the objects: what lies farther from its
axis casts no shadow."""
MARGIN_TEXELS = 2.0
"""Margin around the casters, so that the map's border is empty."""


@dataclass(frozen=True)
class LightView:
    """A pinhole per image. Its axes are a camera's: z forward, metres."""

    position: Float[Tensor, "batch 3"]
    """Its position in the camera frame."""
    rotation: Float[Tensor, "batch 3 3"]
    """light_from_camera."""
    intrinsics: Float[Tensor, "batch 3 3"]
    """K of the square map."""


def light_view(
    bank: Bank, scene: Scene, instances: Instances, casters: Bool[Tensor, "batch slot"], side: int
) -> LightView:
    """Returns the first light's view of each image, as narrow as the shadow casters allow.

    Args:
        bank: Its meshes' extents are read.
        scene: Its first light and its meshes are read.
        instances: The scene's, in the camera frame.
        casters: Which slots cast shadows.
        side: Texels along the map.
    """
    center, radius = spheres(bank, scene, instances)
    middle, reach = _bounds(center, radius, casters)
    position = _light_in_camera(scene, middle, reach)
    rotation = look_along(middle - position)
    seen = product(rotation[:, None], (center - position[:, None])[..., None])[..., 0]
    return LightView(position, rotation, zoomed(seen, radius, casters, side))


def spheres(
    bank: Bank, scene: Scene, instances: Instances
) -> tuple[Float[Tensor, "batch slot 3"], Float[Tensor, "batch slot"]]:
    """Returns spheres around the slots' bounding boxes: centres in the camera frame and radii, metres."""
    linear, center = instances.camera_from_bank.detach().split((3, 1), dim=-1)
    sides = linear * bank.extent[scene.poses.mesh.clamp_min(0)][..., None, :]
    return center[..., 0], sides.square().sum((-2, -1)).sqrt() / 2


def _bounds(center: Tensor, radius: Tensor, casters: Tensor) -> tuple[Float[Tensor, "batch 3"], Float[Tensor, "batch"]]:
    """Returns a sphere around the casters' spheres; without casters, one with a radius of a metre."""
    low = torch.where(casters[..., None], center - radius[..., None], torch.inf).amin(1)
    high = torch.where(casters[..., None], center + radius[..., None], -torch.inf).amax(1)
    there = casters.any(1)
    middle = torch.where(there[:, None], (low + high) / 2, 0)
    reach = (((center - middle[:, None]).norm(dim=-1) + radius) * casters).amax(1)
    return middle, torch.where(there, reach, 1)


def _light_in_camera(scene: Scene, middle: Tensor, reach: Tensor) -> Float[Tensor, "batch 3"]:
    """Returns the position of the first light's pinhole."""
    light, camera = scene.lights.position[:, 0].detach(), scene.camera.camera_from_world.detach()
    turned = product(camera[:, :3, :3], light[:, :3, None])[..., 0]
    far = middle + turned * (FAR_RADII * reach / turned.norm(dim=-1).clamp_min(1e-20))[:, None]
    return torch.where(light[:, 3:] > 0, turned + camera[:, :3, 3], far)


def zoomed(
    center: Float[Tensor, "batch slot 3"],
    radius: Float[Tensor, "batch slot"],
    casters: Bool[Tensor, "batch slot"],
    side: int,
) -> Float[Tensor, "batch 3 3"]:
    """Returns K of a square map that just contains the casters' spheres.

    Args:
        center: Centres of the spheres in the pinhole's frame.
        radius: Their radii, metres.
        casters: Which of them count; those behind the pinhole never do.
        side: Texels along the map.
    """
    z = center[..., 2]
    counted = (casters & (z > -radius))[..., None]
    low, high = _silhouettes(center, radius)
    low, high = torch.where(counted, low, torch.inf).amin(1), torch.where(counted, high, -torch.inf).amax(1)
    seen = counted.any(1)
    low, high = torch.where(seen, low, -1), torch.where(seen, high, 1)
    focal = (side / 2 - MARGIN_TEXELS) / ((high - low).amax(-1) / 2).clamp_min(NEAR_METRES * 1e-3)
    offset = side / 2 - focal[:, None] * (low + high) / 2
    return intrinsics_matrix(focal, focal, offset[:, 0], offset[:, 1])


def _silhouettes(center: Tensor, radius: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the lowest and highest tangent, along x and y, at which spheres appear, clamped to `WIDEST_TANGENT`."""
    across, z, r = center[..., :2], center[..., 2:], radius[..., None]
    ahead = z > r * 1.01
    squared = torch.where(ahead, z * z - r * r, 1)
    root = r * (across * across + squared).clamp_min(0).sqrt()
    low = torch.where(ahead, (across * z - root) / squared, -WIDEST_TANGENT)
    high = torch.where(ahead, (across * z + root) / squared, WIDEST_TANGENT)
    return low.clamp_min(-WIDEST_TANGENT), high.clamp_max(WIDEST_TANGENT)
