"""All arms can be run, as far as settings go, and folders with fewer meshes hold what belongs to those."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.transfer import diets
from benchmarks.transfer.__main__ import TASKS
from benchmarks.transfer.setup import config_of
from benchmarks.transfer.study import HERE, diet_of, main, some_meshes, words_of

STUDIES: dict[str, Any] = yaml.safe_load((HERE / "studies.yaml").read_text())
ARMS = [(study, arm) for study, said in STUDIES.items() for arm in said["arms"]]
KEYS = {"config", "changes", "images", "instances", "diet"}


@pytest.mark.parametrize(("name", "arm"), ARMS)
def test_every_arm_has_settings_and_a_diet(tmp_path: Path, name: str, arm: str) -> None:
    study = STUDIES[name]
    said = study["arms"][arm] or {}
    assert set(said) <= KEYS
    options = Namespace(data=tmp_path, device="cpu", images=100)
    if "symmetries" in study.get("options", {}):
        for mesh in yaml.safe_load((HERE / study["options"]["symmetries"]).read_text()):
            (tmp_path / f"{mesh}.ply").touch()
    task = TASKS[study["task"]]
    cfg = config_of(task, words_of(study, said, options, tmp_path, seed=3))
    assert cfg.seed == 3
    # Classifiers learn without masks as well, which an arm asks for.
    assert set(task.outputs) - {"semantic"} <= set(cfg.outputs)
    assert callable(diet_of(said.get("diet", "stream")))


@pytest.mark.parametrize(("name", "arm"), [("household", "none"), ("fruit", "none")])
def test_without_randomization_nothing_but_poses_varies(tmp_path: Path, name: str, arm: str) -> None:
    study, options = STUDIES[name], Namespace(data=tmp_path, device="cpu", images=100)
    cfg = config_of(TASKS[study["task"]], words_of(study, study["arms"][arm], options, tmp_path, seed=0))
    named = ("photometric.", "background.color.", "objects.stretch.", "objects.material.own_", "distractors.count")
    named += ("lights.count", "lights.intensity", "lights.ambient", "lights.elevation_degrees", "lights.sky.strength")
    laws = {key: law for key, (law, _) in cfg.quantities().items() if key.startswith(named)}
    laws.pop("photometric.motion_blur_angle_degrees")  # of a blur that is off
    varying = [key for key, law in laws.items() if law.support[0] != law.support[1]]
    assert not varying
    assert len(laws) > 20


def test_some_meshes_come_with_their_materials(tmp_path: Path) -> None:
    for name in ("car/a.obj", "car/a.mtl", "car/b.obj", "car/b.mtl", "lamp/c.ply"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    with some_meshes(tmp_path, 1) as folder:
        found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        assert found == {"car/a.obj", "car/a.mtl", "car/b.mtl", "lamp/c.ply"}
        assert (folder / "car/a.obj").read_text() == "car/a.obj"
    with some_meshes(tmp_path, None) as folder:
        assert folder == tmp_path


def test_a_diet_takes_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diets, "frozen", lambda setup, images: [setup, images])
    assert diet_of({"frozen": 7})("setup") == ["setup", 7]  # type: ignore[arg-type]
    assert diet_of("stream") is diets.stream


def test_mistakes_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit):
        main(["fruit", "--arm", "ful", "--data", str(tmp_path), "--json", str(tmp_path / "a.json")])
    assert "--arm must be one of full, none," in capsys.readouterr().err
    monkeypatch.delenv("ONDR_TEST_DATA", raising=False)
    with pytest.raises(SystemExit):
        main(["fruit", "--json", str(tmp_path / "a.json")])
    assert "--data must name the folder of the data sets, got nothing" in capsys.readouterr().err
