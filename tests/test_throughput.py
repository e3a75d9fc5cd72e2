"""The benchmark runs from the command line, and its cases and files are what they are said to be."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import ondr
from ondr.measure import measure

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
TINY = ["image_size=[32, 48]", "batch_size=2", "device=cpu", "render.compile=false", "assets.progress=false"]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCHMARKS / "throughput.py"), *words]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_measurement_is_plausible() -> None:
    # An epoch shorter than the measurement does not end it.
    found = measure(ondr.Config().with_overrides([*TINY, "batches_per_epoch=1"]), seconds=0.1)
    low, high = found.quartiles
    assert 0 < low <= found.images_per_second <= high
    assert found.device == "cpu"
    assert found.triangles_per_image > 12
    assert 50 < found.peak_memory_mib < 100_000
    assert found.first_batch_seconds > 0
    assert {"see", "label"} <= set(found.stage_milliseconds)
    assert min(found.stage_milliseconds.values()) > 0


def test_a_case_from_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    changes = [word for key in TINY for word in ("-o", key)]
    done = run("--case", "256x256", "--seconds", "0.1", "--json", str(file), *changes)
    assert done.returncode == 0, done.stderr
    assert "256x256" in done.stdout
    found = json.loads(file.read_text())
    assert {"device", "driver", "versions", "commit", "cores", "cases"} <= set(found)
    assert found["versions"]["torch"]
    (case,) = found["cases"]
    assert case["config"]["image_size"] == [32, 48]
    assert case["images_per_second"] > 0


def test_an_unknown_case_is_refused() -> None:
    done = run("--case", "nonsense")
    assert done.returncode == 2
    assert "--case must be one of" in done.stderr


@pytest.mark.parametrize("entry", yaml.safe_load((BENCHMARKS / "cases.yaml").read_text()), ids=lambda e: e["name"])
def test_every_case_has_valid_settings(entry: dict) -> None:
    base = ondr.Config() if entry["config"] is None else ondr.Config.load(BENCHMARKS / entry["config"])
    cfg = base.with_overrides(entry["overrides"])
    if "full" in entry["name"]:
        assert [cfg.groups[g].stop - cfg.groups[g].start for g in ("objects", "distractors")] == [10, 10]
        assert cfg.num_lights == 4
