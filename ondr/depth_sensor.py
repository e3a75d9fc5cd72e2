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
"""Keeps divisions finite."""

Depth = Float[Tensor, "batch 1 height width"]


def measured(
    depth: Depth, noise: DepthNoise, sensor: DepthSensor, seed: int, sample_ids: Int64[Tensor, "batch"]
) -> Depth:
    """Returns what a depth camera measures, in metres; 0 where it measures nothing.

    Args:
        depth: Along the optical axis, metres; 0 where nothing is.
        noise: Noise, quantization and holes, as drawn.
        sensor: `cfg.depth_sensor`: its range, and what counts as an edge.
        seed: The stream's.
        sample_ids: Ids of the images, on the device.

    Source: Khoshelham and Oude Elberink 2012, "Accuracy and resolution of Kinect depth data": disparity, the inverse of
        depth, has the same error and the same quantization everywhere. Quantized depths have zero gradients.
    """
    height, width = depth.shape[2:]
    normal, chance, _ = noise_images(seed, sample_ids, (height, width), KEY).unbind(1)
    std, step, holes = (value[:, None, None, None] for value in (noise.noise_std, noise.step, noise.edge_holes))
    noisy = depth + std * depth.square() * normal[:, None]
    told = _quantized(noisy, step)
    # The second plane is normal as well; its CDF makes it uniform.
    missing = edges(depth, sensor.edge_jump) & (torch.special.ndtr(chance[:, None]) < holes)
    farthest = math.inf if sensor.farthest_metres is None else sensor.farthest_metres
    there = (depth > 0) & (noisy > 0) & (told > 0) & (told >= sensor.nearest_metres) & (told <= farthest) & ~missing
    return torch.where(there, told, 0.0)


def _quantized(depth: Depth, step: Float[Tensor, "batch 1 1 1"]) -> Depth:
    """Quantizes disparity and returns the depth; 0 where the disparity becomes 0, which is infinitely far."""
    number = torch.round(1 / (depth.clamp_min(SMALLEST) * step.clamp_min(SMALLEST)))
    return torch.where(step > 0, torch.where(number > 0, 1 / (number * step).clamp_min(SMALLEST), 0.0), depth)


def edges(depth: Depth, jump: float) -> Bool[Tensor, "batch 1 height width"]:
    """Returns which pixels have one of eight neighbours that is nearer or farther by more than a jump.

    Args:
        depth: Metres; 0 where nothing is, which counts as infinitely far.
        jump: Least difference, as a share of the nearer depth.
    """
    inverse = torch.where(depth > 0, 1 / depth.clamp_min(SMALLEST), 0.0)
    nearest, farthest = max_pool2d(inverse, 3, 1, 1), -max_pool2d(-inverse, 3, 1, 1)
    # Depths z and z (1 + jump) have inverses of that ratio.
    return (nearest > inverse * (1 + jump)) | (inverse > farthest * (1 + jump))
