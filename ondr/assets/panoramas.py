"""Equirectangular panoramas: reading them as linear light, and the irradiance from them."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from ondr.assets.images import read_linear, resampled
from ondr.assets.parts import ImageData
from ondr.assets.radiance import MAGIC, read_radiance
from ondr.errors import AssetError
from ondr.harmonics import irradiance_harmonics

MOST_OFF = 0.02
"""Relative tolerance of the aspect ratio of 2."""
COARSE = 128
"""Side of the square from which harmonics are summed; their finest feature is 90 degrees wide."""


def read_panorama(source: ImageData) -> Float32[np.ndarray, "height width 3"]:
    """Decodes a panorama of the whole sphere to linear RGB: an .hdr file in its own units, others 0..1.

    Raises:
        AssetError: It cannot be decoded, or is not twice as wide as high.
    """
    linear = read_radiance(source) if source.data.startswith(MAGIC) else read_linear(source)
    height, width = linear.shape[:2]
    if abs(width / height - 2) > 2 * MOST_OFF:
        raise AssetError(
            f"{source.name} must be an equirectangular panorama, twice as wide as high, got {width} x {height}. Put "
            "other pictures into background.photos."
        )
    return linear


def harmonics_of(linear: Float32[np.ndarray, "height width 3"]) -> Float32[Tensor, "9 3"]:
    """Returns the irradiance from a panorama as `ondr.harmonics`, with its middle column along +x."""
    light = torch.from_numpy(resampled(linear, COARSE)).double()
    middles = (torch.arange(COARSE, dtype=torch.float64) + 0.5) / COARSE
    polar, azimuth = torch.pi * middles[:, None], 2 * torch.pi * (0.5 - middles)
    level = torch.sin(polar)
    planes = (level * torch.cos(azimuth), level * torch.sin(azimuth), torch.cos(polar).expand(-1, COARSE))
    direction = torch.stack(planes, dim=-1)
    # A texel's solid angle: the zone between its two circles of latitude, times its share of the circle.
    edges = torch.cos(torch.pi * torch.arange(COARSE + 1, dtype=torch.float64) / COARSE)
    angle = (2 * torch.pi / COARSE * (edges[:-1] - edges[1:]))[:, None].expand(COARSE, COARSE)
    return irradiance_harmonics(light.flatten(0, 1), direction.flatten(0, 1), angle.flatten()).float()
