"""Gradient noise on a lattice of cells in space, on planes: the same bits on every device.

Source: Perlin 1985, "An image synthesizer"; Perlin 2002, "Improving noise", for the interpolation.
"""

from __future__ import annotations

from torch import Tensor

from ondr.planes import Vector, dot, mix

GAIN = 1.55 / 15.5
"""Scales the noise, whose gradients range from -15.5 to 15.5, to a standard deviation near 0.3."""

WORD = 0xFFFF
"""16 bits: lattice points repeat after 65,536 cells."""
ODD = 27457
"""Odd, and less than 2**15, so that its product with a word does not overflow 32 bits, which is undefined in C++. Among
those tried, one whose bits show no correlation between neighbours beyond chance."""
FOLD = 13
SALT = 0x5BD1
"""Makes the words of z differ from those of x and y."""


def noise(cells: Vector) -> Tensor:
    """Returns gradient noise: smooth, 0 at lattice points, between -1.6 and 1.6.

    Args:
        cells: Positions, in cells of the lattice.
    """
    corner = [c.floor() for c in cells]
    x, y, z = (c - low for c, low in zip(cells, corner, strict=True))
    # Gradients are stored as 0 to 31; the offset of 15.5 is subtracted for all eight corners at once.
    middle = 15.5 * (x + y + z)
    values = [
        _ramp(word, x - (k >> 2), y - (k >> 1 & 1), z - (k & 1)) - middle + 15.5 * k.bit_count()
        for k, word in enumerate(lattice_words(*(low.int() & WORD for low in corner)))
    ]
    for t in (z, y, x):
        ease = t * t * t * (t * (t * 6 - 15) + 10)
        values = [mix(a, b, ease) for a, b in zip(values[::2], values[1::2], strict=True)]
    return values[0] * GAIN


def _ramp(word: Tensor, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Returns the scalar product of an offset and a word's gradient, whose components range from 0 to 31."""
    gradient = (word & 31, word >> 5 & 31, word >> 10 & 31)
    return dot(tuple(g.to(x.dtype) for g in gradient), (x, y, z))


def lattice_words(x: Tensor, y: Tensor, z: Tensor) -> list[Tensor]:
    """Returns pseudorandom 16-bit words for the eight corners of cells, z changing fastest, the same on every device.

    Args:
        x: x of the lowest corner, int32 from 0 to 65,535.
        y: y, likewise.
        z: z, likewise.
    """
    first = [scramble(word) for word in (x, x + 1 & WORD)]
    second = [scramble(a + word & WORD) for a in first for word in (y, y + 1)]
    third = [scramble(scramble(word) ^ SALT) for word in (z, z + 1 & WORD)]
    return [scramble(a ^ b) for a in second for b in third]


def scramble(word: Tensor) -> Tensor:
    """Hashes 16-bit words to 16-bit words, int32."""
    product = word * ODD
    return (product >> FOLD ^ product) & WORD
