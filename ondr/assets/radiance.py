"""Radiance HDR files (.hdr): linear light with one exponent for the three channels of a pixel.

Source: Ward 1991, "Real pixels", Graphics Gems II; the Radiance reference manual for the run-length encoding of lines.
"""

from __future__ import annotations

import math
import re

import numpy as np
from jaxtyping import Float32, UInt8

from ondr.assets.parts import ImageData
from ondr.errors import AssetError

MAGIC = (b"#?RADIANCE", b"#?RGBE")
MOST_PIXELS = 1 << 27
OLD_RUN = bytes([1, 1, 1])
"""Beginning of a pixel that repeats the one before it, in files from before 1991."""
SHORTEST, LONGEST = 8, 32767
"""Lines of other lengths are not run-length encoded."""


def read_radiance(source: ImageData) -> Float32[np.ndarray, "height width 3"]:
    """Decodes a file whose lines run from top to bottom and left to right, as nearly all do.

    Raises:
        AssetError: It is not such a file, or is cut off.
    """
    header, _, rest = source.data.partition(b"\n\n")
    size, _, body = rest.partition(b"\n")
    found = re.fullmatch(rb"-Y ([1-9]\d{0,5}) \+X ([1-9]\d{0,5})", size.strip())
    if not header.startswith(MAGIC) or found is None or b"32-bit_rle_xyze" in header:
        raise AssetError(
            f"{source.name} must be a Radiance HDR file of RGB, top line first, got {bytes(source.data[:10])!r}... "
            f"with the size {size[:40]!r}. Convert it, with ImageMagick for example."
        )
    height, width = int(found[1]), int(found[2])
    if height * width > MOST_PIXELS:
        raise AssetError(
            f"{source.name} must have at most {MOST_PIXELS} pixels, got {width} x {height}. Scale it down."
        )
    if body[:3] == OLD_RUN:
        raise AssetError(f"{source.name} must not be of the old run-length encoding. Save it anew with any editor.")
    exposure = math.prod(float(factor) for factor in re.findall(rb"^EXPOSURE=\s*(\S+)", header, re.MULTILINE))
    try:
        return _light(_lines(np.frombuffer(body, np.uint8), height, width)) / np.float32(exposure)
    except (IndexError, ValueError) as error:
        raise AssetError(f"{source.name} must be a whole file, got one that ends or breaks off. Replace it.") from error


def _light(pixels: UInt8[np.ndarray, "height width 4"]) -> Float32[np.ndarray, "height width 3"]:
    exponent = pixels[..., 3:].astype(np.int32) - (128 + 8)
    return np.where(pixels[..., 3:] > 0, np.ldexp(pixels[..., :3].astype(np.float32), exponent), 0).astype(np.float32)


def _lines(body: UInt8[np.ndarray, "byte"], height: int, width: int) -> UInt8[np.ndarray, "height width 4"]:
    if not SHORTEST <= width <= LONGEST or not _encoded(body, 0, width):
        return body[: height * width * 4].reshape(height, width, 4)
    pixels = np.empty((height, 4, width), np.uint8)
    at = 0
    for line in pixels:
        if not _encoded(body, at, width):
            raise ValueError("a line without its mark")
        at += 4
        for plane in line:
            at = _fill(plane, body, at)
    return pixels.transpose(0, 2, 1)


def _encoded(body: UInt8[np.ndarray, "byte"], at: int, width: int) -> bool:
    """Returns whether a line begins with the marker of run-length encoding: 2, 2, its length."""
    first, second, high, low = body[at : at + 4].tolist()
    return first == 2 and second == 2 and high << 8 | low == width


def _fill(plane: UInt8[np.ndarray, "width"], body: UInt8[np.ndarray, "byte"], at: int) -> int:
    """Decodes one channel of a line and returns the position of the next."""
    done = 0
    while done < len(plane):
        count = int(body[at])
        if count > 128:
            count -= 128
            values = body[at + 1 : at + 2]
        else:
            values = body[at + 1 : at + 1 + count]
        if not count or done + count > len(plane) or not len(values):
            raise ValueError("a run beyond its line")
        plane[done : done + count] = values
        done, at = done + count, at + 1 + len(values)
    return at
