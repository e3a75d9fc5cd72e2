"""Runs examples as people do: as programs, alone or as several processes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
QUICK = ("--device", "cpu", "-o", "render.compile=false", "-o", "objects.instance=first")
"""Without a second for compiling in each process, and with few meshes to learn."""
LOSSES = re.compile(r"loss (\S+) -> (\S+)")


def run(program: Sequence[str | Path], seconds: float = 170, **environment: str) -> str:
    """Runs a program with Python and returns what it printed.

    Raises:
        AssertionError: It failed; with the end of what it said.
    """
    python_path = os.pathsep.join([str(ROOT), str(EXAMPLES)])
    ended = subprocess.run(
        [sys.executable, *map(str, program)],
        env={**os.environ, "PYTHONPATH": python_path, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    assert ended.returncode == 0, (ended.stdout + ended.stderr)[-4000:]
    return ended.stdout


def run_ranks(program: Sequence[str | Path], count: int = 2) -> str:
    """Runs a program as several processes under torchrun, one thread each."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
    return run([*torchrun, *program], OMP_NUM_THREADS="1", TORCH_CPP_LOG_LEVEL="ERROR")


def losses(printed: str) -> tuple[float, float]:
    """Returns the mean loss of the first and of the last steps that a program has printed."""
    (found,) = LOSSES.findall(printed)
    return float(found[0]), float(found[1])
