"""The type and the memory layout of images: `images_dtype` and `channels_last`.

The conversions here define both on any device; on the CPU `imaging.store_numba` writes the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Num, UInt8
from torch import Tensor

from ondr.errors import ConfigError
from ondr.leaves import needs_grad
from ondr.runtime.scratch import recycled

DTYPES = {name: getattr(torch, name) for name in ("float32", "float16", "bfloat16", "uint8")}
"""What `images_dtype` may be."""


@dataclass(frozen=True)
class PixelFormat:
    """Type and memory layout of images, whose shape is always `[batch, 3, height, width]`."""

    dtype: torch.dtype = torch.float32
    """0..1 in floating-point types; 0..255, rounded, in uint8."""
    channels_last: bool = False
    """Whether red, green and blue of a pixel are adjacent: torch's memory format of that name."""

    @classmethod
    def like(cls, images: Num[Tensor, "batch 3 height width"]) -> PixelFormat:
        """Returns the format of images."""
        planes = images.is_contiguous()
        return cls(images.dtype, not planes and images.is_contiguous(memory_format=torch.channels_last))

    @property
    def memory_format(self) -> torch.memory_format:
        """The layout as torch names it."""
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def new_images(self, count: int, size: tuple[int, int]) -> Num[Tensor, "batch 3 height width"]:
        """Returns uninitialized images of height and width `size` on the CPU."""
        if self.channels_last:
            return recycled(count, *size, 3, dtype=self.dtype).permute(0, 3, 1, 2)
        return recycled(count, 3, *size, dtype=self.dtype)

    def stack(self, planes: Sequence[Tensor]) -> Num[Tensor, "batch 3 height width"]:
        """Returns images from red, green and blue planes `[batch, height, width]` in 0..1.

        Double planes, which gradient checks use, are kept as doubles where the format is float32.
        """
        channels = [plane if self.dtype == torch.float32 else converted(plane, self.dtype) for plane in planes]
        return torch.stack(channels, -1).permute(0, 3, 1, 2) if self.channels_last else torch.stack(channels, 1)

    def of(self, images: Num[Tensor, "batch 3 height width"]) -> Num[Tensor, "batch 3 height width"]:
        """Converts images of any format to this one; returns them as they are if they have it."""
        return converted(images, self.dtype).contiguous(memory_format=self.memory_format)


FLOATS = PixelFormat()
"""The format of all computations."""


def converted(values: Tensor, dtype: torch.dtype) -> Tensor:
    """Converts image values to another of `DTYPES` on their device; returns them as they are if they have it.

    Raises:
        ConfigError: They need gradients, which bytes cannot have.
    """
    if values.dtype == dtype:
        return values
    if dtype == torch.uint8:
        if needs_grad(values):
            raise ConfigError(
                "images_dtype must be a floating-point type for gradients, got uint8. Set images_dtype to float32, or "
                "render under torch.no_grad()."
            )
        return (values.float().clamp(0, 1) * 255).round().to(dtype)
    return (values.float() / 255).to(dtype) if values.dtype == torch.uint8 else values.to(dtype)


def as_floats(images: Num[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 3 height width"]:
    """Returns images of any format as float32 in 0..1, channels first."""
    return FLOATS.of(images)


def as_bytes(images: Num[Tensor, "batch 3 height width"]) -> UInt8[Tensor, "batch height width 3"]:
    """Returns images of any format as 8-bit ones, channels last, on their device."""
    return converted(images.detach(), torch.uint8).permute(0, 2, 3, 1)
