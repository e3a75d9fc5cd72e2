"""Noise for every pixel and channel on the CPU: the fast twin of `noise`, with the same bits."""

from __future__ import annotations

import typing

import numpy as np
from numba import njit

from ondr.imaging.noise import KEY, SHIFT
from ondr.rng import MULTIPLIERS, ROUNDS, WEYL

M0, M1 = (np.uint64(m) for m in MULTIPLIERS)
W0, W1 = (np.uint32(w) for w in WEYL)
NAME, DROPPED = np.uint32(KEY), np.uint32(SHIFT)


@typing.no_type_check
@njit(inline="always")
def philox(c0, c1, c2, c3, k0, k1):
    """Enciphers one counter with one key, all 32-bit words. See `rng.philox`."""
    for _ in range(ROUNDS):
        p0, p1 = np.uint64(c0) * M0, np.uint64(c2) * M1
        c0, c2 = np.uint32(p1 >> np.uint64(32)) ^ c1 ^ k0, np.uint32(p0 >> np.uint64(32)) ^ c3 ^ k1
        c1, c3 = np.uint32(p1), np.uint32(p0)
        k0, k1 = np.uint32(k0 + W0), np.uint32(k1 + W1)
    return c0, c1, c2, c3


@typing.no_type_check
@njit(cache=True)
def noise_line(table, key, sample, first, words, red, green, blue):
    """Fills three lines with the noise of a row of pixels.

    Args:
        table: `noise.normal_table`.
        key: The seed's two words.
        sample: The sample id's two words.
        first: Number of the row's first pixel.
        words: Scratch, uint32, three lines.
        red: Written.
        green: Written.
        blue: Written.
    """
    c0, c1, k0, k1 = sample[0], sample[1], key[0], key[1]
    # Apart from the look-ups, which no vector instruction does well, so that the cipher becomes vector instructions.
    for x in range(len(red)):
        r, g, b, _ = philox(c0, c1, NAME, np.uint32(first + x), k0, k1)
        words[0, x], words[1, x], words[2, x] = r >> DROPPED, g >> DROPPED, b >> DROPPED
    for x in range(len(red)):
        red[x], green[x], blue[x] = table[words[0, x]], table[words[1, x]], table[words[2, x]]
