"""For mkdocstrings, which reads source: docstrings as its pages need them.

A section ``Example:`` is shown as code, as ``Examples:`` is. Where a docstring has its arguments written at import,
since the fields of a class are they, the page has them, too.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

import griffe

from ganzoo.registry.entry import resolve
from ganzoo.training.config import PLACE_OF_ARGUMENTS

HEADING = re.compile(r"^( *)Example:$", re.MULTILINE)


class Docstrings(griffe.Extension):
    """Changes docstrings before they are parsed."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called by griffe for each module, class, function and attribute."""
        if obj.docstring is None:
            return
        if PLACE_OF_ARGUMENTS in obj.docstring.value and obj.is_function:
            obj.docstring.value = inspect.getdoc(resolve(f"{obj.module.path}:{obj.name}")) or ""
        obj.docstring.value = HEADING.sub(r"\1Examples:", obj.docstring.value)
