"""Effects on encoded images after exposure. Each function takes some images and one value for each of them."""

from __future__ import annotations

import io

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ondr.leaves import needs_grad
from ondr.rng import MASK, name_key, philox

Images = Float[Tensor, "some 3 height width"]
Values = Float[Tensor, "some"]

SALT = name_key("photometric.salt_and_pepper")


def fade_to_grey(images: Images, share: Values) -> Images:
    """Blends towards kornia's grey: 0 leaves the image unchanged, 1 makes it grey."""
    from kornia.color import rgb_to_grayscale

    return images + share[:, None, None, None] * (rgb_to_grayscale(images) - images)


def salt_and_pepper(images: Images, share: Values, seed: int, sample_ids: Int64[Tensor, "some"]) -> Images:
    """Makes a share of the pixels black or white with equal probability; the same bits on every device."""
    if _fits_numba(images, share):
        from ondr.imaging import development_numba

        return development_numba.salt_and_pepper(images, share, seed, sample_ids, SALT)
    height, width = images.shape[2:]
    pixel = torch.arange(height * width, device=images.device).view(1, height, width)
    ids = sample_ids[:, None, None]
    word, color, *_ = philox((ids & MASK, ids >> 32 & MASK, torch.full_like(ids, SALT), pixel), seed)
    hit = (word.to(torch.float64) < share.double()[:, None, None] * 2.0**32)[:, None]
    return torch.where(hit, (color >= 2**31).to(images.dtype)[:, None], images)


def sharpen(images: Images, amount: Values) -> Images:
    """Sharpens by kornia's `sharpness`: 0 changes nothing, 1 equals a factor of 2 in Pillow's `Sharpness`."""
    if _fits_numba(images, amount):
        from ondr.imaging import development_numba

        return development_numba.sharpen(images, amount)
    from kornia.enhance import sharpness

    return sharpness(images, 1 + amount)


def _fits_numba(images: Images, values: Values) -> bool:
    """Returns whether numba's twins can be used: float32 on the CPU without gradients."""
    return images.device.type == "cpu" and images.dtype == torch.float32 and not needs_grad(images, values)


def posterize(images: Images, bits: Values) -> Images:
    """Keeps the highest bits of each 8-bit channel, as kornia's `posterize` does."""
    step = torch.exp2(8 - bits.round())[:, None, None, None]
    return torch.floor(torch.round(images * 255) / step) * step / 255


def jpeg(images: Images, quality: Values) -> Images:
    """Compresses and decompresses.

    On the CPU by Pillow's codec. On a GPU, or where gradients are needed, by kornia's differentiable one, which differs
    in rounding and in chroma subsampling.

    Args:
        images: In 0..1.
        quality: 1 to 100.
    """
    if images.device.type != "cpu" or needs_grad(images, quality):
        from kornia.enhance import jpeg_codec_differentiable

        return jpeg_codec_differentiable(images, _within(quality, 1.0, 99.0)).clamp(0, 1)
    encoded = (images.detach().permute(0, 2, 3, 1) * 255).round().to(torch.uint8).numpy()
    decoded = [_through_codec(image, round(q)) for image, q in zip(encoded, quality.tolist(), strict=True)]
    return torch.from_numpy(np.stack(decoded)).permute(0, 3, 1, 2).to(images.dtype) / 255


def _within(values: Values, low: float, high: float) -> Values:
    """Returns values held within bounds. They say so themselves: kornia asks, and a GPU would have to be waited for."""
    held = values.clamp(low, high)
    held.__dict__.update(amin=lambda: torch.tensor(low), amax=lambda: torch.tensor(high))
    return held


def _through_codec(image: np.ndarray, quality: int) -> np.ndarray:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image).save(file, format="JPEG", quality=min(max(quality, 1), 100))
    return np.asarray(Image.open(file))
