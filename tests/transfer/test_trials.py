"""A quick trial of each task from the command line, on photos that were rendered in another way."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ondr
from benchmarks.transfer import diets
from benchmarks.transfer.__main__ import TASKS, main, read_options
from benchmarks.transfer.halves import half_of
from benchmarks.transfer.setup import Setup
from benchmarks.transfer.study import diet_of
from benchmarks.transfer.trial import run

CLASSES = ("banana", "mug")
QUICK = ["-o", "render.compile=false", "-o", "assets.progress=false", "-o", "objects.instance=first", "--device", "cpu"]
EASY = ["-o", "objects.material.source=own", "-o", "objects.count=1", "-o", "distractors.count=0"]
ANYHOW = ("objects.rotation=so3", "objects.tilt_degrees=0", "objects.stretch={x: 1, y: 1, z: 1}", "photometric={}")
PLAIN = [word for change in ANYHOW for word in ("-o", change)]
"""As things lie and look in `photographed`."""


def photographed(folder: Path, count: int) -> tuple[Path, Path]:
    """Writes single things before photos and their labels, as a COCO json and as a csv."""
    cfg = ondr.Config(
        seed=77, image_size=(96, 128), batch_size=count, classes=CLASSES, outputs=["boxes", "labels", "image_class"],
        objects={"count": 1, "screen_size": [0.5, 0.8], "material": {"source": "own"}, "instance": "first"},
        distractors={"count": 0}, lights={"count": 2}, render={"compile": False}, assets={"progress": False},
    )  # fmt: skip
    batch = ondr.RandomizedScenes(cfg).render(range(count))
    folder.mkdir()
    for number, image in enumerate(batch.images):
        pixels = (image * 255).round().byte().permute(1, 2, 0).numpy()
        Image.fromarray(np.ascontiguousarray(pixels)).save(folder / f"{number}.png")
    coco = batch.to_coco(CLASSES)
    for image in coco["images"]:
        image["file_name"] = f"{image['id']}.png"
    (folder / "labels.json").write_text(json.dumps(coco))
    names = [CLASSES[label] for label in batch.targets.image_class.tolist()]
    (folder / "labels.csv").write_text("".join(f"{k}.png,{name}\n" for k, name in enumerate(names)))
    return folder / "labels.json", folder / "labels.csv"


def read(printed: str, figure: str) -> float:
    """Returns the figure in the last line."""
    last = printed.strip().splitlines()[-1]
    found = re.fullmatch(rf"{figure} (\S+)", last)
    assert found, last
    return float(found[1])


@pytest.mark.slow
def test_a_classifier_learns_what_photos_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, labels = photographed(tmp_path / "photos", 60)
    files = ["--photos", str(tmp_path / "photos"), "--labels", str(labels), "--json", str(tmp_path / "a.json")]
    size = ["--images", "4800", "--size", "64"]
    main(["classify", *files, "--picture", str(tmp_path / "a.png"), *size, *QUICK, *EASY, *PLAIN])
    # Half of the guesses are right by chance, with a standard deviation of 0.065 over 60 photos.
    assert read(capsys.readouterr().out, "balanced_accuracy") > 0.7
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["losses"][1] < found["losses"][0]
    assert found["classes"] == list(CLASSES)
    assert found["images"] == 4800
    assert found["parameters"] < 2_000_000
    assert found["scores"][0]["low"] <= found["scores"][0]["value"] <= found["scores"][0]["high"]
    assert Image.open(tmp_path / "a.png").width > 64


@pytest.mark.slow
def test_a_detector_learns_what_photos_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels, _ = photographed(tmp_path / "photos", 60)
    files = ["--photos", str(tmp_path / "photos"), "--labels", str(labels), "--json", str(tmp_path / "a.json")]
    main(["detect", *files, "--picture", str(tmp_path / "a.png"), "--images", "4000", "--size", "64", *QUICK, *EASY])
    # Boxes by chance have a precision near nothing.
    assert read(capsys.readouterr().out, "AP50") > 0.2
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["losses"][1] < found["losses"][0]
    assert found["parameters"] < 2_000_000


@pytest.mark.slow
@pytest.mark.parametrize("diet", ["frozen", "photos_alone", "mixed", "fine_tuned"])
def test_all_diets_look_at_all_photos(tmp_path: Path, diet: str) -> None:
    _, labels = photographed(tmp_path / "photos", 12)
    words = [
        "classify",
        "--photos",
        str(tmp_path / "photos"),
        "--labels",
        str(labels),
        "--images",
        "64",
        "--size",
        "32",
    ]
    options = read_options([*words, *QUICK, *EASY, "-o", "batch_size=16"])
    setup = Setup.read(TASKS["classify"], options)
    said = {"frozen": {"frozen": 32}, "fine_tuned": {"fine_tuned": 4}}.get(diet, diet)
    found, seen = run(setup, diet_of(said), ["all"])  # type: ignore[arg-type]
    assert len(seen) == found.scores[0].photos == 12
    assert found.networks == {"frozen": 1, "fine_tuned": 1 + diets.FOLDS}.get(diet, diets.FOLDS)
    assert found.images == 64


def test_mistakes_end_in_one_sentence(tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("a.png,spaceship\n")
    words = ["classify", "--photos", str(tmp_path), "--labels", str(labels), "--images", "32", "--size", "32", *QUICK]
    with pytest.raises(SystemExit, match=r"labels must name a class of the meshes, .*, got \['spaceship'\]. Rename"):
        main(words)
    with pytest.raises(SystemExit, match=r"objects\.count must be"):
        main([*words, "-o", "objects.count=many"])
    labels.write_text("a.png,mug\n")
    with pytest.raises(SystemExit, match=r"a\.png must be a photo, got .*No such file.*\. Mend it, or leave it out"):
        main(words)
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    half = "dev" if half_of(Path("a.png")) == "test" else "test"
    with pytest.raises(SystemExit, match=f"--half must hold photos, got {half} of 1, which is empty"):
        main([*words, "--half", half])
