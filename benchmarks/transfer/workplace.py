"""A mounted camera above heaps: what a layout of things beside each other lacks, as a hook of the stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ondr.loop.hooks import Uniforms
from ondr.scene import Scene

NEAREST, FARTHEST = 0.15, 0.65
"""Factors on the distances of things from the middle: from a heap to things that lie apart."""
LIFTED = 0.5
"""Share of the objects that lie on others."""
LIFT = 0.35
"""Of the objects' median size: how high, at most, others raise an object; mostly much less."""


@dataclass(frozen=True)
class Workplace:
    """A hook, as `ondr.RandomizedScenes` takes them. Objects may reach into each other, as little as it is seen."""

    objects: int
    """Slots that hold objects."""
    size: float
    """The objects' median size, metres."""
    heights: Sequence[float] = ()
    """At which the camera may be mounted above the table, metres; none: wherever it was drawn."""

    def __call__(self, scene: Scene, uniform: Uniforms) -> Scene:
        """Returns the scene with its objects heaped up and the camera at a mount."""
        moved = scene.poses.translation.clone()
        moved[:, : self.objects, :2] *= (NEAREST + (FARTHEST - NEAREST) * uniform("workplace.spread"))[..., None]
        high = LIFT * self.size * uniform("workplace.lift", self.objects).square()
        on_others = uniform("workplace.lifted", self.objects) < LIFTED
        moved[:, : self.objects, 2] += torch.where(on_others, high, 0.0)
        scene = replace(scene, poses=replace(scene.poses, translation=moved))
        return self._mounted(scene, uniform("workplace.mount")) if self.heights else scene

    def _mounted(self, scene: Scene, u: Tensor) -> Scene:
        heights = torch.tensor(self.heights, dtype=u.dtype, device=u.device)
        height = heights[(u[:, 0] * len(heights)).long()]
        camera_from_world = scene.camera.camera_from_world.clone()
        turned = camera_from_world[:, :3, :3]
        at = -(turned.mT @ camera_from_world[:, :3, 3:])
        camera_from_world[:, :3, 3:] = -(turned @ (at * (height / at[:, 2, 0])[:, None, None]))
        return replace(scene, camera=replace(scene.camera, camera_from_world=camera_from_world))
