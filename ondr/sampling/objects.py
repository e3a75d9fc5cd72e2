"""Objects of interest and distractors: which mesh, how large, and where the layout puts it."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int32
from torch import Tensor

from ondr.assets.bank import Assets
from ondr.config import Config
from ondr.draws import Draws
from ondr.sampling.layouts import flying
from ondr.scene import Camera, Poses

METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001}


def size_metres(
    draws: Draws, cfg: Config, longest: Float[Tensor, "batch slot"]
) -> tuple[Float[Tensor, "batch slot"], bool]:
    """Returns the longest side of each thing in metres, and whether the objects' comes from their files.

    Args:
        draws: Sizes that are drawn.
        cfg: The settings.
        longest: Longest side of each slot's mesh in file units.
    """
    from_file = cfg.objects.size == "file"
    mine = longest[:, : cfg.num_objects]
    if from_file:
        objects = torch.ones_like(mine) if cfg.objects.unit == "unit" else mine * METRES[cfg.objects.unit]
    else:
        objects = draws["objects.size"]
    return torch.cat([objects, draws["distractors.size"]], dim=1), from_file


def sample_poses(
    draws: Draws, mesh: Int32[Tensor, "batch slot"], camera: Camera, cfg: Config, assets: Assets
) -> tuple[Poses, Float[Tensor, "batch slot"], Draws]:
    """Returns the poses, the longest sides in metres, and the draws with what was derived.

    Args:
        draws: Everything drawn.
        mesh: Row of the bank's meshes, -1 for an empty slot, on the draws' device.
        camera: Where it is seen from.
        cfg: The settings.
        assets: The meshes.
    """
    longest = assets.bank.extent.amax(dim=1)[mesh.clamp_min(0)]
    size, from_file = size_metres(draws, cfg, longest)
    rotation, position, depth = flying(draws, size, camera, cfg.image_size)
    n = cfg.num_objects
    derived = {"objects.distance": depth[:, :n], "distractors.distance": depth[:, n:]}
    if from_file:
        derived["objects.size"] = size[:, :n]
    scale = (size / longest)[..., None].expand(*size.shape, 3)
    return Poses(mesh, rotation, scale, position), size, draws.extended(derived, derived=True)
