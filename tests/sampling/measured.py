"""Scenes measured from their poses alone: corners and boxes, by arithmetic that the sampler does not share."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ondr.assets.bank import Assets
from ondr.config import Config
from ondr.parameters import Parameters
from ondr.sampling import Sampler
from ondr.scene import Scene
from tests.sampling.tiny import tiny_assets

ROUNDING = 1e-5
"""Metres, of float32 over lengths of a few metres."""


def furnished() -> Assets:
    """Returns the tiny assets with meshes for every group; a cube stands for the plane as well."""
    others = dict.fromkeys(("context", "occluders", "clutter"), (6, 7))
    return replace(tiny_assets(), surfaces={"plane": 0, "box": 0}, others=others)


def sampled(assets: Assets, *overrides: str, number: int = 64) -> tuple[Config, Scene]:
    """Returns a config and its first scenes."""
    cfg = Config().with_overrides(overrides)
    return cfg, Sampler(cfg, assets).sample(torch.arange(number), Parameters(cfg))


def there(scene: Scene, slots: slice) -> Tensor:
    """Returns which slots hold something."""
    return scene.poses.mesh[:, slots] >= 0


def corners(scene: Scene, assets: Assets, slots: slice) -> Tensor:
    """Returns the corners of each thing's hull in the world, `[batch, slot, corner, 3]`."""
    poses = scene.poses
    points = assets.bank.hull[poses.mesh[:, slots].clamp_min(0)] * poses.scale[:, slots, None, :]
    return torch.einsum("bsij,bskj->bski", poses.rotation[:, slots], points) + poses.translation[:, slots, None]


def eyes(scene: Scene) -> Tensor:
    """Returns where the cameras are."""
    return torch.linalg.inv(scene.camera.camera_from_world)[:, :3, 3]


def depths(scene: Scene, slots: slice) -> Tensor:
    """Returns the depths of centres along the optical axis."""
    world = scene.poses.translation[:, slots]
    return (
        torch.einsum("bj,bsj->bs", scene.camera.camera_from_world[:, 2, :3], world)
        + (scene.camera.camera_from_world[:, 2, 3, None])
    )


def boxes(scene: Scene, assets: Assets, slots: slice) -> tuple[Tensor, Tensor]:
    """Returns the boxes around all projected corners, least and largest x and y in pixels; NaN where a corner is not
    before the camera.
    """
    world = corners(scene, assets, slots)
    matrix = scene.camera.camera_from_world
    seen = torch.einsum("bij,bskj->bski", matrix[:, :3, :3], world) + matrix[:, None, None, :3, 3]
    pixels = torch.einsum("bij,bskj->bski", scene.camera.intrinsics, seen)
    pixels = torch.where(seen[..., 2:] > 0, pixels[..., :2] / pixels[..., 2:], torch.nan)
    return pixels.amin(dim=2), pixels.amax(dim=2)


def area(box: tuple[Tensor, Tensor]) -> Tensor:
    """Returns the areas of boxes."""
    return (box[1] - box[0]).prod(-1)


def common_area(a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> Tensor:
    """Returns the areas that boxes share."""
    return (torch.minimum(a[1], b[1]) - torch.maximum(a[0], b[0])).clamp_min(0).prod(-1)
