"""Which options the commands have, and which of those that a text suggests they do not have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

import click

from ganzoo.cli import main
from ganzoo.registry.loading import own_commands

NEAR = re.compile(
    r"\bganzoo (?P<command>[a-z][a-z-]*(?: [a-z][a-z-]*)?)"
    r"|\b(?P<other>torchrun|pip install|pytest|hf|ssh|ray start)\b"
    r"|\b(?P<bare>[a-z][a-z-]*)(?= --(?!-))"  # "train --keep"
    r"|(?P<end>[;,)`\n]|[.:] |' (?!-))"
    r"|(?<![\w-])(?<!no option )(?P<option>--[a-z][a-z-]*)"
)


@cache
def options_of() -> dict[str, frozenset[str]]:
    """The options of every built-in command; those of a group's are under ``group name``."""
    found = {"": frozenset({"--help", "--version", "--debug"})}
    context = click.Context(main)
    for name in own_commands():
        command = main.get_command(context, name)
        assert command is not None
        parts = (
            {f"{name} {sub}": it for sub, it in command.commands.items()} if isinstance(command, click.Group) else {}
        )
        for called, one in {name: command, **parts}.items():
            spelled = {text for param in one.params for text in (*param.opts, *param.secondary_opts)}
            found[called] = frozenset(spelled) | found[""]
    return found


def called(words: Sequence[str]) -> str:
    """The command that a command line is of; nothing for none."""
    names = [" ".join(words[:count]) for count in (2, 1)]
    return next((name for name in names if name in options_of()), "")


def strangers(text: str, current: str | None = None) -> Iterator[str]:
    """Options that ``text`` suggests for commands that do not have them.

    Args:
        text: a message or a help text.
        current: the command that says it, whose options are meant where no other is named; None to leave those alone.
    """
    known, scope = options_of(), current
    if "--" not in text:
        return
    for found in NEAR.finditer(text):
        if name := found["command"]:
            scope = name if name in known else name.partition(" ")[0]
            scope = scope if scope in known else None
        elif found["bare"]:
            scope = found["bare"] if found["bare"] in known else scope
        elif found["other"]:
            scope = None  # until a command of ours, as in "torchrun --nproc-per-node 8 -m ganzoo train --data D"
        elif found["end"]:
            scope = current
        elif scope is not None and found["option"] not in known[scope]:
            yield f"{found['option']} of ganzoo {scope} in: {text}"
