"""The benchmarks of cost and of memory run from the command line, and their meshes are what they are said to be."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import trimesh
import yaml

import ondr

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
from curves import Curve, many_balls, one_ball  # noqa: E402
from memory import found  # noqa: E402

CURVES = [Curve(**entry) for entry in yaml.safe_load((BENCHMARKS / "curves.yaml").read_text())["curves"]]
TINY = [word for key in ("image_size=[32, 48]", "batch_size=2") for word in ("-o", key)]


def run(file: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(BENCHMARKS / file), *words], capture_output=True, text=True)


@pytest.mark.parametrize("triangles", [320, 1280])
def test_a_ball_has_the_triangles_that_were_asked_for(tmp_path: Path, triangles: int) -> None:
    (file,) = one_ball(triangles, tmp_path).rglob("*.ply")
    assert len(trimesh.load(file).faces) == triangles


def test_no_two_balls_of_a_bank_are_the_same(tmp_path: Path) -> None:
    files = sorted(many_balls(3, tmp_path).rglob("*.ply"))
    assert len({file.read_bytes() for file in files}) == 3


@pytest.mark.parametrize("curve", CURVES, ids=lambda c: c.key)
def test_every_curve_has_valid_settings(curve: Curve, tmp_path: Path) -> None:
    cfg = curve.config(curve.values[0], [], tmp_path)
    assert isinstance(cfg, ondr.Config)
    assert curve.values == sorted(curve.values)


def test_a_slope_is_that_of_the_memory_after_warming_up() -> None:
    """A process that grows to 500 MiB first, and then by 2 MiB in each thousand batches."""
    at = list(range(50, 10_001, 50))
    used = [500 * number / 1000 if number <= 1000 else 500 + (number - 1000) * 0.002 for number in at]
    figures = found(at, used)
    assert figures["from_batch"] == 1050
    assert figures["slope_mib_per_1000_batches"] == pytest.approx(2)
    assert figures["growth_mib"] == pytest.approx(2 * 8.95)
    assert figures["peak_mib"] == pytest.approx(518)


@pytest.mark.slow
def test_curves_from_the_command_line(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="it draws the plot: pip install 'ondr[docs]'")
    file, picture = tmp_path / "found.json", tmp_path / "docs" / "curves.png"
    words = ["--json", str(file), "--plot", str(picture), "--seconds", "0.1", "--largest", "2", *TINY]
    for name in ("meshes in the bank", "DataLoader workers"):
        done = run("curves.py", "--curve", name, *words)
        assert done.returncode == 0, done.stderr
    curves = json.loads(file.read_text())
    assert set(curves) == {"meshes in the bank", "DataLoader workers"}, "what was measured before stays"
    assert [p["x"] for p in curves["DataLoader workers"]["points"]] == [0, 1, 2]
    assert all(p["images_per_second"] > 0 for curve in curves.values() for p in curve["points"])
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_an_unknown_curve_is_refused() -> None:
    done = run("curves.py", "--curve", "nonsense")
    assert done.returncode == 2
    assert "--curve must be one of" in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_memory_from_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    done = run("memory.py", "--batches", "40", "--json", str(file), *TINY)
    assert done.returncode == 0, done.stderr
    figures = json.loads(file.read_text())
    assert figures["batches"] == 40
    assert 50 < figures["peak_mib"] < 100_000
