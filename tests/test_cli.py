"""The command line as a user meets it: what it prints, what it writes, and how it says what is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ondr
from ondr.cli import main
from ondr.cli.options import settings, without_torch_compile
from ondr.drawing.sheet import CAPTION_PIXELS, GAP_PIXELS

SMALL = ["-o", "image_size=[48, 64]", "-o", "batch_size=2", "-o", "device=cpu", "-o", "assets.progress=false"]
COMMANDS = ("preview", "bench", "export", "doctor", "config", "demo")


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    """Runs `ondr` with these words; returns exit code, stdout and stderr."""
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


def fails(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    """Runs what must fail with one line on stderr, and returns it."""
    code, out, err = run(capsys, *words)
    assert code == 2
    assert out == ""
    assert err.startswith("ondr: ")
    assert err.count("\n") == 1
    return err


def test_without_a_command_it_shows_help(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys)
    assert code == 0
    assert all(command in out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(capsys: pytest.CaptureFixture[str], command: str) -> None:
    code, out, _ = run(capsys, command, "--help")
    assert code == 0
    assert "-o KEY=VALUE" in out


def test_config_prints_what_loads_to_the_same_settings(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = run(capsys, "config", "-o", "camera.fov_degrees=[20, 30]", "-o", "seed=7")
    assert code == 0
    file = tmp_path / "printed.yaml"
    file.write_text(out)
    assert ondr.Config.load(file) == ondr.Config().with_overrides(["camera.fov_degrees=[20, 30]", "seed=7"])
    assert "# " in out


def test_config_reads_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "task.yaml"
    file.write_text("objects: {count: 3}\n")
    _, out, _ = run(capsys, "config", file, "-o", "seed=5")
    assert "seed: 5" in out
    assert "count: 3" in out


def test_an_unknown_key_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Did you mean 'camera.fov_degrees'?" in fails(capsys, "config", "-o", "camera.fov_degree=3")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["config", "-o", "seed"], "override must be key=value"),
        (["config", "nowhere.yaml"], "nowhere.yaml must be a readable YAML file"),
        (["config", "nosuchpreset"], "preset must be one of"),
        (["config", "--without", "lighting"], "--without must go with a preset, got the defaults"),
        (["config", "detection", "--without", "lighting"], "without must name parts of preset detection"),
        (["preview", "--nonsense"], "No such option: --nonsense"),
        (["prewiev"], "No such command 'prewiev'"),
        (["preview", "--id", "minus"], "Invalid value for '--id'"),
        (["preview", "--out", "no/such/folder/x.png"], "--out must be in a folder that exists"),
        (["preview", "--out", "x.nopicture"], "--out must end in .png or .jpg"),
        (["preview", "-o", "objects.meshes=no/such/meshes"], "no/such/meshes"),
        (["doctor", "-o", "device=cuda:99"], "device"),
        (["export", "--count", "2", "--out", "x"], "Missing option '--format'"),
        (["export", "--format", "voc", "--count", "2", "--out", "x"], "format must be one of coco, yolo, kitti"),
        (["export", "--format", "coco", "--count", "2", "--out", "tests"], "which holds"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(capsys: pytest.CaptureFixture[str], words: list[str], message: str) -> None:
    code, _, err = run(capsys, *words)
    assert code == 2
    assert message in err.splitlines()[-1]
    assert "Traceback" not in err


def test_interrupting_is_no_crash(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ondr.cli.config.settings", interrupted)
    code, _, err = run(capsys, "config")
    assert code == 130
    assert "Traceback" not in err


def test_an_error_of_our_own_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("ondr.cli.config.settings", broken)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        main(["config"])


def test_preview_shows_the_images_of_the_ids(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    code, text, _ = run(capsys, "preview", *SMALL, "--id", "123456", "--id", "5", "--plain", "--out", out)
    assert code == 0
    assert "2 images of 64x48" in text
    cfg = settings(None, [word for word in SMALL if word != "-o"])
    images = ondr.RandomizedScenes(without_torch_compile(cfg)).render([123456, 5]).images
    sheet = np.asarray(Image.open(out))
    # Images of 64 pixels are shown three times as large.
    assert sheet.shape == (48 * 3 + CAPTION_PIXELS + 2 * GAP_PIXELS, 2 * (64 * 3 + GAP_PIXELS) + GAP_PIXELS, 3)
    for i in range(2):
        left = GAP_PIXELS + i * (64 * 3 + GAP_PIXELS)
        shown = sheet[GAP_PIXELS : GAP_PIXELS + 48 * 3 : 3, left : left + 64 * 3 : 3]
        np.testing.assert_array_equal(shown, (images[i] * 255).round().permute(1, 2, 0).numpy().astype(np.uint8))


def test_preview_counts_on_from_an_id(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    _, text, _ = run(capsys, "preview", *SMALL, "--id", "9", "--count", "4", "--columns", "2", "--out", out)
    assert "4 images" in text
    assert Image.open(out).width == 2 * (64 * 3 + GAP_PIXELS) + GAP_PIXELS


@pytest.mark.parametrize(
    ("device", "setting", "expected"), [("cuda", "auto", False), ("cuda", "true", True), ("cpu", "auto", "auto")]
)
def test_commands_wait_for_torch_compile_only_if_told_to(
    monkeypatch: pytest.MonkeyPatch, device: str, setting: str, expected: bool | str
) -> None:
    monkeypatch.setattr("ondr.runtime.device.resolve", lambda _: torch.device(device))
    cfg = ondr.Config().with_overrides([f"render.compile={setting}"])
    assert without_torch_compile(cfg).render.compile == expected


def test_demo_writes_a_sheet_and_says_what_was_made(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "preview.png"
    code, text, _ = run(capsys, "demo", *SMALL, "--out", out)
    assert code == 0
    assert str(out) in text
    assert "24 images of 64x48" in text
    assert "images/s on cpu" in text
    assert Image.open(out).width == 6 * (64 * 3 + GAP_PIXELS) + GAP_PIXELS


def test_bench_prints_speed_stages_and_memory(capsys: pytest.CaptureFixture[str]) -> None:
    code, text, _ = run(capsys, "bench", *SMALL, "-o", "render.compile=false", "--seconds", "0.1")
    assert code == 0
    for part in ("images/s on cpu", "see ", "label ", "triangles per image", "MiB at most", "s to the first batch"):
        assert part in text


def test_export_writes_a_set_and_says_how_it_goes_on(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["--format", "yolo", "--count", "3", "--workers", "0", "--seed", "7", "--out", tmp_path / "set", *SMALL]
    code, text, _ = run(capsys, "export", *words)
    assert code == 0
    assert f"{tmp_path / 'set'}: 3 images of 64x48 as yolo, 3 rendered in" in text
    assert "seed 7: train on another seed" in text
    assert len(list((tmp_path / "set" / "images").iterdir())) == 3
    _, text, _ = run(capsys, "export", *words)
    assert "all were there" in text


def test_an_interrupted_export_says_what_to_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ondr.export.write", interrupted)
    code, _, err = run(capsys, "export", "--format", "coco", "--count", "3", "--out", tmp_path)
    assert code == 130
    assert err == "ondr: stopped; the same command goes on.\n"


def test_it_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "ondr", "config", "-o", "nonsense=1"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("ondr: nonsense must be a known setting")
