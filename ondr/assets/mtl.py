"""Material libraries of OBJ files: diffuse colours and textures, the only parts that ondr draws.

Source: Wavefront, MTL material format, 1995.
"""

from __future__ import annotations

import re
from pathlib import Path

from ondr.assets.files import read_bytes, read_lines
from ondr.assets.parts import PLAIN, WHITE, ImageData, Surface
from ondr.assets.references import referenced_file
from ondr.errors import AssetError

OPTION = re.compile(
    r"(?P<vector>-[ost])\s+(?P<numbers>(?:[-+]?[\d.]+(?:e[-+]?\d+)?\s+){1,3})"
    r"|-(?:blendu|blendv|cc|clamp|imfchan|texres|bm|boost|type)\s+\S+\s+"
    r"|-mm\s+\S+\s+\S+\s+"
)
"""An option before the file name of a texture map, with up to three numbers, one word or two words."""


def read_mtl(library: Path) -> dict[str, dict[str, str]]:
    """Returns the lines of each material: the text after each keyword, which is in lower case.

    Raises:
        AssetError: The file cannot be read.
    """
    entries: dict[str, dict[str, str]] = {}
    entry: dict[str, str] = {}
    for line in read_lines(library):
        key, _, rest = line.strip().replace("\t", " ").partition(" ")
        if key == "newmtl":
            entry = entries[rest.strip()] = {}
        elif key:
            entry[key.lower()] = rest.strip()
    return entries


def mtl_surface(path: Path, library: Path, entry: dict[str, str]) -> Surface:
    """Turns the lines of a material into a surface.

    Args:
        path: The mesh file; files outside its folder are refused.
        library: The library.
        entry: One of the values of `read_mtl`.

    Raises:
        AssetError: The colour is invalid, or the texture is missing or outside the folder.
    """
    color = _color(library, entry["kd"]) if "kd" in entry else None
    if "map_kd" not in entry:
        return Surface(color or PLAIN)
    name, scale, offset = _texture_map(entry["map_kd"])
    file = referenced_file(path, name, library.parent)
    # Black would hide the texture that it multiplies; exporters write it to mean "no colour".
    tint = color if color and any(color) else WHITE
    # Scale and offset are meant for v from the bottom.
    uv_map = ((scale[0], 0.0, offset[0]), (0.0, scale[1], 1 - scale[1] - offset[1]))
    return Surface(tint, ImageData(read_bytes(file), f"{file} (texture of {path.name})"), uv_map)


def _color(library: Path, text: str) -> tuple[float, float, float]:
    words = text.partition("#")[0].split()
    try:
        r, g, b = (float(w) for w in (words * 3 if len(words) == 1 else words))
    except ValueError:
        raise AssetError(f"{library} must have three numbers after Kd, got {text!r}. Correct that line.") from None
    return min(max(r, 0.0), 1.0), min(max(g, 0.0), 1.0), min(max(b, 0.0), 1.0)


def _texture_map(text: str) -> tuple[str, tuple[float, float], tuple[float, float]]:
    """Splits a `map_Kd` line into file name, scale and offset; other options do not change what ondr draws."""
    vectors = {"-s": [1.0, 1.0], "-o": [0.0, 0.0]}
    while option := OPTION.match(text):
        values = [float(word) for word in (option["numbers"] or "").split()][:2]
        if option["vector"] in vectors:
            vectors[option["vector"]][: len(values)] = values
        text = text[option.end() :]
    (su, sv), (ou, ov) = vectors["-s"], vectors["-o"]
    return text, (su, sv), (ou, ov)
