"""Effects of lens and sensor on linear light. Each function takes some images and one value for each of them."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import grid_sample

from ondr.noise import noise_images
from ondr.rng import name_key
from ondr.temperature import tint

Images = Float[Tensor, "some 3 height width"]
Values = Float[Tensor, "some"]

SHOT, READ = name_key("photometric.shot_noise"), name_key("photometric.read_noise_std")


def aberrate(images: Images, pixels: Values) -> Images:
    """Lateral chromatic aberration: magnifies red and shrinks blue about the image's centre.

    Args:
        images: Linear RGB.
        pixels: How far red and blue each move at the end of the image's longer side.
    """
    height, width = images.shape[2:]
    y, x = (torch.linspace(1 / n - 1, 1 - 1 / n, n, device=images.device, dtype=images.dtype) for n in (height, width))
    grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)
    share = pixels / (max(height, width) / 2)
    channels = []
    for channel, sign in enumerate((-1, 0, 1)):
        scale = (1 + sign * share)[:, None, None, None]
        moved = grid_sample(
            images[:, channel, None], grid * scale, mode="bilinear", padding_mode="border", align_corners=False
        )
        channels.append(moved[:, 0])
    return torch.stack(channels, dim=1)


def defocus(images: Images, radius: Values, largest: float) -> Images:
    """Spreads each point over a disk.

    Args:
        images: Linear RGB.
        radius: The disk's, pixels.
        largest: The largest radius that can be drawn; it fixes the kernels' size.
    """
    y, x = _offsets(largest, images)
    # A pixel at the rim is weighted by the share of it inside the disk, to first order.
    kernel = (radius[:, None, None] + 0.5 - torch.hypot(x, y)).clamp(0, 1)
    return _filtered(images, kernel)


def motion_blur(images: Images, length: Values, angle_degrees: Values, largest: float) -> Images:
    """Spreads each point along a line.

    Args:
        images: Linear RGB.
        length: The line's, pixels.
        angle_degrees: The line's, clockwise from the right.
        largest: The largest length that can be drawn; it fixes the kernels' size.
    """
    y, x = _offsets(largest / 2, images)
    angle = torch.deg2rad(angle_degrees)[:, None, None]
    along, across = x * torch.cos(angle) + y * torch.sin(angle), y * torch.cos(angle) - x * torch.sin(angle)
    beyond = (along.abs() - length[:, None, None] / 2).clamp_min(0)
    return _filtered(images, (1 - torch.hypot(beyond, across)).clamp_min(0))


def _offsets(reach: float, images: Images) -> tuple[Tensor, Tensor]:
    """Returns row and column offsets of a kernel, at most as large as mirroring the image allows."""
    radius = max(1, min(math.ceil(reach), min(images.shape[-2:]) - 1))
    line = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    return line[:, None], line[None]


def _filtered(images: Images, kernel: Float[Tensor, "some side side"]) -> Images:
    from kornia.filters import filter2d

    return filter2d(images, kernel, border_type="reflect", normalized=True)


def vignette(images: Images, strength: Values) -> Images:
    """Darkens with the square of the distance from the centre, by the share `strength` at the corners."""
    height, width = images.shape[2:]
    y, x = (torch.linspace(-1, 1, n, device=images.device, dtype=images.dtype) for n in (height, width))
    distance2 = (y[:, None] ** 2 * height**2 + x[None] ** 2 * width**2) / (height**2 + width**2)
    return images * (1 - strength[:, None, None, None] * distance2)


def balance(images: Images, kelvin: Values) -> Images:
    """Tints as a camera balanced for 6500 K does under a light of another colour temperature."""
    return images * tint(kelvin)[:, :, None, None]


def shot_noise(images: Images, std: Values, seed: int, sample_ids: Int64[Tensor, "some"]) -> Images:
    """Adds noise whose variance is proportional to the light, as in photon counting.

    Args:
        images: Linear RGB.
        std: Standard deviation at white, 1 / sqrt(full-well electrons).
        seed: The stream's.
        sample_ids: Ids of the images.

    Source: EMVA Standard 1288, release 4.0, eq. 10, with a normal law for the Poisson law.
    """
    deviation = std[:, None, None, None] * images.clamp_min(0).sqrt()
    return (images + deviation * _noise(images, seed, sample_ids, SHOT)).clamp_min(0)


def read_noise(images: Images, std: Values, seed: int, sample_ids: Int64[Tensor, "some"]) -> Images:
    """Adds read-out noise, which does not depend on brightness, in linear light."""
    return (images + std[:, None, None, None] * _noise(images, seed, sample_ids, READ)).clamp_min(0)


def _noise(images: Images, seed: int, sample_ids: Int64[Tensor, "some"], key: int) -> Images:
    return noise_images(seed, sample_ids, (images.shape[2], images.shape[3]), key).to(images.dtype)
