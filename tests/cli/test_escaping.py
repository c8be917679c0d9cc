"""Names of files and texts of folders reach no terminal and no page as they are: every command, one escaper."""

import ast
import json
import shutil
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from tiny_runs import Labelled, tiny

import ganzoo
from ganzoo.cli import main
from ganzoo.cli.show import show_json
from ganzoo.errors import DataError, GanzooError, UnknownPart, printable, printable_lines
from ganzoo.folder.scores import Score, add_scores
from ganzoo.watch.runs import Followed, summary

EVIL = "e\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\nFORGED <script>x</script>"
IN_A_PATH = EVIL.replace("/", "∕")  # noqa: RUF001


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of two steps whose folder, files, classes, data, licence and scores are called as a stranger likes."""

    class Evil(Labelled):
        classes = (EVIL, f"{EVIL}2", f"{EVIL}3")

    folder = tmp_path_factory.mktemp("escaping")
    run = tiny(folder / "run", "sngan-cond:ch=4", steps=2, data=Evil()).folder
    config = json.loads((run / "config.json").read_text())
    config["dataset"]["name"] = config["dataset"]["licence"] = EVIL
    config["selection"]["name"] = EVIL
    (run / "config.json").write_text(json.dumps(config))
    (run / "examples").mkdir()
    Image.new("L", (8, 8)).save(run / "examples" / f"{IN_A_PATH}.png")
    (run / IN_A_PATH).write_text("stays here")
    with open(run / "log.jsonl", "a") as log:
        log.write(json.dumps({"step": 2, "event": {"text": EVIL, "kind": EVIL, "action": EVIL}}) + "\n")
        log.write(json.dumps({"step": 2, "losses": {EVIL: 1.0}}) + "\nnonsense\n")
    add_scores(run, [score(ganzoo.folder.model.ModelFolder(run).digest)])
    return run


def score(weights):
    fixed = {"network": {"name": "pixels", "input": 16, "pretrained": False, "sha256": "a" * 64}, "resize": "bilinear"}
    data = {"name": EVIL, "fingerprint": f"sha256:{'b' * 64}", "split": "train", "count": 48}
    details = {"shown": EVIL}
    numbers = {"value": 1.0, "std": None, "samples": 8, "seed": 0, "seeds": 1, "step": 2, "seconds": 1.0}
    return Score("fd8-train@pixels", "fd", dataset=data, weights=weights, higher_is_better=False, details=details,
                 **fixed, **numbers)  # fmt: skip


@pytest.fixture
def evil(trained, tmp_path, monkeypatch):
    """The run under a name of the same kind, in a working directory with pictures that are called so too."""
    monkeypatch.chdir(tmp_path)
    for number in range(3):
        place = tmp_path / "data" / f"{IN_A_PATH}{number}"
        place.mkdir(parents=True)
        for name in ("a", f"{IN_A_PATH}"):
            Image.fromarray(torch.randint(0, 255, (16, 16), dtype=torch.uint8).numpy()).save(place / f"{name}.png")
        (place / f"{IN_A_PATH}.txt").write_text("no picture")
        (place / f"broken-{IN_A_PATH}.png").write_bytes(b"\x89PNG\r\n\x1a\n and nothing more")
    return shutil.copytree(trained, tmp_path / "runs" / IN_A_PATH)


COMMANDS = {
    "sample": ["sample", "RUN", "-n", "2"],
    "sample a class": ["sample", "RUN", "-n", "2", "--labels", "nothing"],
    "interpolate": ["interpolate", "RUN"],
    "attention": ["attention", "RUN"],
    "neighbours": ["neighbours", "data", "--data", "nothing", "--held-out", "data"],
    "directions": ["directions", "RUN", "-n", "2"],
    "sample along nothing": ["sample", "RUN", "--direction", "d0=1"],
    "card": ["card", "RUN", "--html", "page.html"],
    "card --check": ["card", "RUN", "--check"],
    "plot": ["plot", "RUN", "--keys", "*"],
    "plot nothing": ["plot", "RUN", "--keys", "nothing"],
    "leaderboard": ["leaderboard", "runs"],
    "leaderboard --json": ["leaderboard", "runs", "--json"],
    "leaderboard --markdown": ["leaderboard", "runs", "--markdown"],
    "compare": ["compare", "RUN", "RUN", "--html", "page.html"],
    "compare --json": ["compare", "RUN", "RUN", "--json"],
    "convert": ["convert", "RUN", "OUT"],
    "info": ["info", "RUN"],
    "push": ["push", "RUN", "org/name", "--dry-run", "--license", "mit"],
    "push to a folder": ["push", "RUN", "./OUT", "--license", "mit"],
    "eval": ["eval", "RUN", "--data", "data", "--metrics", "nothing"],
    "verify": ["verify", "RUN", "--data", "data"],
    "data check": ["data", "check", "data"],
    "data check --json": ["data", "check", "data", "--json"],
    "train on bad data": ["train", "sngan-cond:ch=4", "--data", "data", "--out", "OUT"],
    "train": ["train", "sngan-cond:ch=4", "--data", "data", "--skip-bad", "--steps", "1", "--batch", "2",
              "--out", "OUT"],
    "train --resume": ["train", "--resume", "RUN", "--steps", "3"],
    "train --resume of another": ["train", "--resume", "RUN", "--data", "data", "--skip-bad"],
    "train --out": ["train", "dcgan", "--data", "digits", "--out", "RUN"],
    "train --init": ["train", "dcgan:ch=4", "--data", "digits", "--init", "RUN", "--out", "OUT"],
    "bench": ["bench", "RUN"],
    "search": ["search", "--part", "RUN"],
    "pull": ["pull", "RUN"],
    "nothing there": ["sample", "runs/NONE"],
    "an unknown option": ["sample", "RUN", "--RUN"],
    "an unknown command": ["RUN"],
    "a bad choice": ["convert", "RUN", "OUT", "--dtype", "RUN"],
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_nothing_of_a_folder_steers_the_terminal(evil, name, tmp_path):
    words = [word.replace("RUN", f"runs/{IN_A_PATH}").replace("OUT", f"out-{IN_A_PATH}").replace("NONE", IN_A_PATH)
             for word in COMMANDS[name]]  # fmt: skip
    result = CliRunner().invoke(main, words)
    assert isinstance(result.exception, SystemExit | None), result.exception
    assert result.output
    for line in result.output.split("\n"):
        assert printable(line, None) == line and not line.startswith("FORGED"), line
    if result.exit_code:
        assert len(result.stderr.splitlines()[-1:]) == 1
    for page in tmp_path.glob("*.html"):
        text = page.read_text()
        assert printable_lines(text) == text and "<script>x" not in text
    for card in tmp_path.glob("*/*/README.md"):
        assert printable_lines(card.read_text()) == card.read_text() and "\nFORGED" not in card.read_text()


def test_watch_tells_pages_nothing_that_does_not_print(evil):
    def texts(value):
        if isinstance(value, dict):
            return [*value, *(text for inner in value.values() for text in texts(inner))]
        if isinstance(value, list):
            return [text for inner in value for text in texts(inner)]
        return [value] if isinstance(value, str) else []

    for told in (summary(evil), Followed(evil).state()):
        assert all(printable(text, None) == text for text in texts(told))


@pytest.mark.parametrize("text", ["caf\xe9 猫 \u3000", "a\xa0b", "plain"])
def test_what_prints_is_shown_as_it_is(text):
    assert printable(text) == text == printable(printable(text))


@pytest.mark.parametrize("letter", ["\x1b", "\n", "\r", "\t", "\x7f", "\x9b", "\u202e", "\u2028", "\u200b", "\udce9"])
def test_what_does_not_print_is_escaped_everywhere(letter, capsys):
    name = f"a{letter}b"
    assert printable(name).isprintable() and printable(name) != name
    assert str(GanzooError(f"{name} is bad")).isprintable() and str(DataError(name)).isprintable()
    assert str(UnknownPart(name)).isprintable()
    show_json({name: [name]})
    written = capsys.readouterr().out
    assert json.loads(written) == {name: [name]}
    assert all(line.isprintable() for line in written.splitlines()) and letter not in written.replace("\n", "")


def test_an_error_survives_being_pickled():
    import pickle

    again = pickle.loads(pickle.dumps(DataError(EVIL)))
    assert str(again) == str(DataError(EVIL)) and printable(str(again), None) == str(again)


PRINTING = [
    *(path for path in Path(ganzoo.__file__).parent.glob("cli/*.py") if path.name not in ("show.py", "__init__.py")),
    *Path(__file__).parents[2].glob("plugins/*/ganzoo_*/*.py"),
]


@pytest.mark.parametrize("path", sorted(PRINTING), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_command_prints_through_the_escaper(path):
    """``click.echo`` and ``print`` show what they are given; only ``show`` and ``main`` may, of what is escaped.

    A number that moves on a line of its own, without a newline, is none of that.
    """
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and "nl=False" not in map(ast.unparse, node.keywords):
            called = ast.unparse(node.func)
            assert called not in ("click.echo", "click.secho", "print"), f"{path.name}:{node.lineno} prints unescaped"
