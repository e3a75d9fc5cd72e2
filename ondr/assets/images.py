"""Image files as linear light."""

from __future__ import annotations

import functools
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32

from ondr.assets.parts import ImageData, linear_from_srgb
from ondr.errors import AssetError

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PIXELS = 1 << 26
"""A decoded image of this size takes 200 MB. Larger ones are rejected as decompression bombs."""


def read_square(source: ImageData, most: int, exact: bool = False) -> tuple[Float32[np.ndarray, "side side 3"], float]:
    """Decodes an image and resamples it to a power-of-two square in linear light.

    Transparency is ignored. A square whose side is a power of two is not resampled, unless it is too large.

    Args:
        source: The encoded image.
        most: Largest side, a power of two.
        exact: Whether the side is always `most`.

    Returns:
        Linear RGB 0..1 and the image's width over its height.

    Raises:
        AssetError: It cannot be decoded or is too large to be.
    """
    image = _decoded(source, most)
    width, height = image.size
    linear = _linear(image)
    side = most if exact else min(most, 1 << (max(width, height) - 1).bit_length())
    return (linear if (width, height) == (side, side) else resampled(linear, side)), width / height


def read_linear(source: ImageData) -> Float32[np.ndarray, "height width 3"]:
    """Decodes an image to linear RGB 0..1 at its own size.

    Raises:
        AssetError: It cannot be decoded or is too large to be.
    """
    return _linear(_decoded(source, max(_opened(source).size)))


def image_side(source: ImageData) -> int:
    """Returns the longer side in pixels, without decoding.

    Raises:
        AssetError: It is not an image or is too large.
    """
    return max(_opened(source).size)


def _opened(source: ImageData) -> Image:
    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(BytesIO(source.data))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large(source, "more") from None
    except UnidentifiedImageError as error:
        raise _unreadable(source, "another format") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise _unreadable(source, str(error)) from error
    if image.width * image.height > MOST_PIXELS:
        raise _too_large(source, f"{image.width} x {image.height}")
    return image


def _decoded(source: ImageData, most: int) -> Image:
    from PIL import ImageOps

    image = _opened(source)
    try:
        # A JPEG can be decoded at 1/8, 1/4 or 1/2 of its size: twice the needed size is plenty.
        image.draft("RGB", (2 * most, 2 * most))
        image.load()
        return ImageOps.exif_transpose(image)
    except (OSError, ValueError, SyntaxError, IndexError) as error:
        raise _unreadable(source, str(error)) from error


def _linear(image: Image) -> Float32[np.ndarray, "height width 3"]:
    if image.mode.startswith("I"):
        # 16-bit grey, which Pillow would clip at 255.
        values = np.asarray(image).astype(np.float64) / 65535
        return np.repeat(linear_from_srgb(np.clip(values, 0, 1))[..., None], 3, axis=-1).astype(np.float32)
    # From a palette with transparency Pillow goes to RGB only with a warning.
    kind = "RGBA" if "transparency" in image.info else "RGB"
    return _srgb_table()[np.asarray(image.convert(kind))[..., :3]]


def resampled(linear: Float32[np.ndarray, "height width 3"], side: int) -> Float32[np.ndarray, "side side 3"]:
    """Returns an image stretched to a square."""
    from PIL import Image

    # A box filter does not ring: a dark texel beside a bright one does not become negative.
    smaller = side <= min(linear.shape[:2])
    filter_ = Image.Resampling.BOX if smaller else Image.Resampling.BILINEAR
    planes = [Image.fromarray(np.ascontiguousarray(linear[..., c])).resize((side, side), filter_) for c in range(3)]
    return np.stack([np.asarray(p) for p in planes], axis=-1).clip(min=0)


@functools.cache
def _srgb_table() -> Float32[np.ndarray, "256"]:
    return linear_from_srgb(np.arange(256) / 255).astype(np.float32)


def _unreadable(source: ImageData, found: str) -> AssetError:
    return AssetError(f"{source.name} must be a readable image, got {found}. Replace it.")


def _too_large(source: ImageData, size: str) -> AssetError:
    return AssetError(
        f"{source.name} must have at most {MOST_PIXELS} pixels, got {size}. Scale it down before loading."
    )
