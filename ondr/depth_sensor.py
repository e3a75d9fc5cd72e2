"""Depth as a depth camera delivers it: noise that grows with the distance, steps, and holes beside edges."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn.functional import max_pool2d

from ondr.noise import noise_images
from ondr.rng import name_key
from ondr.scene import DepthNoise
from ondr.settings.depth_sensor import DepthSensor

KEY = name_key("depth_sensor.noise")
SMALLEST = 1e-9

Depth = Float[Tensor, "batch 1 height width"]


def measured(
    depth: Depth, noise: DepthNoise, sensor: DepthSensor, seed: int, sample_ids: Int64[Tensor, "batch"]
) -> Depth:
    """Returns what a depth camera measures, in metres; 0 where it measures nothing.

    Args:
        depth: Along the optical axis, metres; 0 where nothing is.
        noise: And steps and holes, as drawn.
        sensor: `cfg.depth_sensor`: its range, and what counts as an edge.
        seed: Of the stream.
        sample_ids: Of the images, on the device.

    Source: Khoshelham and Oude Elberink 2012, "Accuracy and resolution of Kinect depth data": disparity, the inverse of
        depth, has the same error and the same steps everywhere. Where there are steps, gradients are 0.
    """
    height, width = depth.shape[2:]
    normal, chance, _ = noise_images(seed, sample_ids, (height, width), KEY).unbind(1)
    std, step, holes = (value[:, None, None, None] for value in (noise.noise_std, noise.step, noise.edge_holes))
    noisy = depth + std * depth.square() * normal[:, None]
    told = _in_steps(noisy, step)
    # The second number is normal as well: its rank is uniform.
    missing = edges(depth, sensor.edge_jump) & (torch.special.ndtr(chance[:, None]) < holes)
    farthest = math.inf if sensor.farthest_metres is None else sensor.farthest_metres
    there = (depth > 0) & (noisy > 0) & (told > 0) & (told >= sensor.nearest_metres) & (told <= farthest) & ~missing
    return torch.where(there, told, 0.0)


def _in_steps(depth: Depth, step: Float[Tensor, "batch 1 1 1"]) -> Depth:
    """Returns the depths of the nearest disparity that can be told; 0 where that is 0, which is infinitely far."""
    number = torch.round(1 / (depth.clamp_min(SMALLEST) * step.clamp_min(SMALLEST)))
    return torch.where(step > 0, torch.where(number > 0, 1 / (number * step).clamp_min(SMALLEST), 0.0), depth)


def edges(depth: Depth, jump: float) -> Bool[Tensor, "batch 1 height width"]:
    """Returns which pixels have a neighbour, one of eight, that is nearer or farther by more than a jump.

    Where nothing is, is infinitely far.

    Args:
        depth: Metres; 0 where nothing is.
        jump: As a share of the nearer of the two.
    """
    inverse = torch.where(depth > 0, 1 / depth.clamp_min(SMALLEST), 0.0)
    nearest, farthest = max_pool2d(inverse, 3, 1, 1), -max_pool2d(-inverse, 3, 1, 1)
    # Depths z and z (1 + jump) have inverses of that ratio.
    return (nearest > inverse * (1 + jump)) | (inverse > farthest * (1 + jump))
