"""What docstrings say: first lines, by ``ast``, as importing a part would import torch; and what arguments mean."""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import inspect
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

HEADINGS = ("Args:", "Attributes:", "Raises:")
DEEPER = " " * 8  # how far what goes on about an argument is indented, and its name is not


def first_line(reference: Callable[..., Any] | str) -> str:
    """The first line of the docstring of a callable or of ``"module:Name"``; empty if there is none."""
    if isinstance(reference, str):
        return _documented(*reference.split(":", 1))
    lines = (inspect.getdoc(reference) or "").strip().splitlines()
    return lines[0].strip() if lines else ""


def arguments(text: str) -> dict[str, str]:
    """What the section ``Args:`` of a docstring, as :func:`inspect.cleandoc` gives it, says of each argument.

    Args:
        text: the docstring; ``a, b: ...`` is said of both.
    """
    found: dict[str, str] = {}
    names: list[str] = []
    for line in _sections(text).get("Args:", []):
        given, colon, meaning = line.partition(": ")
        named = given.strip().split(", ")
        if colon and not line.startswith(DEEPER) and all(map(str.isidentifier, named)):
            names = named
            found |= dict.fromkeys(names, meaning)
        elif line.strip():
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
    return found


def prose(text: str) -> str:
    """A docstring, as :func:`inspect.cleandoc` gives it, without its sections of arguments, attributes and errors."""
    return "\n".join(_sections(text)[""]).strip()


def _sections(text: str) -> dict[str, list[str]]:
    """The lines of a docstring by the heading that they are indented under; all others under an empty one."""
    found: dict[str, list[str]] = {"": []}
    heading = ""
    for line in text.split("\n"):
        if line in HEADINGS:
            heading = line
        elif line and not line.startswith(" "):
            heading = ""
        if line not in HEADINGS:
            found.setdefault(heading, []).append(line)
    return found


def source_file(module: str) -> Path | None:
    """The file of a module, found without importing it or its parents; None if it has none.

    ``importlib.util.find_spec("a.b")`` imports ``a``; hence the search from the top, level by level.
    """
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
        name = top
        for child in rest:
            if spec is None or spec.submodule_search_locations is None:
                return None
            name = f"{name}.{child}"
            spec = importlib.machinery.PathFinder.find_spec(name, list(spec.submodule_search_locations))
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None or spec.origin is None or not Path(spec.origin).is_file():
        return None
    return Path(spec.origin)


def _documented(module: str, qualname: str) -> str:
    return _first_lines(module).get(qualname, "")


@cache
def _first_lines(module: str) -> dict[str, str]:
    """First docstring lines of the classes and functions at the top of a module."""
    path = source_file(module)
    if path is None or path.suffix != ".py":
        return {}
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return {}
    documented = [node for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))]
    return {node.name: (ast.get_docstring(node) or "").strip().partition("\n")[0].strip() for node in documented}
