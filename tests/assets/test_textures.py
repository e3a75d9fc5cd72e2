"""The store of textures, and the noise tiles."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ondr.assets.parts import ImageData
from ondr.assets.textures import NOISE_SLOPES, TextureStore, noise_tiles
from ondr.errors import AssetError

from .makers import encoded, unpack_words

RED = ImageData(encoded(np.full((8, 8, 3), (255, 0, 0), np.uint8)), "red.png")
BLUE = ImageData(encoded(np.full((4, 4, 3), (0, 0, 255), np.uint8)), "blue.png")


def level(store: TextureStore, row: int, level: int) -> np.ndarray:
    first, n = store.rows[row]
    start = first + (4 ** (n + 1) - 4 ** (n + 1 - level)) // 3
    return unpack_words(store.texels()[start : start + 4 ** (n - level)])


def test_first_row_is_one_white_texel():
    store = TextureStore(1024)
    assert store.rows == [(0, 0)]
    np.testing.assert_array_equal(unpack_words(store.texels()), 1)


def test_equal_images_are_stored_once():
    store = TextureStore(1024)
    again = ImageData(RED.data, "copy of red.png")
    assert store.add_own([RED, None, BLUE, again]) == [1, 0, 2, 1]
    assert store.add_own([BLUE]) == [2]
    assert store.size == 1 + 85 + 21 == len(store.texels())


def test_tiles_get_rows_of_their_own_but_share_texels():
    store = TextureStore(1024)
    store.add_own([RED, BLUE])
    assert [store.add_tile(i) for i in (RED, BLUE, RED)] == [3, 4, 5]
    assert store.rows[3] == store.rows[5] == store.rows[1]


def test_neighbours_in_the_bank_do_not_bleed_at_any_level():
    store = TextureStore(1024)
    rows = store.add_own([RED, BLUE])
    for row, color in zip(rows, ([1, 0, 0], [0, 0, 1]), strict=True):
        for k in range(store.rows[row][1] + 1):
            np.testing.assert_array_equal(level(store, row, k), np.broadcast_to(color, level(store, row, k).shape))


def test_nothing_is_added_when_one_image_is_broken():
    store = TextureStore(1024)
    with pytest.raises(AssetError, match=r"broken.png must be a readable image"):
        store.add_own([RED, ImageData(b"?", "broken.png")])
    assert store.rows == [(0, 0)]


def test_large_textures_are_scaled_down_and_said_once(caplog):
    store = TextureStore(4)
    store.add_own([RED, BLUE])
    store.say_scaled()
    store.say_scaled()
    assert [n for _, n in store.rows] == [0, 2, 2]
    said = [r.message for r in caplog.records if "assets.max_texture_size = 4" in r.message]
    assert len(said) == 1
    assert said[0].startswith("1 textures")
    assert "red.png" in said[0]


def test_photo_keeps_its_aspect_beside_the_square():
    store = TextureStore(1024)
    assert store.add_photo(ImageData(encoded(np.zeros((20, 50, 3), np.uint8)), "photo.png"), 64) == 2.5
    assert store.rows[-1] == (1, 6)


def test_noise_is_fixed_varied_and_touches_no_global_state():
    before = np.random.get_state()[1].copy()
    tiles = noise_tiles()
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    assert len(tiles) == len(NOISE_SLOPES) == 6
    for tile, again in zip(tiles, noise_tiles(), strict=True):
        np.testing.assert_array_equal(tile, again)
        assert tile.min() >= 0
        assert tile.max() <= 1
        # The steps across the seam are like the steps beside it: the tile repeats.
        seam = np.abs(np.sqrt(tile[0]) - np.sqrt(tile[-1])).mean()
        inside = np.abs(np.diff(np.sqrt(tile), axis=0)).mean()
        assert seam < 1.5 * inside
    steps = [np.abs(np.diff(np.sqrt(tile), axis=0)).mean() for tile in tiles]
    assert all(finer > smoother for finer, smoother in itertools.pairwise(steps))
