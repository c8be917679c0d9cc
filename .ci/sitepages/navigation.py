"""The navigation, made of the pages that are there: others may add pages to a folder without a list to be edited."""

from __future__ import annotations

from typing import Any

from ganzoo.registry.recipe import KINDS
from sitepages.parts import title

START = ("start/index.md", "start/install.md", "start/first-gan.md", "start/healthy-or-not.md")
GUIDE = (
    *("index", "recipes", "data", "training", "resume-and-fork", "guard", "budgets", "scores", "cards-and-hub"),
    *("processes-and-machines", "scale", "gpu", "glossary"),
)
LOOSE = (
    "more-than-noise.md",
    "steering.md",
    "inspect.md",
    "demo.md",
    "export.md",
)  # pages of the guide that lie beside it
ZOO = ("zoo/index.md", "zoo/models/index.md", "leaderboard.md", "study.md", "learning.md", "zoos.md")
REPRODUCE = ("reproduce/index.md", "reproduce/documents.md", "reproduce/studiogan.md", "studiogan.md")
PLUGINS = ("index", "contracts", "hooks", "testing", "publishing", "stability")
REFERENCE = ("index", "folder", "config", "metrics", "log", "settings", "environment", "speed-cpu", "speed")
DESIGN = ("index", "rooms", "determinism", "trust", "why-not")


def tree(pages: list[str]) -> list[Any]:
    """What mkdocs takes as ``nav``; every page has a place in it.

    Args:
        pages: their places under ``docs/``.
    """
    left = set(pages)

    def take(wanted: list[str] | tuple[str, ...]) -> list[Any]:
        found = [page for page in wanted if page in left]
        left.difference_update(found)
        return list(found)

    def folder(name: str, first: list[str] | tuple[str, ...] = ()) -> list[Any]:
        ordered = take([f"{name}/{one}.md" for one in first])
        return ordered + take(sorted(page for page in left if page.startswith(f"{name}/")))

    home = [{"Home": page} for page in take(["index.md"])]
    start = take(START) + folder("start")
    guide = folder("guide", GUIDE) + take(LOOSE)
    notebooks = folder("notebooks")
    models = take([page for page in sorted(pages) if page.startswith("zoo/models/") and page != "zoo/models/index.md"])
    parts: list[Any] = take(["zoo/parts/index.md"])
    for kind in KINDS:
        parts.append({title(kind): folder(f"zoo/parts/{kind}", ("index",))})
    zoo = take(ZOO)
    zoo += [{"Cards": models}, {"Parts": parts}]
    imports = take(["imports.md"]) + folder("imports")
    zoo += [*(imports if len(imports) < 2 else [{"Imports": imports}]), *folder("zoo")]
    python = [{"Python": folder("reference/python", ("index",))}]
    reference = folder("reference", REFERENCE)
    sections = {
        "Start": start,
        "Guide": guide + ([{"Notebooks": notebooks}] if notebooks else []),
        "Zoo": zoo,
        "Reproduce": take(REPRODUCE) + folder("reproduce"),
        "Plugins": folder("plugins", PLUGINS),
        "Reference": reference[:1] + take(["cli.md"]) + python + reference[1:],
        "Design": folder("design", DESIGN),
    }
    nav: list[Any] = [*home, *({name: inside} for name, inside in sections.items() if inside)]
    changes = take(["changelog.md"])
    return nav + ([{"More": sorted(left)}] if left else []) + [{"Changelog": page} for page in changes]
