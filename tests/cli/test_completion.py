"""Completion in the shells themselves: each is started, reads the script, and is asked what TAB would show."""

from __future__ import annotations

import os
import pty
import select
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ganzoo.cli import main
from ganzoo.cli.shells import MARK, SHELLS, VARIABLE, Bash

PROGRAM = f"#!{sys.executable}\nfrom ganzoo.cli import main\nmain(prog_name='ganzoo')\n"


def run(*words: str, status: int = 0) -> Result:
    done = CliRunner().invoke(main, words)
    assert done.exit_code == status, done.output
    return done


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home directory, and ``ganzoo`` on the path of whatever is started."""
    own, programs = tmp_path / "my home", tmp_path / "bin"
    own.mkdir()
    programs.mkdir()
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "ZDOTDIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(own))
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    (programs / "ganzoo").write_text(PROGRAM)
    (programs / "ganzoo").chmod(0o755)
    return own


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


# --- in the shells ------------------------------------------------------------------------------------------

# What bash calls when TAB is pressed, with what it sets before that. compopt works within a real completion alone.
BASH = """
compopt() { :; }
[[ $(complete -p ganzoo) == *_ganzoo_completion* ]] || exit 1
COMP_LINE=$LINE COMP_POINT=${#LINE}
_ganzoo_completion ganzoo
printf '%s\\n' "${COMPREPLY[@]}"
"""


def bash(line: str, begin: str = 'eval "$(ganzoo completion bash)"') -> list[str]:
    """What bash would offer."""
    words = [program("bash"), "--norc", "-c", f"{begin}\n{BASH}"]
    done = subprocess.run(words, env={**os.environ, "LINE": line}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout.split()


def fish(line: str, begin: str = "ganzoo completion fish | source") -> dict[str, str]:
    """What fish offers, and what it says of each."""
    words = [program("fish"), "-c", f"{begin}; complete -C '{line}'"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and not done.stderr, done.stderr
    found = (row.partition("\t") for row in done.stdout.splitlines())
    return {name: says for name, _, says in found}


class Terminal:
    """zsh on a terminal of its own, as it completes nowhere else; ``with`` a block."""

    def __init__(self, *words: str) -> None:
        found = program("zsh")
        self.seen = ""
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.execve(found, [found, *words, "-i"], {**os.environ, "TERM": "dumb", "PS1": "", "COLUMNS": "200"})

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.terminal)
        os.waitpid(self.child, 0)

    def types(self, text: str, until: str) -> str:
        """What the screen shows from a text on until some text stands there."""
        self.seen, ends = "", time.monotonic() + 60
        os.write(self.terminal, text.encode())
        while until not in self.seen and time.monotonic() < ends:
            if select.select([self.terminal], [], [], 0.1)[0]:
                self.seen += os.read(self.terminal, 65536).decode("utf-8", "replace")
        assert until in self.seen, self.seen
        return self.seen


READY = "print ready-$((1 + 1))\n"


def test_bash(home: Path) -> None:
    found = bash("ganzoo train sagan+s")
    assert {"sagan+sn", "sagan+sa"} <= set(found) and "sagan+hinge" not in found


def test_fish(home: Path) -> None:
    found = fish("ganzoo train sagan+s")
    assert {"sagan+sn", "sagan+sa"} <= found.keys() and "sagan+hinge" not in found


def test_zsh(home: Path) -> None:
    with Terminal("-f") as zsh:
        zsh.types(f'autoload -Uz compinit && compinit -u; eval "$(ganzoo completion zsh)"; {READY}', "ready-2")
        assert "sagan+spd" in zsh.types("ganzoo train sagan+s\t", "sagan+spd")


@pytest.mark.parametrize(
    ("line", "some", "none"),
    [
        ("ganzoo tr", {"train"}, {"eval"}),
        ("ganzoo train --save", {"--save-every"}, {"--data"}),
        ("ganzoo train sa", {"sagan"}, {"sn"}),
        ("ganzoo build dcgan+loss/hi", {"dcgan+loss/hinge"}, {"dcgan+hinge"}),
        ("ganzoo sample dcgan-", {"dcgan-cifar10", "dcgan-mnist"}, {"sagan-cifar10"}),
        ("ganzoo train dcgan --data cif", {"cifar10", "cifar100"}, {"digits"}),
        ("ganzoo train dcgan --set prec", {"precision=auto", "precision=fp32", "precision=bf16"}, {"lr=0.0002"}),
        ("ganzoo train dcgan --set precision=b", {"bf16"}, {"precision=bf16", "fp32"}),
        ("ganzoo eval x --data digits --metrics fid,k", {"fid,kid"}, {"kid"}),
        ("ganzoo sample x --sampler d", {"drs", "ddls"}, set()),
        ("ganzoo list aug", {"augment"}, {"loss"}),
        ("ganzoo info dcgan", {"dcgan", "dcgan-cifar10"}, {"sagan"}),
        ("ganzoo help set", {"settings"}, {"recipes"}),
        ("ganzoo data ch", {"check"}, set()),
        ("ganzoo train dcgan@", set(), {"dcgan"}),
        ("ganzoo nothing x --y", set(), {"train"}),
        ("ganzoo train 'unfinished", set(), {"train"}),
    ],
)
def test_what_is_offered(monkeypatch: pytest.MonkeyPatch, line: str, some: set[str], none: set[str]) -> None:
    """In this process, as the script of bash asks."""
    monkeypatch.setenv("COMP_LINE", line)
    found = {item.partition(",")[2] for item in Bash(main, {}, "ganzoo", VARIABLE).complete().splitlines()}
    assert some <= found and not none & found


@pytest.mark.slow
@pytest.mark.parametrize("line", ["ganzoo tr", "ganzoo train dcgan --set precision=b", "ganzoo sample dcgan-m"])
def test_every_shell_offers_the_same(home: Path, line: str) -> None:
    word = line.rpartition(" ")[2]
    found = bash(line)
    assert len(found) == 1
    whole = found[0] if "=" not in word else f"{word.partition('=')[0]}={found[0]}"
    assert whole in fish(line)
    with Terminal("-f") as zsh:
        zsh.types(f'autoload -Uz compinit && compinit -u; eval "$(ganzoo completion zsh)"; {READY}', "ready-2")
        zsh.types(f"{line}\t", whole.removeprefix(word))


def test_paths_are_the_shells_own(home: Path) -> None:
    assert "file,run" in asked("ganzoo sample run").stdout and "file," in asked("ganzoo plot ").stdout


@pytest.mark.parametrize("line", ["ganzoo ", "ganzoo train sagan+s", "ganzoo sample dcgan-", "ganzoo train x --set p"])
def test_tab_imports_nothing_heavy(home: Path, line: str) -> None:
    heavy = {"torch", "torchvision", "timm", "numpy", "sklearn", "scipy", "PIL", "huggingface_hub", "rich"}
    imported = set(asked(line).stderr.split())
    assert "click" in imported and not heavy & imported


def test_nothing_is_said_on_tab_whatever_goes_wrong(home: Path) -> None:
    done = asked("ganzoo train sagan+s", GANZOO_PLUGINS="not-installed")
    assert "sagan+sn" in done.stdout and "not-installed" not in done.stderr
    assert asked("", line_of_bash=False).stdout == ""


SOURCE = """
import sys
from ganzoo.cli import main
try:
    main(prog_name="ganzoo")
finally:
    print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def asked(line: str, line_of_bash: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
    """What the program answers to a shell; on stderr it writes what it has imported."""
    given = {VARIABLE: "bash_complete", **({"COMP_LINE": line} if line_of_bash else {}), "COMP_WORDBREAKS": " =:@"}
    return subprocess.run(
        [sys.executable, "-c", SOURCE],
        env={**os.environ, **given, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


# --- installing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shell", "start"), [("bash", ".bashrc"), ("zsh", ".zshrc")])
def test_it_is_installed_once_and_nothing_else_is_touched(home: Path, shell: str, start: str) -> None:
    (home / start).write_bytes(b"# mine, \xff no text\nalias x=y")  # no end of line, no UTF-8
    (home / start).chmod(0o600)
    said = run("completion", shell, "--install").stdout
    script, once = home / f".local/share/ganzoo/completion.{shell}", (home / start).read_bytes()
    assert str(script) in said and str(home / start) in said and "one line more" in said
    assert once.startswith(b"# mine, \xff no text\nalias x=y\n") and once.count(MARK) == 1
    assert stat.S_IMODE((home / start).stat().st_mode) == 0o600
    again = run("completion", shell, "--install").stdout
    assert (home / start).read_bytes() == once and "already" in again and "Nothing is left" in again
    assert {path.name for path in home.rglob("*") if path.is_file()} == {start, script.name}


def test_a_line_that_names_another_place_is_replaced(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("completion", "bash", "--install")
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "elsewhere"))
    with (home / ".bashrc").open("a") as file:
        file.write("after=1\n")
    run("completion", "bash", "--install")
    lines = (home / ".bashrc").read_text().splitlines()
    assert len(lines) == 2 and "elsewhere" in lines[0] and lines[1] == "after=1"


def test_a_link_to_the_start_file_stays_a_link(home: Path) -> None:
    (home / "dotfiles").mkdir()
    (home / "dotfiles" / "bashrc").write_text("x=1\n")
    (home / ".bashrc").symlink_to("dotfiles/bashrc")
    run("completion", "bash", "--install")
    assert (home / ".bashrc").is_symlink() and "ganzoo completion" in (home / "dotfiles" / "bashrc").read_text()


def test_what_was_installed_works(home: Path) -> None:
    run("completion", "bash", "--install")
    assert bash("ganzoo tr", f". '{home}/.bashrc'") == ["train"]


@pytest.mark.slow
def test_what_was_installed_works_in_fish_and_zsh(home: Path) -> None:
    run("completion", "fish", "--install")
    assert (home / ".config/fish/completions/ganzoo.fish").is_file()
    assert "train" in fish("ganzoo tr", "true")
    run("completion", "zsh", "--install")
    with Terminal() as zsh:  # which reads .zshrc
        zsh.types(READY, "ready-2")
        zsh.types("ganzoo tr\t", "ain ")


def test_the_shell_is_that_of_the_person(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for shell in SHELLS:
        monkeypatch.setenv("SHELL", f"/usr/bin/{shell}")
        assert run("completion").stdout == run("completion", shell).stdout
    for other, said in {"/bin/tcsh": "tcsh", "": "not set"}.items():
        monkeypatch.setenv("SHELL", other)
        wrong = run("completion", status=2).stderr
        assert said in wrong and "bash, zsh or fish" in wrong and len(wrong.splitlines()) == 1


def test_a_home_that_cannot_be_written_is_one_line(home: Path) -> None:
    (home / ".local").write_text("a file in the way")
    wrong = run("completion", "bash", "--install", status=1).stderr
    assert len(wrong.splitlines()) == 1 and ".local" in wrong and not (home / ".bashrc").exists()
