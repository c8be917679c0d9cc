"""The commands of ``ganzoo`` as its tree has them, and their examples."""

from __future__ import annotations

from collections.abc import Iterator

import click

from ganzoo.cli import main
from ganzoo.cli.about import Example, about_of


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command and every sub-command by its name, such as ``data check``; old names are left out."""
    context = click.Context(main, info_name="ganzoo")
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        if command is not None and not command.hidden:
            yield from _below(name, command)


def _below(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        for child, one in command.commands.items():
            yield from _below(f"{name} {child}", one)


def examples() -> list[Example]:
    """The examples of all commands, each once."""
    return list(dict.fromkeys(example for _, command in commands() for example in about_of(command).examples))
