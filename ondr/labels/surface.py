"""Fields of the surface that each pixel sees: depth, normals, object coordinates. All are differentiable."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.depth_sensor import measured
from ondr.errors import ConfigError
from ondr.labels.facts import Facts
from ondr.planes import take_one


def depth(facts: Facts) -> Float[Tensor, "batch 1 height width"]:
    """Returns `Targets.depth`."""
    return facts.points.spread((facts.points.depth,))


def sensor_depth(facts: Facts) -> Float[Tensor, "batch 1 height width"]:
    """Returns `Targets.sensor_depth`.

    Raises:
        ConfigError: The scene was sampled without depth noise.
    """
    scene, noise = facts.scene, facts.scene.depth_noise
    if noise is None:
        raise ConfigError(
            "scene.depth_noise must be there for sensor_depth, got None. Sample the scene with a config whose "
            "outputs name sensor_depth."
        )
    exact = depth(facts)
    return measured(exact, noise, facts.cfg.depth_sensor, scene.seed, scene.device_ids)


def normals(facts: Facts) -> Float[Tensor, "batch 3 height width"]:
    """Returns `Targets.normals`."""
    return facts.points.spread(facts.points.normal)


def object_coordinates(facts: Facts) -> Float[Tensor, "batch 3 height width"]:
    """Returns `Targets.object_coordinates`.

    Source: Wang et al. 2019, "Normalized object coordinate space for category-level 6D object pose and size
        estimation", section 3: the box's diagonal becomes 1, its centre (0.5, 0.5, 0.5).
    """
    points, mesh = facts.points, facts.scene.poses.mesh.flatten()
    # Bank coordinates have their origin at the centre of the bounding box.
    diagonal = facts.assets.bank.extent.norm(dim=-1)[mesh.clamp_min(0)]
    rate = 1 / take_one(diagonal, points.instance)
    labelled = facts.instance_ids.flatten()[points.pixel] >= 0
    return points.spread(
        tuple(torch.addcmul(rate.new_full((), 0.5), p, rate) for p in points.position_in_bank), labelled
    )


FIELDS = (depth, sensor_depth, normals, object_coordinates)
