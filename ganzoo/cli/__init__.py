"""The command ``ganzoo``: each sub-command is an entry point of the group ``ganzoo.commands``, imported when called."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from importlib.metadata import EntryPoint
from typing import Any, NoReturn

import click
from click.shell_completion import CompletionItem

from ganzoo.cli.about import GROUPS, OTHERS, About, about_of, read_about
from ganzoo.cli.shells import answer, asked
from ganzoo.distributed.launch import launched, must_say, said_elsewhere
from ganzoo.errors import GanzooError, PluginError, UsageError, either, nearest, out_of_memory, printable
from ganzoo.files.streams import escape_letters
from ganzoo.files.waiting import status
from ganzoo.registry.about import VERSION
from ganzoo.registry.loading import COMMANDS, by_name, load, log, own_commands, providers, registry
from ganzoo.registry.namesake import warn_of_namesake
from ganzoo.registry.requirements import missing_package
from ganzoo.training.signals import end_by_the_next, tidy

INTERRUPTED = 130


class Together(click.Command):
    """A command that all processes of ``torchrun`` carry out together; any other is done by the first one only."""


class Commands(click.Group):
    """The sub-commands that are installed. A built-in one keeps its name whatever a plugin calls its own."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, sorted; no command is imported for it."""
        return sorted(self._points())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command called ``cmd_name``; None if there is none.

        Raises:
            PluginError: if it cannot be imported or two plugins provide it.
        """
        points = self._points().get(cmd_name)
        if points is None:
            return None
        return _load(points)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first word names.

        Raises:
            UsageError: for an unknown one, with the nearest names.
        """
        name = args[0]
        if name not in self._points() and not name.startswith("-") and not ctx.resilient_parsing:
            from ganzoo.registry.leads import lead
            from ganzoo.registry.lookup import known_provider

            near, known = f"; nearest: {', '.join(nearest(name, self._points()))}", known_provider("command", name)
            meant = "" if known else lead(name, "command", self._points(), parts=_parts())
            hint = f"; {known[0]} provides it: {known[1]}" if known else ""
            raise UsageError(f"no command is called {name!r}{meant or near}; 'ganzoo --help' lists them{hint}")
        resolved = super().resolve_command(ctx, args)
        if launched().rank and not isinstance(resolved[1], Together):
            ctx.exit()  # the first process does it for all
        return resolved

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The names of commands, each with its line; nothing of a package is imported for it."""
        found = [point for name, points in self._points().items() if name.startswith(incomplete) for point in points]
        items = [
            CompletionItem(name, help=about.line)
            for name, about in sorted(self._about({point.name for point in found}).items())
        ]
        return [*items, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by group, each with its line of help, and those of packages with what brings them."""
        groups: dict[str, list[tuple[str, str]]] = {title: [] for title in GROUPS.values()}
        described = self._about(self._points())
        widest = max(map(len, described), default=0)
        for name, about in sorted(described.items()):
            title = GROUPS.get(about.group, about.group) or OTHERS
            groups.setdefault(title, []).append((name.ljust(widest), about.line))
        for title in sorted(groups, key=OTHERS.__eq__):  # what is in no group comes last
            if groups[title]:
                with formatter.section(title):
                    formatter.write_dl(groups[title])

    def _about(self, names: Iterable[str]) -> dict[str, About]:
        """What commands say of themselves; hidden ones, such as an old name, are left out."""
        found = {}
        for name in names:
            points = self._points()[name]
            about = _own_about(points) if name in own_commands() else _foreign_about(points)
            if about is not None:
                found[name] = about
        return found

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run a command line; errors become one line on stderr and the exit status."""
        if args is None and asked():
            sys.exit(answer(self))
        words = list(sys.argv[1:] if args is None else args)
        debug = "--debug" in words
        words = [word for word in words if word != "--debug"]
        escape_letters()
        _show_warnings()
        warn_of_namesake()
        try:
            with tidy() if args is None else nullcontext():  # a process that is ours
                self._carry_out(words, prog_name or "ganzoo", complete_var, debug, **extra)
        except (click.Abort, KeyboardInterrupt):
            if args is None:
                end_by_the_next()
            if not said_elsewhere():
                click.echo("ganzoo: interrupted", err=True)
            sys.exit(INTERRUPTED)
        finally:
            if args is None:  # the process is ours, and ends
                end_by_the_next()

    def _carry_out(
        self, words: list[str], prog_name: str, complete_var: str | None, debug: bool, **extra: Any
    ) -> NoReturn:
        """What :meth:`main` does, but for Ctrl-C."""
        try:
            with status(f"ganzoo {_first_word(words)}", wanted=not said_elsewhere()):
                code = super().main(words, prog_name, complete_var, standalone_mode=False, **extra)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(error.exit_code)
        except click.ClickException as error:
            _fail(_sentence(error), error.exit_code, debug, error)
        except GanzooError as error:
            _fail(str(error), error.status, debug, error)
        except ModuleNotFoundError as error:
            needed = missing_package(error)
            if needed is None:
                raise
            _fail(f"this cannot be done here: {needed}", 1, debug, error)
        except OSError as error:
            _fail(_what_the_system_said(error), 1, debug, error)
        except (MemoryError, RuntimeError) as error:
            said = out_of_memory(error)
            if said is None:
                raise
            _fail(said, 1, debug, error)
        sys.exit(code if isinstance(code, int) else 0)

    def _points(self) -> dict[str, list[EntryPoint]]:
        """Entry points by command; only ganzoo's own where it has one of the name."""
        return {**by_name(COMMANDS), **{name: [point] for name, point in own_commands().items()}}


def _first_word(words: Sequence[str]) -> str:
    """The command of a command line, as far as it has one."""
    return next((printable(word, 40) for word in words if not word.startswith("-")), "")


def _load(points: Sequence[EntryPoint]) -> click.Command:
    command = load("command", points)
    if not isinstance(command, click.Command):
        raise PluginError(
            f"the command {points[0].name!r} of {providers(points)} is no click command:"
            f" {points[0].value} is {command!r}"
        )
    return command


def _own_about(points: Sequence[EntryPoint]) -> About | None:
    """What one of ganzoo's own commands says of itself; None for one that is hidden, such as an old name."""
    try:
        command = _load(points)
        return None if command.hidden else about_of(command)
    except PluginError as error:
        return About("plugins", line=f"({error})")


def _foreign_about(points: Sequence[EntryPoint]) -> About:
    """What a package's command says of itself, and the packages that it comes from."""
    about = read_about(points[0]) if len(points) == 1 else About()
    origin = f"from {providers(points)}"
    return replace(about, line=f"{about.line} ({origin})" if about.line else origin)


class _Stderr(logging.Handler):
    """Warnings as lines on whatever stderr is now, each once: what is opened twice is not worth two."""

    def __init__(self) -> None:
        super().__init__()
        self.said: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """One line, unless it was said before."""
        text = printable(record.getMessage(), None)
        if text not in self.said and not said_elsewhere():
            self.said.add(text)
            click.echo(f"ganzoo: warning: {text}", err=True)


def _show_warnings() -> None:
    """Show the warnings of the command that begins, whatever one before it in this process has said."""
    shown = [handler for handler in log.handlers if isinstance(handler, _Stderr)]
    for handler in shown:
        handler.said.clear()
    if not shown:
        log.addHandler(_Stderr())


def _sentence(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    if isinstance(error, click.NoSuchOption) and context is not None:
        message = _no_option(error, context)
    else:
        message = " ".join(error.format_message().rstrip(".").split())  # click lists choices in several lines
    return f"{message}; see '{context.command_path} --help'" if context else message


def _parts() -> list[str]:
    return [f"{entry.kind}/{entry.name}" for entry in registry().entries()]


def _no_option(error: click.NoSuchOption, context: click.Context) -> str:
    """What an option that a command does not have is called here, else those that are spelled alike."""
    from ganzoo.registry.leads import lead

    has = [text for param in context.command.params if param.param_type_name == "option" for text in param.opts]
    near = f"; nearest: {either(error.possibilities)}" if error.possibilities else ""
    meant = lead(error.option_name, "option", has, options=has, parts=_parts())
    return f"there is no option {error.option_name}{meant or near}"


def _what_the_system_said(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)


def _fail(message: str, status: int, debug: bool, error: Exception) -> NoReturn:
    if debug:
        traceback.print_exc()
    if must_say(error):
        click.echo(f"ganzoo: error: {printable(message, None)}", err=True)
    sys.exit(status)


@click.command(
    "ganzoo",
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
A first GAN:           ganzoo train dcgan+sn+hinge --data digits --out runs/first
How a recipe is made:  ganzoo help recipes
Hyperparameters:       ganzoo help settings
Names on the TAB key:  ganzoo completion --install""",
)
@click.version_option(VERSION, message="ganzoo %(version)s")
@click.option("--debug", is_flag=True, expose_value=False, help="Show where in the code an error arose.")
def main() -> None:
    """Build, train, score and share GANs by name."""
