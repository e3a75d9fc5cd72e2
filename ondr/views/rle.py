"""COCO's compressed run-length encoding of masks."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Bool
from torch import Tensor

BITS = 5
"""Bits of a number per character."""
SIGN, MORE, FIRST = 0x10, 0x20, 48
"""The sign bit of the last character, the flag that another character follows, and the character for 0."""


def encode(mask: Bool[Tensor, "height width"]) -> dict[str, Any]:
    """Encodes a mask as COCO's `segmentation`: `size` (height, width) and `counts`, a string.

    Source:
        COCO API, `common/maskApi.c` (rleEncode, rleToString).
    """
    height, width = mask.shape
    columns = mask.cpu().numpy().T.reshape(-1)
    changes = np.flatnonzero(np.diff(columns, prepend=False)).tolist()
    ends = [0, *changes, columns.size]
    counts = [after - before for before, after in pairwise(ends)]
    return {"size": [height, width], "counts": compress(counts)}


def compress(counts: list[int]) -> str:
    """Encodes run lengths as text, from the fourth on as differences from the run two before."""
    parts = []
    for index, count in enumerate(counts):
        number = count - counts[index - 2] if index > 2 else count
        parts.append(_characters(number))
    return "".join(parts)


def _characters(number: int) -> str:
    text = ""
    while True:
        low, number = number & (2 * SIGN - 1), number >> BITS
        if number == (-1 if low & SIGN else 0):
            return text + chr(low + FIRST)
        text += chr((low | MORE) + FIRST)
