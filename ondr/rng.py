"""Counter-based uniforms: every random number is a pure function of (seed, sample id, name, slot).

Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") in integer arithmetic: the same bits
on every device, in any order, for any batch size. What the numbers mean is left to `laws`.
"""

from __future__ import annotations

import hashlib

import torch
from jaxtyping import Float32, Int64
from torch import Tensor

MASK = 0xFFFFFFFF
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10


def name_key(name: str) -> int:
    """Returns the 32-bit key of a random quantity: BLAKE2b of its dotted name, little-endian."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest(), "little")


def philox(counter: tuple[Tensor, Tensor, Tensor, Tensor], seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Encrypts counters with a 64-bit key.

    Args:
        counter: Four int64 tensors with broadcastable shapes that hold 32-bit words.
        seed: The key, taken modulo 2**64.

    Returns:
        Four int64 tensors that hold 32-bit words.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = seed & MASK, (seed >> 32) & MASK
    for _ in range(ROUNDS):
        high0, low0 = _product(c0, MULTIPLIERS[0])
        high1, low1 = _product(c2, MULTIPLIERS[1])
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + WEYL[0]) & MASK, (k1 + WEYL[1]) & MASK
    return c0, c1, c2, c3


def _product(word: Tensor, factor: int) -> tuple[Tensor, Tensor]:
    """Returns the high and low 32 bits of a product, computed by halves, since signed overflow is undefined in C++."""
    low = word * (factor & 0xFFFF)
    high = word * (factor >> 16) + (low >> 16)
    return high >> 16, (high & 0xFFFF) << 16 | low & 0xFFFF


def words(
    seed: int,
    sample_ids: Int64[Tensor, "batch"],
    names: Int64[Tensor, "column"],
    slots: Int64[Tensor, "column"],
) -> Int64[Tensor, "batch column 4"]:
    """Returns the four 32-bit words of every draw (name, slot) of every sample.

    Args:
        seed: The 64-bit seed.
        sample_ids: Ids from 0; any order.
        names: `name_key` of each column's quantity.
        slots: Index of the object or light, for each column; 0 for a quantity of the whole image.
    """
    ids = sample_ids[:, None]
    return torch.stack(philox((ids & MASK, ids >> 32 & MASK, names[None], slots[None]), seed), dim=-1)


def uniform(words: Int64[Tensor, "*shape"]) -> Float32[Tensor, "*shape"]:
    """Turns words into uniforms strictly inside (0, 1): ((word >> 9) + 0.5) * 2**-23, exact in float32."""
    return ((words >> 9).to(torch.float32) + 0.5) * 2.0**-23
