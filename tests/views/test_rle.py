"""COCO's run lengths, against pycocotools' own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from ondr.views.rle import compress, encode

# pycocotools 2.0 lacks an argument that numpy 2 passes on.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword")


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1), st.sampled_from([0, 0.02, 0.5, 0.98, 1]))
def test_a_mask_has_the_run_lengths_of_pycocotools(height: int, width: int, seed: int, share: float) -> None:
    mask = np.random.default_rng(seed).random((height, width)) < share
    known = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert encode(torch.from_numpy(mask)) == {"size": [height, width], "counts": known["counts"].decode()}


@pytest.mark.parametrize("side", [64, 1024])
def test_long_and_falling_runs_survive(side: int) -> None:
    mask = torch.zeros(side, side, dtype=torch.bool)
    mask[: side // 2, 3] = mask[5, 7:] = mask[-1, -1] = True
    code = encode(mask)
    assert np.array_equal(coco_mask.decode({**code, "counts": code["counts"].encode()}), mask.numpy())


def test_counts_are_five_bits_a_character_from_zero_on() -> None:
    # rleToString: 5 bits each, 0x20 for more, 48 added; the fourth count as the difference to the second.
    assert compress([0, 15, 16, 14]) == "0?`0O"
