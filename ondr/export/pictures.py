"""Pictures, masks and depths as the bytes of image files."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from PIL import Image
from torch import Tensor

JPEG_QUALITY = 95
"""Pillow's documentation advises against more."""
PNG_LEVEL = 1
"""Of zlib: by its default, 6, rendered images get 8 % smaller and take 1.8 times as long."""
MOST = {8: 2**8 - 1, 16: 2**16 - 1}


def encode_picture(pixels: UInt8[Tensor, "height width 3"], image_format: Literal["png", "jpeg"]) -> bytes:
    """Returns a picture as a file."""
    return _encoded(Image.fromarray(pixels.numpy()), image_format)


def encode_mask(mask: Bool[Tensor, "height width"]) -> bytes:
    """Returns a mask as an 8-bit PNG: 255 inside, 0 outside."""
    return _encoded(Image.fromarray(mask.numpy().astype(np.uint8) * MOST[8]), "png")


def encode_numbers(numbers: Int[Tensor, "height width"]) -> bytes:
    """Returns whole numbers as a PNG with one channel: of 8 bits if all are below 256, else of 16."""
    return _encoded(
        Image.fromarray(numbers.numpy().astype(np.uint8 if int(numbers.max()) <= MOST[8] else np.uint16)), "png"
    )


def encode_depth(depth: Float[Tensor, "height width"], unit: float) -> bytes:
    """Returns a depth image as a 16-bit PNG; 0 where nothing is, or where 16 bits do not suffice.

    Args:
        depth: Metres along the optical axis, 0 where nothing is.
        unit: Metres of one step.
    """
    steps = (depth.double() / unit).round()
    return _encoded(Image.fromarray(torch.where(steps > MOST[16], 0, steps).numpy().astype(np.uint16)), "png")


def depth_unit(depth: Float[Tensor, "height width"], finest: float) -> float:
    """Returns the least of `finest`, 10 `finest`, ..., in metres, in which 16 bits hold every depth of an image."""
    unit, farthest = finest, float(depth.max())
    while farthest / unit > MOST[16]:
        unit *= 10
    return unit


def _encoded(image: Image.Image, image_format: Literal["png", "jpeg"]) -> bytes:
    file = io.BytesIO()
    if image_format == "png":
        image.save(file, "PNG", compress_level=PNG_LEVEL)
    else:
        image.save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()
