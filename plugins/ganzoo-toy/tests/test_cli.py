import json
import shlex

import click
import pytest
from click.testing import CliRunner
from ganzoo_toy.cli import toy
from PIL import Image

from ganzoo import UsageError
from ganzoo.cli.kit import GROUPS, about_of


def run(*words):
    return CliRunner().invoke(toy, list(words), catch_exceptions=False, standalone_mode=False)


@pytest.mark.parametrize(
    "words, key",
    [
        (("matrix", "matching-pennies", "--steps", "50"), "exploitability"),
        (("duel", "saddle", "--steps", "20"), "distance"),
        (("dirac", "hinge+r1", "--steps", "3"), "distance"),
        (("mixture", "wgan+gp", "--steps", "2", "--set", "batch=8"), "modes"),
    ],
)
def test_each_game_draws_and_tells(words, key, tmp_path):
    out = tmp_path / "picture.png"
    told = run(*words, "--json", "--out", str(out))
    assert key in json.loads(told.stdout)
    assert Image.open(out).width > 300


SHOWN = {example: None for command in (toy, *toy.commands.values()) for example in about_of(command).examples}


def test_every_game_has_a_group_and_two_examples():
    for command in (toy, *toy.commands.values()):
        assert about_of(command).group in GROUPS and len(about_of(command).examples) >= 2, command.name


@pytest.mark.slow
@pytest.mark.parametrize("example", SHOWN, ids=lambda example: example.lines[0])
def test_an_example_does_what_it_says(example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for line in example.lines:
        words = shlex.split(line)
        assert run(*words[2:]).stdout.strip()
        assert "--out" not in words or (tmp_path / words[words.index("--out") + 1]).is_file()


def test_an_animation_has_a_frame_for_each_look(tmp_path):
    out = tmp_path / "animation.gif"
    run("mixture", "bce", "--steps", "3", "--set", "batch=8", "--out", str(out))
    assert Image.open(out).n_frames == 4


def test_the_same_play_gives_the_same_bytes(tmp_path):
    first, second = tmp_path / "a.png", tmp_path / "b.png"
    for out in (first, second):
        run("matrix", "--steps", "20", "--out", str(out))
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    "words, said",
    [
        (("matrix", "--out", "a.jpg"), "no ending"),
        (("matrix", "--dynamics", "luck"), "no dynamics"),
        (("duel", "x*y"), "no function"),
        (("mixture", "--data", "cloud"), "no mixture"),
        (("mixture", "--set", "lr.d"), "NAME=VALUE"),
        (("dirac", "--out", "nowhere/at/all.png"), "no folder"),
    ],
)
def test_bad_input_is_one_clear_line(words, said):
    with pytest.raises(UsageError, match=said):
        run(*words)


@pytest.mark.parametrize("game", ["matrix", "duel", "dirac", "mixture"])
@pytest.mark.parametrize("path, why", [("", "it is empty"), ("~nosuchuser/x.png", "there is no user 'nosuchuser'")])
def test_paths_that_cannot_be_meant_are_refused(game, path, why):
    with pytest.raises(click.BadParameter, match=why):
        run(game, "--out", path)
