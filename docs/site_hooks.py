"""What `make docs` does to the pages, which are written to be read in the repository as well.

The first page is the README. A file outside of docs/ that a page links to is copied into the site. The API's page names
what is documented in comments, which become the documentation itself.
"""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#]+)")
"""Where a link in Markdown leads, without what comes after `#`; not to another site, nor within the page."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages at the top level of the repository, and the files there that pages link to."""
    for page, source in {"index.md": "README.md", "contributing.md": "CONTRIBUTING.md"}.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=LINK.sub(_from_the_top, text)))
    linked = {path for page in files.documentation_pages() for path in LINK.findall(page.content_string)}
    for path in sorted(linked):
        source = (ROOT / "docs" / path).resolve()
        name = _in_the_site(path)
        if files.get_file_from_path(name) is None and source.is_file():
            files.append(File.generated(config, name, abs_src_path=str(source)))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Lets links find what `on_files` added, and comments become documentation."""
    linked = LINK.sub(lambda link: _in_the_site(link[0]), markdown)
    return re.sub(r"^<!-- (::: [\w.]+) -->$", r"\1", linked, flags=re.MULTILINE)


def _from_the_top(link: re.Match[str]) -> str:
    """Returns where a link of a page at the top level leads from a page in docs/."""
    path = link[0]
    return path.removeprefix("docs/") if path.startswith("docs/") else f"../{path}"


def _in_the_site(path: str) -> str:
    """Returns where a file lies in the site, from a page's link to it; all pages lie beside each other."""
    pages = {"../README.md": "index.md", "../CONTRIBUTING.md": "contributing.md"}
    return pages.get(path, path.removeprefix("../"))
