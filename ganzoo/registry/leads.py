"""Where a name leads that nothing here has: to what the field calls so, before what is spelled alike."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from ganzoo.errors import command, either, nearest
from ganzoo.registry.recipe import ASKED_BY, HEAD_KINDS
from ganzoo.registry.terms import fold, terms

ORDER = {  # by the place where a name was typed, the tables that are asked
    "part": ("part", "absent", "setting", "says"),
    "part option": ("part option", "setting", "says"),
    "setting": ("setting", "says", "part", "option"),
    "option": ("option", "setting", "says", "part"),
    "command": ("command", "part", "absent", "setting", "says"),
    "kind": ("kind", "setting", "says"),
    "name": ("name",),
    "argument": ("argument", "argument says"),
}
VERBS = {
    "dataset": "train",
    "sampler": "sample",
    "converter": "import FILE",
}  # commands that ask for parts of a kind; eval for the others
OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")


def lead(
    name: str, place: str, known: Iterable[str] = (), *, options: Collection[str] = (), parts: Iterable[str] = ()
) -> str:
    """What somebody who typed ``name`` should type, as the rest of a sentence; empty where nobody knows.

    Args:
        name: what nothing of the place is called.
        place: a key of ``ORDER``.
        known: names that the place has: one that differs by case or hyphens alone comes first, and a command that does
            by the ``s`` of a plural.
        options: of the command that ``name`` was given to as an option; no other is suggested there.
        parts: that are registered, as ``kind/name``, where ``name`` may be one of them.
    """
    folded, names = fold(name), {fold(one): one for one in known}
    if folded in names:
        return f": it is written {names[folded]}"
    written = _plural(folded, names) if place == "command" else ""
    found = {table: terms()[table].get(folded) for table in ORDER[place]}
    if "part" in found and found["part"] is None:
        found["part"] = next((part for part in parts if fold(part.rpartition("/")[2]) == folded), None)
    for table, meant in found.items():
        clause = "" if meant is None else _clause(meant, table, place, names)
        unfit = place == "option" and set(OPTION.findall(clause)) - set(options)
        if clause and not unfit:
            return f": {written}; {clause}" if written else f": {clause}"
    return written and f": {written}"


def _plural(folded: str, names: Mapping[str, str]) -> str:
    """What is one of the names but for the ``s`` of a plural; empty where it is none."""
    return next((f"it is written {names[it]}" for it in (f"{folded}s", folded.removesuffix("s")) if it in names), "")


def _clause(meant: str, table: str, place: str, names: Mapping[str, str]) -> str:
    """What ``meant`` of a table says to somebody who typed ``name``; empty where the place has nothing of the kind."""
    if table in ("says", "argument says"):
        return meant
    if table == "absent":
        return f"ganzoo has none of it; near in kind: {either(meant.split())}"
    if table == "kind":
        return f"here it is {meant}"
    if table == "part option" or (table == place and place in ("option", "argument")):
        return next((f"here it is {names[fold(one)]}" for one in meant.split() if fold(one) in names), "")
    if table == place:
        return f"here it is {meant.rpartition('/')[2] if table == 'part' else meant}"
    if table == "part":
        return asked(*meant.split("/"))
    if table == "setting":
        if place == "option" and fold(meant) in names:
            return f"here it is {names[fold(meant)]}"
        words = ("--set", f"{meant}=VALUE")
        shown = " ".join(words) if place == "option" else f"as in {command('train', *words)}"
        return f"it is a setting, {shown}"
    return f"it is an option, as in {command('train', meant)}"


def asked(kind: str, part: str) -> str:
    """How a part is asked for on a command line."""
    if kind in ASKED_BY:
        return f"it is a {kind}, as in {command(VERBS.get(kind, 'eval'), ASKED_BY[kind], part)}"
    article = "an" if kind[0] in "aeiou" else "a"
    recipe = part if kind in HEAD_KINDS else f"dcgan+{part}"
    return f"it is {article} {kind}, as in {command('train', recipe)}"


def argument_lead(name: str, known: Collection[str]) -> str:
    """What somebody who gave a function an argument ``name`` should write, as the rest of a sentence.

    Args:
        name: no argument of the function.
        known: its arguments.
    """
    if found := lead(name, "argument", known):
        return found
    option = terms()["option"].get(fold(name), "").strip("-").replace("-", "_")
    if option in known:
        return f": here it is {option}"
    setting = terms()["setting"].get(fold(name))
    if setting and "settings" in known:
        return f": it is a setting, settings={{{setting!r}: VALUE}}"
    return f"; nearest: {', '.join(nearest(name, known))}"
