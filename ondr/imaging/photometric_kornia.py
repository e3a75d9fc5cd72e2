"""Exposure through kornia's functions, one after the other: slower than the fused exposure, and its test oracle."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float, Int64
from kornia.color import linear_rgb_to_rgb
from kornia.enhance import (
    adjust_brightness,
    adjust_brightness_accumulative,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
)
from torch import Tensor

from ondr.noise import noise_planes, normal_table
from ondr.scene import Effects


def expose(
    linear: Float[Tensor, "batch 3 height width"],
    effects: Effects,
    *,
    seed: int,
    sample_ids: Int64[Tensor, "batch"],
) -> Float[Tensor, "batch 3 height width"]:
    """Exposes a batch. See `photometric.expose`."""
    images = linear_rgb_to_rgb(linear.clamp(0, 1))
    images = apply(adjust_brightness_accumulative, images, effects.brightness, neutral=1)
    images = apply(adjust_contrast_about_grey, images, effects.contrast, neutral=1)
    images = apply(adjust_saturation, images, effects.saturation, neutral=1)
    images = apply(adjust_hue, images, effects.hue_degrees * (math.pi / 180), neutral=0)

    def add_noise(images: Tensor, std: Tensor, ids: Tensor) -> Tensor:
        planes = noise_planes(normal_table(images.device), seed, ids, (images.shape[2], images.shape[3]))
        return (images + torch.stack(planes, dim=1) * std[:, None, None, None]).clamp(0, 1)

    return apply(add_noise, images, effects.noise_std, sample_ids, neutral=0)


def adjust_contrast_about_grey(images: Tensor, factor: Tensor) -> Tensor:
    """Applies kornia's contrast, which multiplies, to the distance from mid-grey."""
    # A tensor, since kornia would copy a number to a GPU from memory that is not pinned.
    half = images.new_full((), 0.5)
    distance = adjust_brightness(images, -half, clip_output=False)
    return adjust_brightness(adjust_contrast(distance, factor, clip_output=False), half)


def apply(effect: Callable[..., Tensor], images: Tensor, factor: Tensor, *others: Tensor, neutral: float) -> Tensor:
    """Applies an effect, on the CPU only to the images whose factor is not neutral.

    On a GPU it runs on all, since looking at the factors would make the host wait.
    """
    if images.device.type != "cpu":
        return effect(images, factor, *others)
    rows = (factor != neutral).nonzero()[:, 0]
    if len(rows) == 0:
        return images
    return images.index_copy(0, rows, effect(images[rows], factor[rows], *(other[rows] for other in others)))
