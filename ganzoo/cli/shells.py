"""Completion on the TAB key, by click's own scripts; that of bash is told the line as it is typed.

bash takes a word apart at ``=``, ``:`` and ``@``, which recipes and settings have within them, and click's script for
it does not say where a word begins. The script here hands over the line, and gets what follows the last of these.
"""

from __future__ import annotations

import logging
import os
import shlex
from pathlib import Path

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    add_completion_class,
    get_completion_class,
    shell_complete,
    split_arg_string,
)

from ganzoo.errors import UsageError, either
from ganzoo.errors import command as typed
from ganzoo.files.paths import home

PROGRAM = "ganzoo"
VARIABLE = "_GANZOO_COMPLETE"
"""The variable of the environment by which a shell asks, as click spells it."""
BREAKS = "=:@"
"""Letters that take a word apart in bash and can stand in one of ours."""
SHELLS = ("bash", "zsh", "fish")

SOURCE = """\
%(complete_func)s() {
    local IFS=$'\\n' completion kind value
    COMPREPLY=()
    for completion in $(env COMP_LINE="${COMP_LINE:0:$COMP_POINT}" COMP_WORDBREAKS="$COMP_WORDBREAKS" \\
            %(complete_var)s=bash_complete "$1"); do
        IFS=',' read -r kind value <<< "$completion"
        case $kind in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


@add_completion_class
class Bash(BashComplete):
    """Completion in bash, of the line up to the cursor."""

    source_template = SOURCE
    begun = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The whole words, and the one that is being typed."""
        line = os.environ["COMP_LINE"]
        words = split_arg_string(line)
        self.begun = "" if line[-1:].isspace() or len(words) < 2 else words.pop()
        return words[1:], self.begun

    def format_completion(self, item: CompletionItem) -> str:
        """The kind of an item, and what is to stand after the last place where bash takes the word apart."""
        breaks = [letter for letter in BREAKS if letter in os.environ.get("COMP_WORDBREAKS", BREAKS)]
        cut = max((self.begun.rfind(letter) + 1 for letter in breaks), default=0)
        return f"{item.type},{item.value[cut:]}"


def asked() -> bool:
    """Whether a shell asks for completions, or for its script."""
    return VARIABLE in os.environ


def answer(command: click.Command) -> int:
    """Tell the shell what can stand where TAB was pressed; whatever goes wrong, no word is written to its terminal."""
    logging.disable(logging.CRITICAL)
    try:
        return shell_complete(command, {}, PROGRAM, VARIABLE, os.environ[VARIABLE])
    except Exception:  # of a plugin, of a file that is not as it should be: nothing is completed then
        return 1


def script(command: click.Command, shell: str) -> str:
    """The script that a shell is to read at its start."""
    found = get_completion_class(shell)
    assert found is not None  # SHELLS are click's
    return found(command, {}, PROGRAM, VARIABLE).source()


def this_shell() -> str:
    """The shell of the person who runs this, as ``SHELL`` names it.

    Raises:
        UsageError: it is none that can be completed.
    """
    name = Path(os.environ.get("SHELL", "")).name
    if name not in SHELLS:
        said = f"SHELL is {name}, which is not completed" if name else "SHELL is not set"
        raise UsageError(f"{said}: name the shell, {either(SHELLS)}, as in ganzoo completion bash")
    return name


# --- installing ---------------------------------------------------------------------------------------------

MARK = b"# ganzoo completion"


def places(shell: str) -> tuple[Path, Path | None]:
    """Where the script of a shell goes, and the file that the shell reads at its start, if that has to name it.

    Raises:
        UsageError: no home directory is known.
    """
    own = home()
    if own is None:
        raise UsageError(f"no home directory is known here: {typed('completion', shell)} prints the script")
    if shell == "fish":  # which reads every script of this folder
        return _folder("XDG_CONFIG_HOME", own / ".config") / "fish" / "completions" / f"{PROGRAM}.fish", None
    start = {"bash": own / ".bashrc", "zsh": Path(os.environ.get("ZDOTDIR") or own) / ".zshrc"}[shell]
    return _folder("XDG_DATA_HOME", own / ".local" / "share") / PROGRAM / f"completion.{shell}", start


def _folder(variable: str, otherwise: Path) -> Path:
    given = os.environ.get(variable, "")
    return Path(given) if os.path.isabs(given) else otherwise


def start_line(shell: str, path: Path) -> bytes:
    """The line by which a shell reads the script at its start; it does nothing once the script is gone."""
    quoted = shlex.quote(str(path))
    ready = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }; " if shell == "zsh" else ""
    return os.fsencode(f"[ -f {quoted} ] && {{ {ready}. {quoted}; }}  ") + MARK


def with_line(text: bytes, line: bytes) -> bytes:
    """The content of a start file with the line at its end, or in the place of the one that was there before."""
    lines = text.splitlines(keepends=True)
    at = [index for index, one in enumerate(lines) if one.rstrip().endswith(MARK)]
    if at:
        lines[at[0]] = line + b"\n"
        return b"".join(one for index, one in enumerate(lines) if index not in at[1:])
    gap = b"" if not text or text.endswith(b"\n") else b"\n"
    return text + gap + line + b"\n"
