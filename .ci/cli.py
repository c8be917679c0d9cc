"""Write docs/cli.md, the commands with their options and examples, from the commands themselves; ``--check`` compares.

python .ci/cli.py
"""

from __future__ import annotations

import inspect
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

os.environ["GANZOO_PLUGINS"] = ""  # before anything is looked up: the page is of ganzoo alone

from ganzoo.cli import main as ganzoo
from ganzoo.cli.about import GROUPS, About, about_of
from ganzoo.cli.settings import SCHEDULES, rows
from ganzoo.cli.topics import TOPICS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cli.md"
COMMAND = "python .ci/cli.py"
QUOTE = "'"
TERM = re.compile(r"(\S+) {2,}(\S.*)")
TYPED = re.compile(r"('ganzoo [^'|]*'|(?<![\w-])--[a-z][\w-]*(?: (?=\S*[\d_=-])[\w.=/-]*\w)?)")
HEADER = """\
# Command line

`ganzoo --help` lists the commands, those of installed plugins too, and `ganzoo COMMAND --help` has the options and
examples of one. `ganzoo help TOPIC` tells of what no command has alone:

{topics}

A MODEL is the folder of a run, the name of a model that is on this machine (`ganzoo models`), or `organisation/name`
on the Hugging Face Hub. What is slow shows a bar or a status line on a terminal, and nothing in a file or pipe. An
error is one line on standard error; the exit status is 2 where something cannot be meant, 1 where something failed,
130 after Ctrl-C. `ganzoo --debug COMMAND` shows where in the code an error arose.\
"""


def page() -> str:
    """The whole page: the groups, a section for each command, and the settings."""
    found = {name: command for name, command in _commands()}
    topics = "\n".join(f"- `ganzoo help {name}`: {_plain(topic.line)}" for name, topic in TOPICS.items())
    sections = [HEADER.format(topics=topics)]
    for group, title in GROUPS.items():
        of_group = {name: command for name, command in found.items() if about_of(command).group == group}
        lines = [
            f"- [`ganzoo {name}`](#{_anchor(name)}): {_plain(about_of(one).line)}" for name, one in of_group.items()
        ]
        sections += [f"**{title}**", "\n".join(lines)]
    for name, command in found.items():
        sections += _section(name, command)
    sections += ["## Settings", *_settings()]
    return "\n\n".join([*sections, f"This page is generated: `{COMMAND}`.\n"])


def _commands() -> Iterator[tuple[str, click.Command]]:
    """Commands by name, those of a group in the place of the group; old names are left out."""
    root = click.Context(ganzoo, info_name="ganzoo")
    for name in ganzoo.list_commands(root):
        command = ganzoo.get_command(root, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((f"{name} {child}", one) for child, one in command.commands.items())
        elif not command.hidden:
            yield name, command


def _section(name: str, command: click.Command) -> Iterator[str]:
    """A command: its usage, what it is for, its options, its examples."""
    context = click.Context(command, info_name=f"ganzoo {name}", help_option_names=[])
    yield f"## ganzoo {name}"
    yield _code("text", " ".join([context.command_path, *command.collect_usage_pieces(context)]))
    yield from _prose(inspect.cleandoc(command.help or ""))
    params = [param for param in command.get_params(context) if isinstance(param, click.Option)]
    records = [param.get_help_record(context) for param in params]
    options = [(_plain(record[1]), record[0]) for record in records if record is not None]
    if options:
        yield "\n".join(["| option | meaning |", "|---|---|", *(f"| `{_cell(o)}` | {_cell(m)} |" for m, o in options)])
    yield from _examples(about_of(command))


def _prose(text: str) -> Iterator[str]:
    """Paragraphs of a help text; of those that click leaves as they are, lines that begin with terms become a list."""
    for paragraph in text.split("\n\n"):
        if paragraph.startswith("\b\n"):
            lines = inspect.cleandoc(paragraph[2:]).split("\n")
            terms = [TERM.fullmatch(line) for line in lines]
            if all(terms):
                yield "\n".join(f"- `{found[1]}`: {_plain(found[2])}" for found in terms if found)
            else:
                yield _code("text", "\n".join(lines))
        else:
            yield _plain(paragraph)


def _examples(about: About) -> Iterator[str]:
    for example in about.examples:
        yield _plain(example.does)
        yield _code("bash", "\n".join(example.lines))


def _settings() -> Iterator[str]:
    """Every setting of a training, by group; options of train stand with the command."""
    known = [row for row in rows() if not row.name.startswith("-")]
    yield "`ganzoo train RECIPE --data D --set NAME=VALUE`, and what others call it: `ganzoo help settings WORD`."
    for title in dict.fromkeys(row.title for row in known):
        table = [f"| `{row.name}` | `{row.default}` | {_cell(_plain(row.takes))} | {_cell(_plain(row.means))} |"
                 for row in known if row.title == title]  # fmt: skip
        yield _plain(f"{title}:")
        yield "\n".join(["| setting | default | takes | meaning |", "|---|---|---|---|", *table])
    yield _plain(SCHEDULES)


def _code(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"


def _plain(text: str) -> str:
    """Text in which Markdown finds nothing to do, but commands and options are code."""
    pieces = TYPED.split(text)
    return "".join(
        f"`{piece.strip(QUOTE)}`" if place % 2 else re.sub(r"([\\`*_<>\[\]#])", r"\\\1", piece)
        for place, piece in enumerate(pieces)
    )


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _anchor(name: str) -> str:
    return f"ganzoo-{name.replace(' ', '-')}"


def main() -> None:
    """Write the page, or say that it is not what it would be."""
    wanted = page()
    same = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == wanted
    if "--check" in sys.argv and not same:
        sys.exit(f"docs/cli.md does not show the commands as they are: {COMMAND}")
    if not same:
        PAGE.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main()
