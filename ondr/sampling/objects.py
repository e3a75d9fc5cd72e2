"""Objects of interest and distractors: which mesh, how large, and where the layout puts it."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int32
from torch import Tensor

from ondr.assets.bank import Assets
from ondr.config import Config
from ondr.draws import Draws
from ondr.laws import Continuous, Law
from ondr.sampling.layouts import flying
from ondr.scene import Camera, Poses

METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001}


class Sizes:
    """How large things are: what files say, and the objects' median, by which distractors are measured."""

    def __init__(self, cfg: Config, assets: Assets) -> None:
        """Measures the meshes once."""
        self.longest: Float[Tensor, "mesh"] = assets.bank.extent.amax(dim=1)
        """Longest side of each of the bank's meshes in file units."""
        self.unit = cfg.objects.unit
        law = cfg.objects.size
        self.from_file = not isinstance(law, Law)
        files = self.in_metres(self.longest[: len(assets.mesh_files)])
        self.median_metres = _middle(law) if isinstance(law, Law) else float(files.median())

    def in_metres(self, longest: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Turns sides in file units into metres, as `objects.unit` says."""
        return torch.ones_like(longest) if self.unit == "unit" else longest * METRES[self.unit]

    def sample(self, draws: Draws, longest: Float[Tensor, "batch slot"]) -> Float[Tensor, "batch slot"]:
        """Returns the longest side of each thing in metres.

        Args:
            draws: Sizes that are drawn.
            longest: Longest side of each slot's mesh in file units.
        """
        distractors = draws["distractors.size"]
        mine = longest[:, : longest.shape[1] - distractors.shape[1]]
        objects = self.in_metres(mine) if self.from_file else draws["objects.size"]
        return torch.cat([objects, distractors * self.median_metres], dim=1)


def _middle(law: Law) -> float:
    """Returns the median of a continuous law, the middle of any other."""
    if isinstance(law, Continuous):
        return float(law.value(torch.tensor(0.5)))
    return sum(law.support) / 2


def sample_poses(
    draws: Draws, mesh: Int32[Tensor, "batch slot"], camera: Camera, cfg: Config, sizes: Sizes
) -> tuple[Poses, Float[Tensor, "batch slot"], Draws]:
    """Returns the poses, the longest sides in metres, and the draws with what was derived.

    Args:
        draws: Everything drawn.
        mesh: Row of the bank's meshes, -1 for an empty slot, on the draws' device.
        camera: Where it is seen from.
        cfg: The settings.
        sizes: Of the meshes.
    """
    longest = sizes.longest[mesh.clamp_min(0)]
    size = sizes.sample(draws, longest)
    rotation, position, depth = flying(draws, size, camera, cfg.image_size)
    n = cfg.num_objects
    derived = {"objects.distance": depth[:, :n], "distractors.distance": depth[:, n:]}
    if sizes.from_file:
        derived["objects.size"] = size[:, :n]
    scale = (size / longest)[..., None].expand(*size.shape, 3)
    return Poses(mesh, rotation, scale, position), size, draws.extended(derived, derived=True)
