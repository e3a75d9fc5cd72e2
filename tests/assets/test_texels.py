"""Words and mip levels."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ondr.assets.texels import mip_chain, pack_words

from .makers import unpack_words

CHANNEL = st.floats(0, 1, width=32)


@given(st.tuples(CHANNEL, CHANNEL, CHANNEL))
def test_words_keep_the_root_of_light_to_half_a_step(color):
    linear = np.array([color])
    words = pack_words(linear)
    np.testing.assert_allclose(np.sqrt(unpack_words(words)), np.sqrt(linear), atol=0.5 / 255 + 1e-6)
    assert words.view(np.uint8).reshape(4)[3] == 255


def test_red_lies_in_the_lowest_byte():
    assert pack_words(np.array([[1.0, 0.25, 0.0]])).view(np.uint32) == [0xFF0080FF]


def test_levels_are_where_the_closed_form_says():
    side = 16
    chain = mip_chain(np.random.default_rng(0).random((side, side, 3), np.float32))
    n = side.bit_length() - 1
    starts = [(4 ** (n + 1) - 4 ** (n + 1 - level)) // 3 for level in range(n + 1)]
    assert starts[-1] == len(chain) - 1
    assert np.diff([*starts, len(chain)]).tolist() == [(side >> level) ** 2 for level in range(n + 1)]


def test_means_are_taken_in_linear_light():
    # Half black, half white is half the light: 0.5 linear, 180 of 255 as a root.
    checks = np.indices((8, 8)).sum(axis=0) % 2
    chain = mip_chain(np.repeat(checks[..., None], 3, axis=-1).astype(np.float32))
    assert set(chain[64:].view(np.uint8).reshape(-1, 4)[:, 0]) == {180}


def test_every_level_keeps_the_mean():
    image = np.random.default_rng(1).random((32, 32, 3), np.float32)
    np.testing.assert_allclose(unpack_words(mip_chain(image)[-1:])[0], image.mean(axis=(0, 1)), atol=0.006)
