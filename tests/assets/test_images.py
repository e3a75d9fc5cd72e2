"""Images of every kind become linear light; broken and enormous ones are refused."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from ondr.assets.images import read_square
from ondr.assets.parts import ImageData, linear_from_srgb
from ondr.errors import AssetError

from .makers import bomb_png, encoded, four_corners


def square(data: bytes, most: int = 1024, exact: bool = False) -> tuple[np.ndarray, float]:
    return read_square(ImageData(data, "folder/picture.png"), most, exact)


def test_srgb_is_decoded():
    # Table values of IEC 61966-2-1: sRGB 188 is half the light of 255.
    linear, _ = square(encoded(np.full((2, 2, 3), 188, np.uint8)))
    np.testing.assert_allclose(linear, 0.5029, atol=1e-4)
    assert linear_from_srgb(np.array([0.0, 0.04045, 1.0])).tolist() == pytest.approx([0, 0.0031308, 1], abs=1e-6)


@pytest.mark.parametrize(
    "image",
    [
        Image.new("L", (4, 4), 100),
        Image.new("RGB", (4, 4), (100, 100, 100)),
        Image.new("RGBA", (4, 4), (100, 100, 100, 0)),
        Image.new("LA", (4, 4), (100, 30)),
        Image.new("RGB", (4, 4), (100, 100, 100)).quantize(4),
        Image.fromarray(np.full((4, 4), 100 * 257, np.uint16)),
    ],
    ids=["grey", "rgb", "rgba", "grey with alpha", "palette", "16 bits"],
)
def test_kinds_of_png_agree(image):
    linear, aspect = square(encoded(image))
    np.testing.assert_allclose(linear, linear_from_srgb(np.array(100 / 255)), atol=1e-6)
    assert linear.shape == (4, 4, 3)
    assert aspect == 1


@pytest.mark.filterwarnings("error")
def test_transparent_palettes_are_read_without_a_word():
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.putpixel((1, 0), 1)
    linear, _ = square(encoded(palette.resize((4, 4), Image.Resampling.NEAREST), transparency=bytes([0, 128])))
    np.testing.assert_array_equal(linear[:, 0], [[1, 0, 0]] * 4)
    np.testing.assert_array_equal(linear[:, 3], [[0, 0, 1]] * 4)


def test_cmyk_jpeg_is_read():
    linear, _ = square(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"))
    assert linear[..., 0].min() > 0.9
    assert linear[..., 1:].max() < 0.1


def test_jpeg_is_turned_as_its_exif_says():
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its left side
    upright = Image.fromarray(four_corners(16))
    data = encoded(upright.rotate(90, expand=True), "JPEG", exif=exif, quality=100, subsampling=0)
    linear, _ = square(data)
    expected = linear_from_srgb(four_corners(16) / 255)
    # JPEG is not exact, least of all along the edges between the quarters.
    inner = np.ix_([2, 13], [2, 13])
    np.testing.assert_allclose(linear[inner], expected[inner], atol=0.05)


@pytest.mark.parametrize(
    ("height", "width", "side"), [(8, 8, 8), (5, 3, 8), (9, 16, 16), (100, 100, 64), (300, 20, 64), (1, 1, 1)]
)
def test_sides_become_powers_of_two(height, width, side):
    pixels = np.full((height, width, 3), (255, 188, 0), np.uint8)
    linear, aspect = square(encoded(pixels), most=64)
    assert linear.shape == (side, side, 3)
    assert aspect == width / height
    np.testing.assert_allclose(linear, np.broadcast_to([1, 0.5029, 0], linear.shape), atol=1e-4)


def test_scaling_down_keeps_the_light():
    pixels = np.zeros((96, 96, 3), np.uint8)
    pixels[::2] = 255
    np.testing.assert_allclose(square(encoded(pixels), most=32)[0].mean(), 0.5, atol=0.01)


def test_photos_all_get_the_same_side():
    assert square(encoded(np.zeros((20, 30, 3), np.uint8)), most=64, exact=True)[0].shape == (64, 64, 3)
    assert square(encoded(np.zeros((200, 300, 3), np.uint8), "JPEG"), most=64, exact=True)[0].shape == (64, 64, 3)


@pytest.mark.parametrize(
    "data",
    [b"no image at all", b"", encoded(four_corners(64))[:100], encoded(four_corners(64), "JPEG")[:300]],
    ids=["text", "empty", "png cut off", "jpeg cut off"],
)
def test_broken_image_is_refused(data):
    with pytest.raises(AssetError, match=r"folder/picture.png must be a readable image, got .+Replace it"):
        square(data)


@pytest.mark.parametrize("side", [60_000, 9_000])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")  # Pillow's own, for the smaller one
def test_decompression_bomb_is_refused(side):
    with pytest.raises(AssetError, match=r"folder/picture.png must have at most \d+ pixels.+Scale it down"):
        square(bomb_png(side))
