"""The pages of the documentation: what they show runs, their links lead somewhere, `make docs` makes a site of them."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import typer

import ondr
from ondr.cli import app
from ondr.cli.options import settings
from ondr.settings.reading import parse_yaml

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TASKS = ["quickstart", "detection", "classification", "pose"]
"""Pages whose programs run as they stand."""


def blocks(text: str, language: str) -> list[str]:
    """Returns the code of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def commands(text: str) -> list[list[str]]:
    """Returns the words of each line that begins with `ondr`."""
    lines = "".join(blocks(text, "sh")).replace("\\\n", " ").splitlines()
    found = [shlex.split(line, comments=True) for line in lines if line.startswith("ondr ")]
    return [words[: words.index(">")] if ">" in words else words for words in found]


def check(words: list[str], task: str) -> None:
    """Reads a command line as `ondr` does, up to the settings that it asks for."""
    command = typer.main.get_command(app).commands[words[1]]  # type: ignore[attr-defined]
    given = command.make_context(words[1], words[2:]).params
    source = given.get("source")
    if source and source.endswith(".yaml"):
        ondr.Config(**parse_yaml(task, source)).with_overrides(given.get("overrides") or [])
    else:
        settings(source, given.get("overrides"), given.get("without"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_are_accepted(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for words in commands(text):
        check(words, "".join(blocks(text, "yaml")[:1]))


def test_a_command_that_is_not_accepted_is_found() -> None:
    with pytest.raises(ondr.errors.ConfigError, match="without must name parts"):
        check(["ondr", "preview", "tremblay2018", "--without", "textures"], "")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\((?!\w+:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert not [link for link in links if not (page.parent / link).exists()]


@pytest.mark.parametrize("name", TASKS)
def test_configs_load(name: str) -> None:
    found = blocks((ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8"), "yaml")
    assert found
    for text in found:
        ondr.Config(**parse_yaml(text, name))


def test_the_api_names_all_that_is_public() -> None:
    documented = re.findall(r"^<!-- ::: (.+) -->$", (ROOT / "docs" / "api.md").read_text(), flags=re.MULTILINE)
    init = (ROOT / "ondr" / "__init__.py").read_text()
    assert {f"ondr.{name}" for name in re.findall(r" as (\w+)$", init, flags=re.MULTILINE)} <= set(documented)


@pytest.mark.slow
@pytest.mark.parametrize("name", TASKS)
def test_programs_run(name: str, tmp_path: Path) -> None:
    text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    (config,) = blocks(text, "yaml")
    (tmp_path / config.split()[1]).write_text(config)
    for program in blocks(text, "python"):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True)
        assert ran.returncode == 0, ran.stderr.decode()


class Addresses(HTMLParser):
    """Where the links and pictures of a page lead, and the places in it that links can lead to."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.leads: list[str] = []
        self.places: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, _: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes what an element refers to and what it is called."""
        named = {key: value for key, value in attrs if value}
        self.leads += [named[key] for key in ("href", "src") if key in named]
        self.places |= {named["id"]} if "id" in named else set()


@pytest.mark.slow
@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("mkdocs", "material", "mkdocstrings_handlers"))),
    reason='mkdocs, mkdocs-material or mkdocstrings-python is not installed; pip install ".[docs]" brings them',
)
def test_the_site_is_built_without_warnings_and_whole(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    made = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    pages = {page: Addresses(page) for page in tmp_path.rglob("*.html") if page.name != "404.html"}
    assert len(pages) >= len(PAGES)
    dead = []
    for page, addresses in pages.items():
        for lead in map(urlsplit, addresses.leads):
            if lead.scheme or lead.netloc:
                continue
            target = (page.parent / unquote(lead.path)).resolve() if lead.path else page
            target = target / "index.html" if target.is_dir() else target
            place = unquote(lead.fragment)
            if not target.is_file() or (target in pages and place and place not in pages[target].places):
                dead.append((page.parent.name, lead.geturl()))
    assert not dead
    api = pages[tmp_path / "api" / "index.html"].places
    assert {"ondr.Batch.draw", "ondr.Targets.boxes", "ondr.mix", "ondr.views.to_yolo"} <= api
