"""The fields of `Targets` by name. Each is a function of the batch's `Facts`, called only if `outputs` names it."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from ondr.assets.bank import Assets
from ondr.batch import Targets
from ondr.config import Config
from ondr.labels import camera, flow, keypoints, masks, objects, poses, surface
from ondr.labels.facts import Facts
from ondr.raster.visibility import Visibility
from ondr.scene import Instances, Scene

FAMILIES = (objects, masks, surface, poses, keypoints, flow, camera)
FIELDS: dict[str, Callable[[Facts], Tensor]] = {field.__name__: field for family in FAMILIES for field in family.FIELDS}


def label(scene: Scene, assets: Assets, instances: Instances, visibility: Visibility, cfg: Config) -> Targets:
    """Returns the targets of a batch; the fields that `cfg.outputs` does not name are None.

    Args:
        scene: The sampled scenes.
        assets: The assets they refer to.
        instances: The scene's, in the camera frame.
        visibility: What each pixel centre sees.
        cfg: `outputs` and `labels` are read.

    Raises:
        ConfigError: The scene or the assets were made with a config that does not name one of the outputs.
    """
    facts = Facts(scene, assets, instances, visibility, cfg)
    named = {name: FIELDS[name](facts) for name in cfg.outputs}
    return Targets(image_size=facts.size, sample_ids=scene.sample_ids, **named)
