"""The pages of the site that are made from the code when the site is built, so that they cannot go out of date.

Each module has one function ``pages()`` that gives pages by their place under ``docs/``: text, or the path of a file to
copy. ``.ci/site_hook.py`` hands them to mkdocs.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
Pages = dict[str, "str | Path"]


def generated() -> Pages:
    """Every page that is made from the code, and the pictures on it."""
    from sitepages import models, parts, python, reproduce, rooms, schemas, settings, texts

    found: Pages = {}
    for maker in (models, parts, python, reproduce, rooms, schemas, settings, texts):
        made = maker.pages()
        assert not found.keys() & made.keys(), f"two makers of {sorted(found.keys() & made.keys())}"
        found |= made
    return found
