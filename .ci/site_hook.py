"""What mkdocs calls while it builds the site: pages made from code, the navigation, links that leave ``docs/``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files
from sitepages import generated
from sitepages.blocks import flowing
from sitepages.links import inward, joined, unbroken, unescaped, without_roles
from sitepages.navigation import tree
from sitepages.tables import sized

MANY_HEADINGS = ("leaderboard.md",)
WIDE_TABLES = ("learning.md", "study.md", "zoos.md", "reference/speed-cpu.md")
BOOSTS = {"guide/": 3, "start/": 2, "leaderboard.md": 0.3, "changelog.md": 0.3, "studiogan.md": 0.3, "zoos.md": 0.3}
"""How much more a search counts pages that explain a word than those in which it only stands; by start of place."""


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made from the code, and lay out the navigation of all that is there."""
    for place, content in generated().items():
        if isinstance(content, Path):
            files.append(File.generated(config, place, abs_src_path=str(content)))
        else:
            files.append(File.generated(config, place, content=content))
    config.nav = tree([file.src_uri for file in files.documentation_pages()])
    return files


def on_page_markdown(markdown: str, page: Any, files: Files, **_: Any) -> str:
    """Lead links to files of the repository to their pages; beside many or wide tables stands no list of headings."""
    if page.file.src_uri in (*MANY_HEADINGS, *WIDE_TABLES):
        page.meta["hide"] = ["toc"]
    for start, boost in BOOSTS.items():
        if page.file.src_uri.startswith(start):
            page.meta["search"] = {"boost": boost}
    return inward(markdown, page.file.src_uri, {file.src_uri for file in files})


def on_page_content(html: str, **_: Any) -> str:
    """Take out what other readers of docstrings and cards need; keep short code on a line, and all of it legible."""
    return flowing(unbroken(sized(unescaped(without_roles(joined(html))))))
