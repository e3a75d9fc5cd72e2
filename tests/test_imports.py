"""Imports between the parts of the package run one way, as docs/design.md says."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "ondr"
IMPORTERS = {
    "fusion": {"fusion", "imaging"},
    "imaging": {"imaging", "render"},
    "labels": {"labels", "render", "drawing"},
    "render": {"__init__", "loop"},
    "loop": {"__init__", "cli", "export", "loop", "measure"},
    "cli": {"__main__", "cli"},
}
"""Who may import each part: the name of a package or module right below `ondr`."""


def imported(file: Path) -> set[str]:
    """Returns the parts that a file imports, wherever in it; relative imports stay within a part."""
    nodes = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom)]
    names = [f"{node.module}.{alias.name}" for node in nodes if node.module and not node.level for alias in node.names]
    return {name.split(".")[1] for name in names if name.startswith("ondr.")}


@pytest.mark.parametrize("part", IMPORTERS)
def test_only_what_lies_above_imports_a_part(part: str) -> None:
    files = {file: file.relative_to(PACKAGE).parts[0].removesuffix(".py") for file in PACKAGE.rglob("*.py")}
    found = {owner for file, owner in files.items() if part in imported(file)}
    assert found <= IMPORTERS[part]
    assert found, "a part that nobody imports is misspelt here"
