"""What lens and sensor do to linear light. Each function takes some images and one value for each of them."""

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
    """Magnifies red and diminishes blue about the middle, so that their edges part at the border (lateral aberration).

    Args:
        images: Linear RGB.
        pixels: How far red and blue move each at the middle of the image's longer border.
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
        radius: Of the disk, pixels.
        largest: The largest radius that can be drawn; it fixes the kernels' size.
    """
    y, x = _offsets(largest, images)
    # A pixel at the rim counts by how much of it lies inside, to first order.
    kernel = (radius[:, None, None] + 0.5 - torch.hypot(x, y)).clamp(0, 1)
    return _filtered(images, kernel)


def motion_blur(images: Images, length: Values, angle_degrees: Values, largest: float) -> Images:
    """Spreads each point along a line.

    Args:
        images: Linear RGB.
        length: Of the line, pixels.
        angle_degrees: Of the line, clockwise from the right.
        largest: The largest length that can be drawn; it fixes the kernels' size.
    """
    y, x = _offsets(largest / 2, images)
    angle = torch.deg2rad(angle_degrees)[:, None, None]
    along, across = x * torch.cos(angle) + y * torch.sin(angle), y * torch.cos(angle) - x * torch.sin(angle)
    beyond = (along.abs() - length[:, None, None] / 2).clamp_min(0)
    return _filtered(images, (1 - torch.hypot(beyond, across)).clamp_min(0))


def _offsets(reach: float, images: Images) -> tuple[Tensor, Tensor]:
    """Returns the rows and columns of a kernel around its middle, no larger than the image can be mirrored."""
    radius = max(1, min(math.ceil(reach), min(images.shape[-2:]) - 1))
    line = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    return line[:, None], line[None]


def _filtered(images: Images, kernel: Float[Tensor, "some side side"]) -> Images:
    from kornia.filters import filter2d

    return filter2d(images, kernel, border_type="reflect", normalized=True)


def vignette(images: Images, strength: Values) -> Images:
    """Darkens towards the corners, by `strength` of the light there, with the square of the distance."""
    height, width = images.shape[2:]
    y, x = (torch.linspace(-1, 1, n, device=images.device, dtype=images.dtype) for n in (height, width))
    distance2 = (y[:, None] ** 2 * height**2 + x[None] ** 2 * width**2) / (height**2 + width**2)
    return images * (1 - strength[:, None, None, None] * distance2)


def balance(images: Images, kelvin: Values) -> Images:
    """Tints as a camera does that takes 6500 K for white in a light of another colour temperature."""
    return images * tint(kelvin)[:, :, None, None]


def shot_noise(images: Images, std: Values, seed: int, sample_ids: Int64[Tensor, "some"]) -> Images:
    """Adds noise whose variance goes with the light, as that of counted photons does.

    Args:
        images: Linear RGB.
        std: Standard deviation at white, 1 / sqrt(full-well electrons).
        seed: Of the stream.
        sample_ids: Of the images.

    Source: EMVA Standard 1288, release 4.0, eq. 10; the Poisson law by the normal one.
    """
    deviation = std[:, None, None, None] * images.clamp_min(0).sqrt()
    return (images + deviation * _noise(images, seed, sample_ids, SHOT)).clamp_min(0)


def read_noise(images: Images, std: Values, seed: int, sample_ids: Int64[Tensor, "some"]) -> Images:
    """Adds the noise of the read-out: the same at all brightnesses, in linear light."""
    return (images + std[:, None, None, None] * _noise(images, seed, sample_ids, READ)).clamp_min(0)


def _noise(images: Images, seed: int, sample_ids: Int64[Tensor, "some"], key: int) -> Images:
    return noise_images(seed, sample_ids, (images.shape[2], images.shape[3]), key).to(images.dtype)
