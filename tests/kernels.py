"""Kernels that numba keeps beside the source, dropped when any file that makes them has changed.

numba compares a kernel's own file only, and would go on using one that was compiled with another file's old function.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "ondr"
STAMP = PACKAGE / "__pycache__" / "kernels.stamp"


def drop_stale() -> None:
    """Deletes all compiled kernels if a file named numba is not what it was when they were last found fresh."""
    sources = sorted([*PACKAGE.rglob("*_numba.py"), *PACKAGE.rglob("numba.py")])
    stamp = hashlib.blake2b(b"".join(path.read_bytes() for path in sources)).hexdigest()
    if STAMP.exists() and STAMP.read_text() == stamp:
        return
    for kernel in PACKAGE.rglob("*.nb[ic]"):
        kernel.unlink(missing_ok=True)
    STAMP.parent.mkdir(exist_ok=True)
    STAMP.write_text(stamp)
