"""The Python reference: a page for each public module, and on it each public name, by mkdocstrings."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import Any

from sitepages.markdown import paragraphs, table, text

HOME = "reference/python"
MODULES = {
    "ganzoo": "What programs use: build, train, load, sample, score and share; games, errors and hooks.",
    "ganzoo.parts": "Base classes for the authors of parts, and what a part is handed in an update.",
    "ganzoo.layers": "Layers that architectures are made of.",
    "ganzoo.data": "Data sets, and the data loader.",
    "ganzoo.metrics": "Metrics, feature extractors and evaluation.",
    "ganzoo.foreign": "For the authors of converters of other projects' weights.",
    "ganzoo.testing": "The checks that every part passes.",
    "ganzoo.cli.kit": "For the authors of commands.",
}
PLACED = re.compile(r" at 0x[0-9a-f]+")  # where something lies in this process
OPTIONS = "\n".join(
    f"      {line}" for line in ("heading: {shown}", "toc_label: {name}", "show_root_heading: true", "heading_level: 2")
)


def pages() -> dict[str, str | Path]:
    """One page a module, and an index of them; what several modules have is on the page of the first."""
    rows = [(f"[`{name}`]({name}.md)", what) for name, what in MODULES.items()]
    about = "All that is public is here, and the [changelog](../../changelog.md) names its changes; all else may move."
    found: dict[str, str | Path] = {
        f"{HOME}/index.md": f"# Python\n\n{about}\n\n{table(('module', 'content'), rows)}\n"
    }
    homes: dict[str, str] = {}
    for name in MODULES:
        found[f"{HOME}/{name}.md"] = _module(name, homes)
    return found


def _module(name: str, homes: dict[str, str]) -> str:
    """The page of a module; ``homes`` knows the page of each object that has been shown, and learns of others."""
    module = import_module(name)
    entries, values, others = [], [], []
    for one in sorted(module.__all__, key=lambda public: (public[0].isupper(), public.lower())):
        made = getattr(module, one)
        if not _has_page(made):
            values.append((f"`{one}`", _value(made)))
        elif (target := _target(made)) in homes:
            others.append((f"`{one}`", f"[`{homes[target]}.{made.__name__}`]({homes[target]}.md#{target})"))
        else:
            homes[target] = name
            entries.append(f"::: {target}\n    options:\n{OPTIONS.format(shown=f'{name}.{one}', name=one)}")
    about = paragraphs(inspect.cleandoc(module.__doc__ or ""))
    tables = {"Values and types": (("name", "value"), values), "Also here": (("name", "the same as"), others)}
    more = [f"## {title}\n\n{table(head, rows)}" for title, (head, rows) in tables.items() if rows]
    return "\n\n".join([f"# {name}", about, *entries, *more]) + "\n"


def _has_page(made: Any) -> bool:
    return (inspect.isclass(made) or inspect.isfunction(made)) and made.__module__.startswith("ganzoo")


def _target(made: Any) -> str:
    return f"{made.__module__}.{made.__qualname__}"


def _value(made: Any) -> str:
    """What is said of a name without a page: the first line of a docstring, or its value where all machines show the same."""
    told: Any = made if inspect.isroutine(made) or inspect.isclass(made) or inspect.ismodule(made) else None
    if told is None and PLACED.search(repr(made)):
        told = type(made)
    doc = (inspect.getdoc(told) or "").partition("\n")[0] if told is not None else ""
    shown = f"`{made!r}`" if told is None and len(repr(made)) < 100 else f"a `{type(made).__name__}`"
    return text(doc) if doc else shown
