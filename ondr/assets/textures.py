"""Collects all textures of the bank, storing each once, and makes the noise tiles."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Int32

from ondr.assets.images import image_side, read_square, resampled
from ondr.assets.parts import ImageData
from ondr.assets.texels import mip_chain
from ondr.errors import say_once

BRIGHTEST = 0.001
"""Share of a panorama's texels that may be clipped."""
NOISE_SIDE = 128
RAMP_SIDE = 256
NOISE_SLOPES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
"""Slope at which the amplitude of each noise tile falls with spatial frequency: from grains to clouds."""
NOISE_KEY = 0x6F6E6472
"""Fixed, so that the tiles are the same in every run."""
NOISE_CONTRAST = 0.2
"""Standard deviation of the square root of light about its mean of 0.5."""


class TextureStore:
    """Collects the texels of all textures."""

    rows: list[tuple[int, int]]
    """First texel and log2 of the side of each texture; row 0 is a single white texel."""
    size: int
    """Number of texels."""

    def __init__(self, most: int) -> None:
        """Makes a store that holds the white texel.

        Args:
            most: Largest side, a power of two; larger images are scaled down.
        """
        self.most = most
        self.rows, self.size = [], 0
        self._chunks: list[Int32[np.ndarray, "texel"]] = []
        self._known: dict[tuple[bytes, int], int] = {}
        self._scaled: list[str] = []
        self.add_linear(np.ones((1, 1, 3), np.float32))

    def add_linear(self, linear: Float32[np.ndarray, "side side 3"]) -> int:
        """Adds a power-of-two square of linear RGB and returns its row."""
        chain = mip_chain(linear)
        self.rows.append((self.size, len(linear).bit_length() - 1))
        self._chunks.append(chain)
        self.size += len(chain)
        return len(self.rows) - 1

    def add_own(self, images: Sequence[ImageData | None]) -> list[int]:
        """Adds the images of a mesh's surfaces and returns their rows: 0 for none, an earlier row for an equal image.

        Raises:
            AssetError: An image cannot be decoded. Then nothing is added.
        """
        new = {self._key(i): i for i in images if i is not None and self._key(i) not in self._known}
        decoded = {key: read_square(image, self.most)[0] for key, image in new.items()}
        for key, linear in decoded.items():
            self._note_scaled(new[key])
            self._known[key] = self.add_linear(linear)
        return [0 if image is None else self._known[self._key(image)] for image in images]

    def add_tile(self, image: ImageData) -> int:
        """Adds an image as a new row, so that rows of a kind are consecutive, but stores equal texels once.

        Raises:
            AssetError: It cannot be decoded.
        """
        (known,) = self.add_own([image])
        if known == len(self.rows) - 1:
            return known
        self.rows.append(self.rows[known])
        return len(self.rows) - 1

    def add_photo(self, image: ImageData, side: int) -> float:
        """Adds a photo as a new row, stretched to a square, and returns its width over its height.

        Raises:
            AssetError: It cannot be decoded.
        """
        linear, aspect = read_square(image, side, exact=True)
        self.add_linear(linear)
        return aspect

    def add_panorama(self, linear: Float32[np.ndarray, "height width 3"], side: int) -> tuple[int, float]:
        """Adds a panorama as a new row, stretched to a square, and returns the row and the radiance of a full texel.

        The few brightest texels, such as the sun, are clipped, so that eight bits resolve the rest.
        """
        square = resampled(linear, side)
        scale = float(max(np.quantile(square.max(axis=-1), 1 - BRIGHTEST), 1e-6))
        self.add_linear(np.clip(square / np.float32(scale), 0, 1))
        return len(self.rows) - 1, scale

    def texels(self) -> Int32[np.ndarray, "texel"]:
        """Returns all texels."""
        return np.concatenate(self._chunks)

    def say_scaled(self) -> None:
        """Reports how many textures were scaled down, if any."""
        if self._scaled:
            say_once(
                f"{len(self._scaled)} textures are larger than assets.max_texture_size = {self.most} and are scaled "
                f"down, {self._scaled[0]} among them."
            )

    def _key(self, image: ImageData) -> tuple[bytes, int]:
        return hashlib.blake2b(image.data, digest_size=16).digest(), self.most

    def _note_scaled(self, image: ImageData) -> None:
        if image_side(image) > self.most:
            self._scaled.append(image.name)


def noise_tile(slope: float, key: int) -> Float32[np.ndarray, "side side 3"]:
    """Returns seamless coloured noise as linear RGB.

    Args:
        slope: The amplitude falls with spatial frequency to this power; 0 is white noise.
        key: Key of the random generator.
    """
    white = np.random.Generator(np.random.Philox(key=key)).standard_normal((NOISE_SIDE, NOISE_SIDE, 3))
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(NOISE_SIDE), np.fft.fftfreq(NOISE_SIDE)))
    frequency[0, 0] = np.inf  # no constant part, so that all tiles have the same mean
    shaped = np.fft.ifft2(np.fft.fft2(white, axes=(0, 1)) * frequency[..., None] ** -slope, axes=(0, 1)).real
    shaped -= shaped.mean(axis=(0, 1))
    root = 0.5 + NOISE_CONTRAST * shaped / shaped.std(axis=(0, 1))
    return (np.clip(root, 0, 1) ** 2).astype(np.float32)


def noise_tiles() -> list[Float32[np.ndarray, "side side 3"]]:
    """Returns the noise tiles, from the finest to the smoothest."""
    return [noise_tile(slope, NOISE_KEY + i) for i, slope in enumerate(NOISE_SLOPES)]


def ramp_tile() -> Float32[np.ndarray, "side side 3"]:
    """Returns a gradient of linear light from black at the top to white at the bottom."""
    values = np.linspace(0, 1, RAMP_SIDE, dtype=np.float32)
    return np.repeat(np.repeat(values[:, None, None], RAMP_SIDE, axis=1), 3, axis=2)
