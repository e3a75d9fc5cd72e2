"""Writing a set: interrupted and gone on with, by other numbers of workers, and what is refused."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ondr.batch import Batch
from ondr.config import Config
from ondr.errors import BackendError, ConfigError
from ondr.export import FORMATS, write
from ondr.export.folder import UNFINISHED, Folder
from ondr.export.formats.coco import Coco
from ondr.loop.dataset import RandomizedScenes
from tests.export.conftest import COUNT, tree

Sets = Callable[[str], Path]


def interrupt_after(monkeypatch: pytest.MonkeyPatch, writes: int) -> None:
    """Lets the process be stopped at its n-th file, half of which is on disk by then."""
    whole, done = Path.write_bytes, [0]

    def stopped(path: Path, content: bytes) -> int:
        done[0] += 1
        if done[0] > writes:
            whole(path, content[: len(content) // 2])
            raise KeyboardInterrupt
        return whole(path, content)

    monkeypatch.setattr(Path, "write_bytes", stopped)


@pytest.mark.parametrize("writes", [0, 1, 2, 3, 8, 21, 22, 23])
def test_an_interrupted_set_becomes_the_same(
    cfg: Config, sets: Sets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    interrupt_after(monkeypatch, writes)
    # A manifest, three files for each of seven images, data.yaml and the manifest again.
    with pytest.raises(KeyboardInterrupt):
        write(cfg, tmp_path, "yolo", COUNT, workers=0)
    monkeypatch.undo()
    done = write(cfg, tmp_path, "yolo", COUNT, workers=0)
    assert done.rendered <= COUNT
    assert tree(tmp_path) == tree(sets("yolo"))


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_gone_on_with(
    cfg: Config, sets: Sets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    interrupt_after(monkeypatch, 12)
    with pytest.raises(KeyboardInterrupt):
        write(cfg, tmp_path, name, COUNT, workers=0)
    monkeypatch.undo()
    write(cfg, tmp_path, name, COUNT, workers=0)
    assert tree(tmp_path) == tree(sets(name))


def test_workers_write_the_same_files(cfg: Config, sets: Sets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt_after(monkeypatch, 6)
    with pytest.raises(KeyboardInterrupt):
        write(cfg, tmp_path, "coco", COUNT, workers=0)
    monkeypatch.undo()
    done = write(cfg, tmp_path, "coco", COUNT, workers=3)
    assert 0 < done.rendered < COUNT
    assert tree(tmp_path) == tree(sets("coco"))


def test_nothing_is_left_of_the_work_and_the_state_of_torch(cfg: Config, sets: Sets, tmp_path: Path) -> None:
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    write(cfg, tmp_path, "yolo", 1, workers=0)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)
    assert {path.name for path in tmp_path.iterdir()} == {"images", "labels", "data.yaml", "manifest.json"}


def test_chunks_are_rendered_whole_and_by_one_thread(
    cfg: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both decide about the last bits of a float, which a set must not owe to the machine that goes on with it."""
    seen, render = [], RandomizedScenes.render

    def watched(scenes: RandomizedScenes, ids: range) -> Batch:
        seen.append((list(ids), torch.get_num_threads()))
        return render(scenes, ids)

    monkeypatch.setattr(RandomizedScenes, "render", watched)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        write(cfg, tmp_path, "yolo", 3, workers=0)
    finally:
        torch.set_num_threads(threads)
    assert seen == [([0, 1], 1), ([2, 3], 1)]


def test_a_whole_set_is_not_rendered_again(cfg: Config, sets: Sets) -> None:
    before = {path: path.stat().st_mtime_ns for path in sets("yolo").rglob("*")}
    done = write(cfg, sets("yolo"), "yolo", COUNT, workers=0)
    assert (done.images, done.rendered) == (COUNT, 0)
    assert {path: path.stat().st_mtime_ns for path in sets("yolo").rglob("*")} == before


def test_the_manifest_says_from_what_it_was_made(cfg: Config, sets: Sets) -> None:
    manifest = json.loads((sets("yolo") / "manifest.json").read_text())
    assert manifest["complete"] is True
    assert (manifest["format"], manifest["count"], manifest["seed"]) == ("yolo", COUNT, 10)
    assert manifest["versions"]["torch"] == torch.__version__
    assert set(manifest["assets"]["meshes"]) == {"cube/one.obj", "pyramid/one.obj"}
    assert Config(**manifest["config"]) == cfg.with_overrides([f"outputs={manifest['config']['outputs']}"])


def test_outputs_that_a_format_needs_are_added(cfg: Config, tmp_path: Path) -> None:
    write(cfg.with_overrides(["outputs=[depth]"]), tmp_path, "coco", 1, workers=0)
    outputs = json.loads((tmp_path / "manifest.json").read_text())["config"]["outputs"]
    assert outputs == ["depth", "boxes", "labels", "ignored", "instances"]


@pytest.mark.parametrize(
    ("overrides", "arguments", "said"),
    [
        (["seed=4"], {}, "differs: seed 10 there, 4 now. Give the same settings"),
        (["camera.fov_degrees=50"], {}, r"differs: camera.fov_degrees \[40.0, 70.0\] there, 50.0 now"),
        ([], {"count": 3}, f"differs: count {COUNT} there, 3 now"),
        ([], {"format": "coco"}, r"differs: format yolo there, coco now; outputs .*"),
        ([], {"image_format": "jpeg"}, "differs: image_format png there, jpeg now"),
        (["seed=4", "batch_size=1", "image_size=[32, 32]", "camera.fov_degrees=50"], {}, "; and 2 more"),
    ],
)
def test_other_settings_are_refused(
    cfg: Config, sets: Sets, overrides: list[str], arguments: dict[str, Any], said: str
) -> None:
    chosen = {"format": "yolo", "count": COUNT, "workers": 0} | arguments
    with pytest.raises(ConfigError, match=said):
        write(cfg.with_overrides(overrides), sets("yolo"), **chosen)


def test_a_mesh_that_was_changed_is_noticed(cfg: Config, tmp_path: Path) -> None:
    from tests.loop.tiny import tiny_config, write_meshes

    meshes = write_meshes(tmp_path / "meshes")
    own = tiny_config(meshes)
    write(own, tmp_path / "set", "yolo", 1, workers=0)
    file = meshes / "cube" / "one.obj"
    file.write_text(file.read_text().replace("v 1 1 1", "v 1 1 2"))
    with pytest.raises(ConfigError, match=r"differs: assets.packed \w+ there, \w+ now; assets.meshes.cube/one.obj"):
        write(own, tmp_path / "set", "yolo", 1, workers=0)


def test_a_folder_of_others_is_left_alone(cfg: Config, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ConfigError, match=r"must be a new or an empty folder, got .* which holds 'thesis.tex'"):
        write(cfg, tmp_path, "yolo", 1, workers=0)
    (tmp_path / "manifest.json").write_text('{"name": "an app"}')
    with pytest.raises(ConfigError, match=r"no set that ondr has begun"):
        write(cfg, tmp_path, "yolo", 1, workers=0)
    assert {path.name for path in tmp_path.iterdir()} == {"thesis.tex", "manifest.json"}


def test_a_full_disk_is_said_and_the_set_gone_on_with(
    cfg: Config, sets: Sets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, done = Path.write_bytes, [0]

    def full(path: Path, content: bytes) -> int:
        done[0] += 1
        if done[0] > 9:
            whole(path, content[:5])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return whole(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(
        ConfigError, match=r"^out must be a folder that can be written, got .*: No space left on device\."
    ):
        write(cfg, tmp_path, "yolo", COUNT, workers=0)
    assert not list(tmp_path.rglob("*.part"))
    monkeypatch.undo()
    write(cfg, tmp_path, "yolo", COUNT, workers=0)
    assert tree(tmp_path) == tree(sets("yolo"))


def test_a_folder_that_cannot_be_written_is_said(cfg: Config, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"must be a folder that can be written, got .*file/set: Not a directory"):
        write(cfg, tmp_path / "file" / "set", "yolo", 1, workers=0)


def test_what_goes_wrong_in_a_worker_is_said_in_one_line(
    cfg: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing(Coco):
        def sample(self, source: Any, image: Any) -> Any:
            raise ConfigError("this image must be another.")

    monkeypatch.setitem(FORMATS, "coco", Refusing())
    with pytest.raises(ConfigError, match=r"^this image must be another\.$"):
        write(cfg, tmp_path, "coco", COUNT, workers=2)


def test_a_worker_that_was_killed_is_said(cfg: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Deadly(Coco):
        def sample(self, source: Any, image: Any) -> Any:
            os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setitem(FORMATS, "coco", Deadly())
    with pytest.raises(BackendError, match="got one that was killed, as happens when memory runs out"):
        write(cfg, tmp_path, "coco", COUNT, workers=2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"format": "voc"}, "format must be one of coco, yolo, kitti, bop, ndds, got 'voc'"),
        ({"count": 0}, "count must be in 1..1000000, got 0"),
        ({"workers": -1}, "workers must be 0 or more, got -1"),
        ({"image_format": "webp"}, "image_format must be png or jpeg, got 'webp'"),
    ],
)
def test_wrong_arguments_are_refused(cfg: Config, tmp_path: Path, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        write(cfg, tmp_path, **{"format": "coco", "count": 1, **arguments})


@pytest.mark.parametrize(
    ("name", "override", "said"),
    [
        ("kitti", "augmentation.flip_horizontal=true", "cannot say that an image is mirrored"),
        ("bop", "camera.distortion.k1=0.1", "cannot say that an image is seen through a lens"),
        ("ndds", "augmentation.shear_degrees=[-5, 5]", "cannot say that an image is leaning"),
        ("bop", "objects.size=[0.1, 0.2]", "objects.size must be file and objects.stretch 1 for format bop"),
        ("bop", "objects.stretch.x=2", "objects.size must be file and objects.stretch 1 for format bop"),
    ],
)
def test_what_a_format_has_no_words_for_is_refused_before_rendering(
    cfg: Config, tmp_path: Path, name: str, override: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        write(cfg.with_overrides([override]), tmp_path / "set", name, 1, workers=0)
    assert not (tmp_path / "set").exists()
    advice = [word.rstrip(".,") for word in str(refused.value).split(" -o ")[1:]]
    settings = [word.split(",")[0].split(" ")[0] for word in advice]
    write(cfg.with_overrides([override, *settings]), tmp_path / "set", name, 1, workers=0)


def test_kitti_says_skew_and_ndds_that_it_cannot(cfg: Config, tmp_path: Path) -> None:
    write(cfg.with_overrides(["augmentation.shear_degrees=10"]), tmp_path / "set", "kitti", 1, workers=0)
    row = (tmp_path / "set" / "training" / "calib" / "000000.txt").read_text().split()
    assert abs(float(row[2])) > 1


def test_two_at_once_never_write_to_one_file(tmp_path: Path) -> None:
    first, second = Folder(tmp_path), Folder(tmp_path)
    assert first.open({"made_by": "ondr export"}) is False
    assert second.open({"made_by": "ondr export"}) is False
    first.write({"a/b": b"x"})
    second.write({"a/b": b"x"})
    assert tree(tmp_path).keys() == {"a/b", "manifest.json"}


@pytest.mark.slow
@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_process_leaves_a_set_that_is_gone_on_with(tmp_path: Path, signal_number: int) -> None:
    """The command itself with two workers, stopped from outside in the middle."""
    words = ["--format", "coco", "--count", "240", "-o", "image_size=[64,64]", "-o", "device=cpu", "--workers", "2"]
    command = [sys.executable, "-m", "ondr", "export", *words, "--out"]
    subprocess.run([*command, str(tmp_path / "whole")], check=True)
    process = subprocess.Popen(
        [*command, str(tmp_path / "broken")],
        start_new_session=True,
        stderr=subprocess.PIPE,
        # A shell's background jobs, and all that they start, ignore it otherwise.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    work = tmp_path / "broken" / UNFINISHED
    while process.poll() is None and len(list(work.glob("*.json"))) < 9:
        time.sleep(0.001)
    os.killpg(process.pid, signal_number)
    _, said = process.communicate()
    assert process.returncode == (-signal.SIGKILL if signal_number == signal.SIGKILL else 130)
    assert b"Traceback" not in said
    assert 9 <= len(list(work.glob("*.json"))) < 240
    subprocess.run([*command[:-3], "--workers", "1", "--out", str(tmp_path / "broken")], check=True)
    assert tree(tmp_path / "broken") == tree(tmp_path / "whole")
