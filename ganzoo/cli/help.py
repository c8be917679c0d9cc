"""``ganzoo help``: of a command as its ``--help``, and of topics that no command has alone."""

from __future__ import annotations

from collections.abc import Sequence

import click
from click.shell_completion import CompletionItem

from ganzoo.cli.about import about
from ganzoo.cli.show import say
from ganzoo.cli.topics import TOPICS
from ganzoo.errors import UsageError, nearest
from ganzoo.errors import command as typed


class WithTopics(click.Command):
    """A command whose help ends with the topics that there are."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The topics with what each is about."""
        super().format_epilog(ctx, formatter)
        with formatter.section("Topics"):
            formatter.write_dl([(name, topic.line) for name, topic in TOPICS.items()])


def complete_topic(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Topics, and commands; after a command its own."""
    from ganzoo.registry.loading import COMMANDS, by_name, own_commands

    if ctx.params.get("words"):
        return []
    topics = {name: topic.line for name, topic in TOPICS.items()}
    names = {**dict.fromkeys([*own_commands(), *by_name(COMMANDS)], ""), **topics}
    return [CompletionItem(name, help=line or None) for name, line in names.items() if name.startswith(incomplete)]


@about(
    "plugins",
    """
    How a recipe is written:
    ganzoo help recipes
    Settings that a word means, here the learning rate and its schedules:
    ganzoo help settings learning rate
    A command, as 'ganzoo train --help' says:
    ganzoo help train
    """,
)
@click.command("help", cls=WithTopics, short_help="Show help on a command or a topic, such as settings.")
@click.argument("words", nargs=-1, metavar="[COMMAND|TOPIC] [WORD]...", shell_complete=complete_topic)
@click.pass_context
def help_(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Show help on a COMMAND or a TOPIC; without either the list of commands.

    'ganzoo help settings WORD' searches: for names, for what others call it, and in what is said of each setting.
    """
    root = ctx.find_root()
    if not words:
        say(*root.get_help().split("\n"))
    elif words[0] in TOPICS:
        TOPICS[words[0]].show(words[1:])
    else:
        _show_command(root, words)


def _show_command(root: click.Context, words: Sequence[str]) -> None:
    """Print the help of the command that the words name, as its ``--help`` would."""
    context, command = root, root.command
    for index, word in enumerate(words):
        found = command.get_command(context, word) if isinstance(command, click.Group) else None
        if found is None:
            raise UsageError(_unknown(context, command, words[: index + 1], topics=index == 0))
        context, command = click.Context(found, info_name=word, parent=context), found
    say(*command.get_help(context).split("\n"))


def _unknown(context: click.Context, command: click.Command, words: Sequence[str], topics: bool) -> str:
    from ganzoo.registry.leads import lead

    if not isinstance(command, click.Group):
        name = " ".join(words[:-1])
        return f"{name} has no commands of its own, such as {words[-1]!r}: {typed('help', *words[:-1])}"
    known = [*command.list_commands(context), *(TOPICS if topics else ())]
    meant = lead(words[-1], "command", known) or f"; nearest: {', '.join(nearest(words[-1], known))}"
    return (
        f"no command or topic is called {words[-1]!r}{meant}; 'ganzoo help' lists commands, 'ganzoo help help' topics"
    )
