"""What is known of the objects themselves: points on their surfaces, their diameters, and which poses look the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import numpy as np
import torch
import trimesh
from pose_errors import Truth
from scipy.spatial.distance import pdist
from torch import Tensor

import ondr

POINTS = 256
SAME = 1e-5
"""Two symmetries whose matrices differ by less, in units of the diameter, are the same; files hold so many digits."""


@dataclass(frozen=True)
class Objects:
    """Every mesh in its file's coordinates and units."""

    points: Tensor
    """On the surface, around the centre, `[mesh, point, 3]`."""
    centres: Tensor
    """Of the bounding boxes, `[mesh, 3]`."""
    diameters: Tensor
    """Largest distance between two points, `[mesh]`."""

    symmetries: Tensor
    """Poses in the file that look the same, the identity first and as padding, `[mesh, symmetry, 4, 4]`."""

    @classmethod
    def of(cls, files: Sequence[Path], symmetries: Tensor) -> Self:
        """Reads meshes."""
        meshes = [trimesh.load(file, force="mesh") for file in files]
        centres = [mesh.bounds.mean(axis=0) for mesh in meshes]
        points = [trimesh.sample.sample_surface(m, POINTS, seed=0)[0] - c for m, c in zip(meshes, centres, strict=True)]
        diameters = [pdist(mesh.convex_hull.vertices).max() for mesh in meshes]
        tensors = [torch.tensor(np.array(part), dtype=torch.float32) for part in (points, centres, diameters)]
        return cls(*tensors, symmetries.float().cpu())

    @classmethod
    def of_stream(cls, scenes: ondr.RandomizedScenes) -> Objects:
        """Reads the meshes of a stream whose outputs name `symmetries`."""
        assets = scenes.assets
        return cls.of(assets.mesh_paths, assets.annotations.symmetries).to(scenes.device)

    def to(self, device: torch.device) -> Objects:
        """Returns them on a device."""
        return Objects(*(getattr(self, field.name).to(device) for field in fields(self)))

    def placed(self, mesh_ids: Tensor, poses: Tensor, scale: Tensor) -> Truth:
        """Returns where some objects are.

        Args:
            mesh_ids: Which mesh each object is, `[n]`.
            poses: `camera_from_object`, metres, `[n, 4, 4]`.
            scale: Metres per file unit, the same along all axes, `[n]`.
        """
        turned, moved = poses[:, :3, :3], poses[:, :3, 3]
        centres = scale[:, None] * self.centres[mesh_ids]
        diameters, symmetries = self.diameters[mesh_ids], self.symmetries[mesh_ids]
        units = torch.cat([torch.ones_like(diameters)[:, None].expand(-1, 3), diameters[:, None]], dim=1)
        others = (symmetries - torch.eye(4, device=poses.device)) / units[:, None, None]
        return Truth(
            rotations=turned[:, None] @ symmetries[..., :3, :3],
            translations=(turned @ centres[..., None])[..., 0] + moved,
            points=scale[:, None, None] * self.points[mesh_ids],
            diameters=scale * diameters,
            symmetric=others.abs().amax((1, 2, 3)) > SAME,
        )

    def seen(self, targets: ondr.Targets, image: Tensor, slot: Tensor) -> Truth:
        """Returns where objects of rendered images are; `image` and `slot` name them, `[n]` each."""
        labels = (targets.mesh_ids, targets.camera_from_object, targets.scale[..., 0])
        return self.placed(*(label[image, slot] for label in labels))
