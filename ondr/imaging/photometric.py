"""Exposure: linear light becomes an image as a camera would deliver it.

Order: sRGB encoding, brightness, contrast, saturation, hue, noise; values are clamped to 0..1 after each. The torch
planes here are the definition; `photometric_numba` does the same on the CPU, `photometric_kornia` through kornia's own
functions. Blur comes before, in `blur`.
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float, Float32, Int64, Num
from torch import Tensor

from ondr.color import brighten, saturate, shift_hue, srgb_from_linear, stretch
from ondr.leaves import needs_grad
from ondr.noise import noise_planes, normal_table
from ondr.pixel_format import FLOATS, PixelFormat, converted
from ondr.planes import Vector, add_product
from ondr.scene import Effects

Engine = Literal["fused", "kornia"]


def expose(
    linear: Float[Tensor, "batch 3 height width"],
    effects: Effects,
    *,
    seed: int,
    sample_ids: Int64[Tensor, "batch"],
    engine: Engine = "fused",
    out: Num[Tensor, "batch 3 height width"] | None = None,
) -> Num[Tensor, "batch 3 height width"]:
    """Exposes a batch.

    Args:
        linear: Linear RGB, not bounded above; blurred where the scene asks for it.
        effects: One factor per image; `blur_sigma` is not used here.
        seed: Seed of the noise, 64 bits.
        sample_ids: Ids of the images, on their device.
        engine: `fused`: one pass over the pixels. `kornia`: kornia's own functions one after the other, the same images
            within 1/255.
        out: Images of any format to write into, without gradients; None: new ones, of floats.

    Returns:
        sRGB-encoded images in 0..1; `out` if it is given.
    """
    if engine == "kornia":
        from ondr.imaging.photometric_kornia import expose as expose_kornia

        images = expose_kornia(linear, effects, seed=seed, sample_ids=sample_ids)
    elif linear.device.type == "cpu" and linear.dtype == torch.float32 and not needs_grad(linear, effects):
        from ondr.imaging.photometric_numba import expose as expose_numba

        new = torch.empty_like(linear, memory_format=torch.contiguous_format) if out is None else out
        expose_numba(linear, effects, seed=seed, sample_ids=sample_ids, out=new)
        return new
    else:
        images = expose_fused(linear, effects, normal_table(linear.device), seed, sample_ids)
    return images if out is None else out.copy_(converted(images, out.dtype))


def expose_fused(
    linear: Float[Tensor, "batch 3 height width"],
    effects: Effects,
    normal_table: Float32[Tensor, "4096"],
    seed: int,
    sample_ids: Int64[Tensor, "batch"],
    pixels: PixelFormat = FLOATS,
) -> Num[Tensor, "batch 3 height width"]:
    """Exposes a batch by the definition, into images of a format. See `expose`.

    The table comes as an argument, since what a cache keeps is computed anew by a compiled function at every call.
    """
    noise = noise_planes(normal_table, seed, sample_ids, (linear.shape[2], linear.shape[3]))
    factors = tuple(factor[:, None, None] for factor in factors_of(effects))
    return pixels.stack(expose_planes(linear.unbind(1), factors, noise))


def factors_of(effects: Effects) -> tuple[Float[Tensor, "batch"], ...]:
    """Returns the factors of the effects on single pixels, in the order of the effects."""
    return effects.brightness, effects.contrast, effects.saturation, effects.hue_degrees, effects.noise_std


def expose_planes(linear: Vector, factors: tuple[Tensor, ...], noise: Vector) -> Vector:
    """Exposes planes of any shape: the definition, differentiable, and one loop over pixels when compiled.

    Args:
        linear: Linear red, green and blue.
        factors: What `factors_of` returns, in shapes that broadcast to the planes'.
        noise: Standard normal, of the planes' shape.

    Returns:
        sRGB-encoded red, green and blue in 0..1.
    """
    color: Vector = tuple(srgb_from_linear(c) for c in linear)
    for effect, factor in zip((brighten, stretch, saturate, shift_hue), factors, strict=False):
        color = effect(color, factor)
    return tuple(add_product(c, n.to(c.dtype), factors[-1]).clamp(0, 1) for c, n in zip(color, noise, strict=True))
