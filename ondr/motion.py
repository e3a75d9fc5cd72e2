"""A scene a moment later: camera and objects moved by the drawn motion."""

from __future__ import annotations

from dataclasses import replace

import torch

from ondr.errors import ConfigError
from ondr.geometry import product
from ondr.scene import Poses, Scene


def moved(scene: Scene) -> Scene:
    """Returns the scene after its motion. The motion stays in the scene, so `moved(moved(scene))` moves it twice.

    Objects of interest and the camera move, everything else stays. `targets.optical_flow` leads from the image of
    `scene` to that of `moved(scene)`.

    Args:
        scene: Sampled with a config whose outputs name `optical_flow`.

    Raises:
        ConfigError: The scene has no motion.
    """
    motion, poses, camera = scene.motion, scene.poses, scene.camera
    if motion is None:
        raise ConfigError(
            "scene.motion must be there to move a scene, got None. Sample it with a config whose outputs name "
            "optical_flow."
        )
    count = scene.num_objects
    turned = product(motion.rotation, poses.rotation[:, :count])
    shifted = poses.translation[:, :count] + motion.translation
    later = Poses(
        mesh=poses.mesh,
        rotation=torch.cat([turned, poses.rotation[:, count:]], dim=1),
        scale=poses.scale,
        translation=torch.cat([shifted, poses.translation[:, count:]], dim=1),
    )
    eye = replace(camera, camera_from_world=product(motion.camera_from_camera, camera.camera_from_world))
    return replace(scene, poses=later, camera=eye)
