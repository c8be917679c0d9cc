"""What a command says of itself beside its docstring: its group in ``ganzoo --help``, and examples of its use."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from typing import TypeVar

import click

from ganzoo.registry.docstrings import source_file

C = TypeVar("C", bound=click.Command)

GROUPS: Mapping[str, str] = {
    "build": "Build (recipes, and the parts they are made of)",
    "train": "Train (data, runs, and how they are doing)",
    "score": "Score (measure models, and compare them)",
    "look": "Look (draw samples, and see how a model works)",
    "share": "Share (publish, find, fetch and convert models)",
    "plugins": "Plugins (and this installation)",
}
"""Titles of the groups of ``ganzoo --help``, in its order. A package may declare another: it comes after these."""
OTHERS = "Commands of plugins"
ATTRIBUTE = "ganzoo_about"
PROGRAM = "ganzoo "


@dataclass(frozen=True)
class Example:
    """What a command line does, and the command line; or several, one after the other."""

    does: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class About:
    """What a command declares.

    Attributes:
        group: a key of :data:`GROUPS`, or the title of a group of one's own; empty for none.
        examples: of its use.
        line: the line of ``ganzoo --help``; empty where it is not known.
    """

    group: str = ""
    examples: tuple[Example, ...] = ()
    line: str = ""


def about(group: str, examples: str) -> Callable[[C], C]:
    """Declare the group and the examples of a command; the first decorator, above ``@click.command()``.

    The examples stand at the end of its ``--help``. ``ganzoo --help`` reads the group of a package's command from its
    source, without importing it: write it as a text, not as a name.

    Args:
        group: ``build``, ``train``, ``score``, ``look``, ``share`` or ``plugins``, or the title of another group.
        examples: lines: what an example does, then one or more lines that begin with ``ganzoo`` and can be copied; and
            so on. Two are enough to teach most commands.
    """
    found = tuple(_examples(examples))

    def decorate(command: C) -> C:
        setattr(command, ATTRIBUTE, About(group, found))
        lines = [text for one in found for text in (f"  {one.does}", *(f"    {line}" for line in one.lines))]
        shown = "\n".join(["\b", "Examples:", *lines])
        command.epilog = f"{shown}\n\n{command.epilog}" if command.epilog else shown
        return command

    return decorate


def _examples(text: str) -> Iterator[Example]:
    does, lines = "", list[str]()
    for line in filter(None, map(str.strip, text.split("\n"))):
        if line.startswith(PROGRAM):
            lines.append(line)
            continue
        if lines:
            yield Example(does, tuple(lines))
        does, lines = line, []
    yield Example(does, tuple(lines))


def about_of(command: click.Command) -> About:
    """What a command declares, with its line of help."""
    return replace(getattr(command, ATTRIBUTE, About()), line=command.get_short_help_str(limit=200))


def read_about(point: EntryPoint) -> About:
    """The same of a command that is not imported for it, read from its source as far as it is written there.

    Args:
        point: of the command: a function, with its decorators, at the top of a module.
    """
    with suppress(OSError, SyntaxError, ValueError):
        path = source_file(point.module)
        tree = ast.parse(path.read_bytes()) if path is not None else None
        for node in tree.body if tree is not None else ():
            if isinstance(node, ast.FunctionDef) and node.name == point.attr:
                return _declared(node)
    return About()


def _declared(function: ast.FunctionDef) -> About:
    group, line = "", _first_sentence(ast.get_docstring(function) or "")
    for decorator in function.decorator_list:
        if not isinstance(decorator, ast.Call):
            continue
        called = decorator.func.attr if isinstance(decorator.func, ast.Attribute) else getattr(decorator.func, "id", "")
        if called == "about" and decorator.args:
            group = _text(decorator.args[0]) or group
        short = next((word.value for word in decorator.keywords if word.arg == "short_help"), None)
        line = _text(short) or line
    return About(group, line=line)


def _text(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _first_sentence(docstring: str) -> str:
    """As click shortens a docstring where its first sentence fits."""
    return click.Command("", help=docstring).get_short_help_str(limit=200)
