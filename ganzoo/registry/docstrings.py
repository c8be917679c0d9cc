"""First lines of docstrings, read from the source by ``ast``: importing a part would import torch."""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import inspect
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any


def first_line(reference: Callable[..., Any] | str) -> str:
    """The first line of the docstring of a callable or of ``"module:Name"``; empty if there is none."""
    if isinstance(reference, str):
        return _documented(*reference.split(":", 1))
    lines = (inspect.getdoc(reference) or "").strip().splitlines()
    return lines[0].strip() if lines else ""


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
