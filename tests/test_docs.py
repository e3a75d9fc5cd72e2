"""Documentation matches code: the README runs, documented arguments exist, presets load, importing is light.

The pages themselves are left to `test_site`.
"""

from __future__ import annotations

import ast
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ondr
from ondr.config import Config
from ondr.presets import read_preset
from ondr.settings import Output

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_the_readmes_program_runs() -> None:
    (program,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("torch.Size([8, 3, 128, 128])") == 2


def test_the_readmes_make_targets_exist() -> None:
    targets = set(re.findall(r"^(\w[\w-]*):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"make ([\w-]+)", README)) - {"a"} <= targets


def documented_functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    for path in sorted((ROOT / "ondr").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and ast.get_docstring(node):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node


def documented_arguments(node: ast.FunctionDef) -> list[str]:
    section = re.search(r"Args:\n((?:[ ]{4,}.*\n|\n)+)", (ast.get_docstring(node) or "") + "\n")
    return re.findall(r"^ {4}\*{0,2}(\w+):", section.group(1), flags=re.MULTILINE) if section else []


def own_arguments(node: ast.FunctionDef) -> list[str]:
    given = node.args
    names = [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return names + [a.arg for a in (given.vararg, given.kwarg) if a]


def test_documented_arguments_are_the_functions_own() -> None:
    wrong = []
    for place, node in documented_functions():
        documented = documented_arguments(node)
        if documented != [name for name in own_arguments(node) if name in documented]:
            wrong.append((place, documented))
    assert not wrong


@pytest.mark.parametrize("path", sorted((ROOT / "ondr" / "presets").glob("*.yaml")), ids=lambda path: path.stem)
def test_presets_load(path: Path) -> None:
    settings, _ = read_preset(path.stem)
    assert ondr.preset(path.stem) == Config(**settings)


def test_the_table_of_quantities_is_up_to_date() -> None:
    script = runpy.run_path(str(ROOT / "docs" / "make_randomization.py"))
    written = script["FILE"].read_text(encoding="utf-8")
    assert written == script["text"](), "run `python docs/make_randomization.py`"


def test_every_output_is_explained_and_every_picture_is_there() -> None:
    text = (ROOT / "docs" / "labels.md").read_text()
    rows = "\n".join(line.split("|")[1] for line in text.splitlines() if line.startswith("| `"))
    assert set(re.findall(r"`(\w+)`", rows)) == set(Output.__args__)  # type: ignore[attr-defined]
    shown, there = re.findall(r"!\[\]\(([^)]+)\)", text), sorted((ROOT / "docs" / "labels").iterdir())
    assert sorted(ROOT / "docs" / name for name in shown) == there
    # So that a clone stays small.
    assert sum(path.stat().st_size for path in there) < 300 * 1024


def test_the_public_names() -> None:
    assert {n for n in vars(ondr) if not n.startswith("_") and type(getattr(ondr, n)).__name__ != "module"} == {
        "Batch",
        "Config",
        "RandomizedScenes",
        "Scene",
        "Targets",
        "draw",
        "load_assets",
        "loader",
        "mix",
        "preset",
        "render",
        "sample_scene",
    }


def test_importing_ondr_is_light() -> None:
    heavy = "numba nvdiffrast kornia trimesh scipy PIL typer"
    program = f"import ondr, sys; print([m for m in '{heavy}'.split() if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
