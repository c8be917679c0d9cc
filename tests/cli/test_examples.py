"""Every command has a group and two examples, and the examples do what they say: each is run as it is shown."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import click
import pytest
import torch
from click.testing import CliRunner
from command_tree import commands, examples
from hub_models import files
from hub_server import OWNER, HubServer
from tiny_models import saved, score, tutorial_weights

import ganzoo
from ganzoo.cli import main
from ganzoo.cli.about import GROUPS, PROGRAM, Example, about_of
from ganzoo.demos.server import DemoServer
from ganzoo.folder.scores import add_scores
from ganzoo.images import save_png, to_pil
from ganzoo.watch.server import Server

SMALL = "dcgan:ch=4+sn+hinge"
SLOW = {  # seconds each, by the words that they begin with
    "attention",
    "bench",
    "convert runs/first ./small --dtype",
    "directions runs/stylegan2",
    "eval",
    "export",
    "grid {gan",
    "interpolate",
    "neighbours",
    "plan",
    "sample runs/first -n 16 --sampler",
    "train",
    "verify",
}
CUT = {"train dcgan+sn+hinge": ("--steps", "20")}
"""What is cut short here: the words of the README, whose minute .ci/run spends too, are there for a person to watch."""
NEEDS = {"demo": "gradio", "export": "onnxruntime", "plot": "matplotlib", "sample pix2pix": "ganzoo_translate"}
ALL = [pytest.param(one, id=one.lines[0].removeprefix(PROGRAM)) for one in examples()]


def begins(line: str, table: object) -> str:
    """The entry of a table that a command line begins with; empty for none."""
    words = " ".join(shlex.split(line)[1:])
    return next((entry for entry in table if words.startswith(entry)), "")  # type: ignore[attr-defined]


# --- what is declared ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "command"), [pytest.param(*one, id=one[0]) for one in commands()])
def test_every_command_has_a_group_and_two_examples(name: str, command: click.Command) -> None:
    about = about_of(command)
    assert about.group in GROUPS, f"{name}: declare its group, @about(GROUP, EXAMPLES) of ganzoo.cli.about"
    assert len(about.examples) >= 2, f"{name}: declare two examples"
    for example in about.examples:
        assert example.does and example.lines and len(example.does) <= 90
        assert any(line.startswith(f"{PROGRAM}{name}") for line in example.lines), f"{name}: {example.does}"


@pytest.mark.parametrize(("name", "command"), [pytest.param(*one, id=one[0]) for one in commands()])
def test_help_ends_with_them_whole(name: str, command: click.Command) -> None:
    shown = CliRunner().invoke(main, [*name.split(), "--help"], terminal_width=60).stdout
    lines = [line.strip() for line in shown.partition("  Examples:\n")[2].splitlines()]
    for example in about_of(command).examples:
        at = lines.index(example.does)
        assert lines[at + 1 : at + 1 + len(example.lines)] == list(example.lines)


def test_help_shows_the_groups_in_their_order_and_every_line_whole() -> None:
    shown = CliRunner().invoke(main, ["--help"]).stdout
    places = [shown.index(f"\n{title}:\n") for title in GROUPS.values()]
    assert places == sorted(places) and "..." not in shown.replace("[ARGS]...", "")
    for name, command in commands():
        if " " not in name:
            section = shown[shown.index(f"\n{GROUPS[about_of(command).group]}:\n") :].partition("\n\n")[0]
            assert f"\n  {name} " in section and len(about_of(command).line) <= 60


# --- what they do -------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def shown_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``runs`` with two short trainings on digits, the first with a score; and ``mine``, of a loop of one's own."""
    folder = tmp_path_factory.mktemp("examples") / "runs"
    for name, recipe in {"first": SMALL, "second": "gan+bce"}.items():
        short = {"steps": 4, "batch": 8, "log_every": 1, "quiet": True}
        ganzoo.train(recipe, data="digits", out=folder / name, **short)
    add_scores(folder / "first", [score(folder / "first", samples=10_000)])
    ganzoo.build(SMALL).save_pretrained(folder.parent / "mine")
    return folder


@pytest.fixture
def place(shown_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with the runs, a home directory of nobody, and bash."""
    for name in ("runs", "mine"):
        shutil.copytree(shown_runs.parent / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SHELL", "/bin/bash")
    return tmp_path


@pytest.fixture
def filled_hub(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> HubServer:
    """A Hub on this machine with a model, on which a person is logged in."""
    monkeypatch.setenv("HF_TOKEN", OWNER)
    commit = hub.repo("my-org/dcgan-digits", files()).commit(files())
    hub.repos["my-org/dcgan-digits"].branches["v1"] = commit
    return hub


def carried_out(line: str) -> str:
    """What a command line of an example prints, run as a person types it."""
    words = [*shlex.split(line)[1:], *CUT.get(begins(line, CUT), ())]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, (line, done.output, done.exception)
    return str(done.output)


@pytest.mark.parametrize(
    "example",
    [
        pytest.param(*one.values, id=one.id, marks=[pytest.mark.slow] if begins(one.values[0].lines[0], SLOW) else [])
        for one in ALL
    ],
)
def test_an_example_does_what_it_says(
    example: Example, place: Path, filled_hub: HubServer, monkeypatch: pytest.MonkeyPatch, with_plugins: object
) -> None:
    needed = NEEDS.get(begins(example.lines[0], NEEDS))
    if needed:
        pytest.importorskip(needed)
        with_plugins("ganzoo-translate")  # type: ignore[operator]
    prepare(example.lines[0], place)
    for server in (Server, DemoServer):
        monkeypatch.setattr(server, "serve_forever", lambda self, **_: None)  # ended at once, as by Ctrl-C
    before = {path for path in place.rglob("*") if path.is_file()}
    for line in example.lines:
        said = carried_out(line)
        out = option(line, "--out") or option(line, "--draw") or option(line, "--html")
        assert said.strip() or "--check" in line
        assert out is None or (place / out).exists()
    made = {path for path in place.rglob("*") if path.is_file()} - before
    assert made or said.strip()


def option(line: str, name: str) -> str | None:
    words = shlex.split(line)
    return words[words.index(name) + 1] if name in words else None


def prepare(line: str, place: Path) -> None:
    """What a person has or has done before: other models, pictures, a score that was measured, a card, directions."""
    if "runs/stylegan2" in line:
        saved(place / "runs" / "stylegan2", "stylegan2:ch=4,w.dim=8")
    if "pictures" in line or "photo.png" in line:
        noise = torch.randint(0, 256, (24, 3, 40, 30), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
        (place / "pictures").mkdir()
        for index, picture in enumerate(to_pil(noise)):
            save_png(picture, place / "pictures" / f"{index}.png")
        shutil.copy(place / "pictures" / "0.png", place / "photo.png")
    if line.startswith(f"{PROGRAM}train") and line.endswith("--out runs/first"):
        shutil.rmtree(place / "runs" / "first")
    if "netG.pth" in line:
        torch.save(tutorial_weights(), place / "netG.pth")
    if line.startswith((f"{PROGRAM}verify", f"{PROGRAM}convert")) and "--data" in line:
        (place / "runs/first/metrics.json").unlink()
        carried_out("ganzoo eval runs/first --data digits --metrics swd -n 64")
    if "--check" in line or line.startswith(f"{PROGRAM}push"):
        carried_out("ganzoo card runs/first")
    if "--direction " in line or "--directions " in line:
        carried_out("ganzoo directions runs/first")
