"""The comparisons with others run from the command line and write what they found."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
TINY = ["-o", "image_size=[32, 48]", "-o", "batch_size=4", "-o", "render.compile=false", "-o", "assets.progress=false"]


def run(file: str, *words: str) -> str:
    command = [sys.executable, str(BENCHMARKS / file), "--device", "cpu", *words, *TINY]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_a_training_step_is_fed(tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    assert "R / (R + T) = 0." in run("training_step.py", "--small", "--batches", "2", "--json", str(file))
    found = json.loads(file.read_text())
    assert set(found["images_per_second"]) == {"trainer", "stream", "both"}
    assert 0 < found["measured"] < 1


@pytest.mark.slow
def test_a_folder_of_jpegs_is_read(tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    printed = run("peers/against_jpeg_folder.py", "--images", "8", "--workers", "0", "--json", str(file))
    assert "folder_with_effects" in printed
    found = json.loads(file.read_text())["images_per_second"]
    assert all(rate > 0 for rates in found.values() for rate in rates)
