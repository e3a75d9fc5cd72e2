"""The page on export: its programs read the sets, its commands and its table are those of the code."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ondr.cli.export import export
from ondr.export import FORMATS

PAGE = (Path(__file__).parents[2] / "docs" / "export.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
# pycocotools 2.0 lacks an argument that numpy 2 passes on.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword")


@pytest.mark.parametrize(("name", "program"), list(zip(FORMATS, PROGRAMS, strict=True)))
def test_its_programs_read_the_sets(
    sets: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, program: str
) -> None:
    (tmp_path / "sets").symlink_to(sets(name).parent)
    monkeypatch.chdir(tmp_path)
    read: dict[str, object] = {}
    exec(program, read)
    found = {"coco": "masks", "yolo": "boxes", "kitti": "boxes_3d", "bop": "objects", "ndds": "corners"}[name]
    # The last image has two objects, and one that COCO alone lists: it is below the limits.
    assert len(read[found]) == (3 if name == "coco" else 2)


def test_its_table_and_commands_are_those_of_the_code() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE) == list(FORMATS)
    options = set(re.findall(r"--([\w-]+)", " ".join(re.findall(r"^ondr export.*$", PAGE, flags=re.MULTILINE))))
    assert {option.replace("-", "_") for option in options} <= set(export.__annotations__)
