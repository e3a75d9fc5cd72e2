"""Textures as the bank stores them: words of the square root of linear light, with all mip levels.

Decoding images is left to `images`.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32, Int32


def pack_words(linear: Float[np.ndarray, "*shape 3"]) -> Int32[np.ndarray, "*shape"]:
    """Stores linear RGB 0..1 as RGBA8 words, R in the lowest byte, alpha full."""
    r, g, b = np.moveaxis(np.rint(255 * np.sqrt(linear)).astype(np.uint32), -1, 0)
    return (r | g << 8 | b << 16 | np.uint32(255 << 24)).view(np.int32)


def mip_chain(linear: Float32[np.ndarray, "side side 3"]) -> Int32[np.ndarray, "texel"]:
    """Returns all levels of a power-of-two square one after the other, each the 2x2 means of the one before.

    The means are of linear light, not of rounded words.
    """
    levels = [pack_words(linear).reshape(-1)]
    while len(linear) > 1:
        linear = (linear[0::2, 0::2] + linear[1::2, 0::2] + linear[0::2, 1::2] + linear[1::2, 1::2]) / 4
        levels.append(pack_words(linear).reshape(-1))
    return np.concatenate(levels)
