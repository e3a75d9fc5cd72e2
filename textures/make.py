"""Makes the sample textures: `python make.py [FOLDER]` writes seamless tiles to FOLDER, here by default."""

from __future__ import annotations

import sys
from pathlib import Path

from fields import to_bytes
from manmade import MANMADE
from natural import NATURAL
from PIL import Image


def make(folder: Path) -> None:
    """Writes every tile into `folder`; the file name's ending is its format."""
    folder.mkdir(parents=True, exist_ok=True)
    for file_name, tile in {**NATURAL, **MANMADE}.items():
        options = {"quality": 88, "subsampling": 0} if file_name.endswith(".jpg") else {"optimize": True}
        Image.fromarray(to_bytes(tile())).save(folder / file_name, **options)


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
