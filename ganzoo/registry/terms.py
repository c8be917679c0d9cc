"""Names that the field has for parts, settings, options and commands, and what they are called here.

The table is ``terms.json``: by the place where a name is typed, what is meant, and the names for it, folded (lower
case, letters and digits alone).
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources


def fold(name: str) -> str:
    """A name without what spellings differ by: case, and whatever is no letter or digit."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


@cache
def terms() -> dict[str, dict[str, str]]:
    """By table, what each folded name means."""
    text = resources.files("ganzoo.registry").joinpath("terms.json").read_text("utf-8")
    return {
        table: {name: meant for meant, names in rows.items() for name in names.split()}
        for table, rows in json.loads(text).items()
    }


def part_meant(word: str) -> str:
    """The name of the part that a word of a recipe means, which may have spaces or capitals; else the word without."""
    return terms()["part"].get(fold(word), "".join(word.split()).lower()).rpartition("/")[2]
