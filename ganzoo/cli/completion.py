"""``ganzoo completion``: commands, options, recipes, models, data and settings on the TAB key of a shell."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import click

from ganzoo.cli.about import about
from ganzoo.cli.show import say


@about(
    "plugins",
    """
    For the shell that you use, in every new terminal:
    ganzoo completion --install
    For zsh, where you keep scripts yourself:
    ganzoo completion zsh
    """,
)
@click.command(short_help="Complete names on the TAB key of bash, zsh or fish.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), required=False)
@click.option("--install", is_flag=True, help="Write the script, and have the shell read it at its start.")
@click.pass_context
def completion(ctx: click.Context, shell: str | None, install: bool) -> None:
    """Print the completion script of SHELL, bash, zsh or fish; yours by default.

    With it TAB completes commands and options, the parts of a recipe (sagan+s), shipped models, data sets, the
    settings, metrics and files. --install keeps the script in your home directory and adds one line to
    ~/.bashrc or ~/.zshrc, once, however often it is called; fish needs no line. To take it back, delete the line.

    \b
    Without --install, in the file that the shell reads at its start:
      bash  eval "$(ganzoo completion bash)"
      zsh   eval "$(ganzoo completion zsh)"         after compinit
      fish  ganzoo completion fish | source
    """
    from ganzoo.cli.shells import script, this_shell

    chosen = shell or this_shell()
    text = script(ctx.find_root().command, chosen)
    if install:
        _install(chosen, text)
    else:
        click.echo(text, nl=False)


def _install(shell: str, text: str) -> None:
    """Write the script and the line of the start file, and say what was done."""
    from ganzoo.cli.shells import places, start_line, with_line
    from ganzoo.files.write import make_folder, write_text

    path, start = places(shell)
    known = path.is_file() and path.read_text(encoding="utf-8") == text
    if not known:
        make_folder(path.parent)
        write_text(path, text)
    said, changed = [f"{path}: {'is there already' if known else 'written'}"], not known
    if start is not None:
        before = start.read_bytes() if start.exists() else b""
        after = with_line(before, start_line(shell, path))
        if after != before:
            _replace(start, after)
        said.append(f"{start}: {'has its line already' if after == before else 'has one line more, which reads it'}")
        changed = changed or after != before
    say(
        *said, f"Open a new terminal, or type: source {shlex.quote(str(path))}" if changed else "Nothing is left to do."
    )


def _replace(path: Path, content: bytes) -> None:
    """Write a start file whole, with the rights that it had; a link, as of collections of these, stays one."""
    from ganzoo.files.write import atomic

    real = path.resolve()
    with atomic(real) as temporary:
        temporary.write_bytes(content)
        if real.exists():
            shutil.copymode(real, temporary)
