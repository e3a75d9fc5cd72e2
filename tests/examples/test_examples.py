"""Every example runs for some steps on the CPU, and its loss falls."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.examples.run import EXAMPLES, QUICK, losses, run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "steps", "options"),
    [
        ("train_detector", 60, ("-o", "classes=[mug,banana]")),
        ("train_classifier", 100, ("-o", "classes=[mug,banana]")),
        ("estimate_pose", 60, ()),
        ("finetune_mixed", 60, ("-o", "classes=[mug,banana]")),
        ("train_huggingface", 60, ("-o", "classes=[mug,banana]")),
        ("train_lightning", 60, ("-o", "classes=[mug,banana]")),
    ],
)
def test_the_loss_falls(tmp_path: Path, name: str, steps: int, options: tuple[str, ...]) -> None:
    for module in {"train_huggingface": ["transformers", "accelerate"], "train_lightning": ["lightning"]}.get(name, []):
        pytest.importorskip(module)
    out = {"train_detector": "p.png", "finetune_mixed": "p.png", "train_lightning": "lightning"}.get(name)
    written = ("--out", tmp_path / out) if out else ()
    budget = ("--steps", str(steps), "--minutes", "5", "-o", "batch_size=16")
    first, last = losses(run([EXAMPLES / f"{name}.py", *QUICK, *budget, "--size", "64", *options, *written]))
    # Means of a tenth of the steps, some hundred images each: the same network without training differs by a few
    # percent between two such means, a falling loss by a fifth or more.
    assert last < 0.93 * first


def test_photos_are_scored_and_drawn(tmp_path: Path) -> None:
    # One red photo, wider than high, with a box of a known class and one of a class that nobody has asked for.
    Image.new("RGB", (80, 40), (200, 20, 20)).save(tmp_path / "red.png")
    labels = {
        "images": [{"id": 7, "file_name": "red.png", "width": 80, "height": 40}],
        "categories": [{"id": 3, "name": "mug"}, {"id": 4, "name": "cat"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 3, "bbox": [10, 10, 20, 20]},
            {"id": 2, "image_id": 7, "category_id": 4, "bbox": [0, 0, 5, 5]},
        ],
    }
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    photos = ("--photos", tmp_path, "--labels", tmp_path / "labels.json", "--out", tmp_path / "p.png")
    small = ("--steps", "2", "-o", "batch_size=4", "--size", "64", "-o", "classes=[mug,banana]")
    printed = run([EXAMPLES / "train_detector.py", *QUICK, *small, *photos])
    assert "AP50 photos" in printed
    assert Image.open(tmp_path / "p.png").width > 64


def test_torchvisions_detector_trains_or_says_what_is_missing(tmp_path: Path) -> None:
    small = ("--steps", "20", "-o", "batch_size=4", "--size", "64", "-o", "classes=[mug,banana]")
    program = [EXAMPLES / "train_torchvision.py", *QUICK, *small]
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError):
        with pytest.raises(AssertionError, match="torchvision must be importable, got .* Install the one that"):
            run(program)
        pytest.skip("torchvision cannot be imported")
    first, last = losses(run(program))
    assert last < first
