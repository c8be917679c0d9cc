"""``ganzoo eval``, ``verify`` and ``leaderboard``, as they are typed."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eval_runs import NETWORK, evaluate, ganzoo
from tiny_scores import score

from ganzoo.folder.model import ModelFolder
from ganzoo.folder.scores import add_scores, read_scores

pytestmark = pytest.mark.usefixtures("own_cache")


# --- eval ---------------------------------------------------------------------------------------------------


def test_eval_prints_and_keeps_scores(run: Path, letters: Path) -> None:
    done = evaluate(run, letters, "--metrics", "fid, kid", "--split", "test")
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["score", "value", "better", "is"]
    assert [line.split()[0] for line in lines[1:]] == [f"{name}20-test@{NETWORK}-64" for name in ("fd", "kid")]
    assert [f"{one.value:.5g}" for one in read_scores(run)] == [line.split()[1] for line in lines[1:]]


def test_eval_json_has_every_field(run: Path, letters: Path) -> None:
    done = evaluate(run, letters, "--metrics", "is", "--seeds", 2, "--json")
    (found,) = json.loads(done.stdout)["scores"]
    assert found == read_scores(run)[0].to_json() and found["std"] is not None
    assert found["weights"] == ModelFolder(run).digest and found["dataset"]["name"] == "letters"


def test_eval_of_images_and_of_a_floor(run: Path, letters: Path, tmp_path: Path) -> None:
    images = tmp_path / "drawn"
    ganzoo("sample", run, "-n", 20, "--out", images)
    done = evaluate(images, letters, "--json", "--floor", letters / "0")
    (found,) = json.loads(done.stdout)["scores"]
    assert found["weights"] == "" and found["floor"] is not None and not (images / "metrics.json").exists()
    table = evaluate(images, letters).stdout
    assert "real images get" in table


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--metrics", "fdi"], "no metric is called"),
        (["--features", "resnett"], "no feature network"),
        (["--step", "x"], "--step x does not work"),
        (["--step", "99"], "no step"),
    ],
)
def test_eval_refuses(words: list[str], hint: str, run: Path, letters: Path) -> None:
    done = evaluate(run, letters, *words, status=1 if "99" in words else 2)
    assert hint in done.stderr and not read_scores(run)


def test_eval_of_nothing(letters: Path, tmp_path: Path) -> None:
    done = evaluate(tmp_path / "nowhere", letters, status=1)
    assert "there is no folder" in done.stderr


def test_the_other_split_needs_no_name(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def remember(*arguments: Any, **options: Any) -> list[Any]:
        asked.update(options)
        return []

    monkeypatch.setattr("ganzoo.scoring.score.evaluate", remember)
    ganzoo("eval", run, "--data", "digits", "--floor", "--json")
    assert asked["floor"] == "digits"
    ganzoo("eval", run, "--data", "digits", "--floor", "cifar10", "--json")
    assert asked["floor"] == "cifar10"
    ganzoo("eval", run, "--data", "digits", "--json")
    assert asked["floor"] is None and asked["metrics"] == "fid" and asked["n"] == 50_000


# --- verify -------------------------------------------------------------------------------------------------


def test_verify_confirms_what_eval_measured(run: Path, letters: Path) -> None:
    evaluate(run, letters, "--metrics", "fid,prdc,is", "--seeds", 2)
    evaluate(run, letters, "--metrics", "clean-fid,fid-infinity,kid", "--seed", 4, "--split", "test")
    done = ganzoo("verify", run, "--data", letters)
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["score", "recorded", "measured", "difference", "verdict"]
    assert len(lines) == 1 + len(read_scores(run)) == 10
    assert all(line.endswith("holds") and not line.endswith("not hold") for line in lines[1:])


def test_verify_finds_a_score_that_was_made_up(run: Path, letters: Path) -> None:
    evaluate(run, letters)
    (honest,) = read_scores(run)
    add_scores(run, [replace(honest, value=honest.value * 0.9)])
    done = ganzoo("verify", run, "--data", letters, "--json", status=1)
    told = json.loads(done.stdout)
    assert told["holds"] is False and told["verdicts"][0]["verdict"] == "does not hold"
    assert told["verdicts"][0]["measured"] == pytest.approx(honest.value)
    assert told["verdicts"][0]["difference"] == pytest.approx(honest.value * 0.1)
    ganzoo("verify", run, "--data", letters, "--tolerance", 0.2)


def test_verify_measures_no_other_protocol(run: Path, letters: Path) -> None:
    evaluate(run, letters)
    (honest,) = read_scores(run)
    assert "is not the data that was scored" in ganzoo("verify", run, "--data", letters / "0", status=1).stdout
    add_scores(run, [replace(honest, network={**honest.network, "sha256": "0" * 64})])
    done = ganzoo("verify", run, "--data", letters, status=1)
    assert "holds" in done.stdout and "other weights than the one that scored" in done.stdout


def test_verify_wants_scores_of_these_weights(run: Path, letters: Path) -> None:
    assert "has no scores of its weights" in ganzoo("verify", run, "--data", letters, status=1).stderr
    add_scores(run, [score()])
    assert "has no scores of its weights" in ganzoo("verify", run, "--data", letters, status=1).stderr


# --- leaderboard --------------------------------------------------------------------------------------------


@pytest.fixture
def runs(finished: Path, tmp_path: Path) -> Path:
    """Three models with scores of two protocols, and one on other data."""
    folder = tmp_path / "runs"
    for name, value in {"a": 30.0, "b": 10.0, "c|`x`": 20.0}.items():
        shutil.copytree(finished, folder / name, ignore=shutil.ignore_patterns("training", "log.jsonl"))
        now = score(weights=ModelFolder(folder / name).digest, value=value)
        precision = replace(now, key=now.key.replace("fd", "precision"), metric="precision", higher_is_better=True)
        add_scores(folder / name, [score(value=1.0), now, precision])
    other = {**now.dataset, "fingerprint": f"sha256:{'f' * 64}", "name": "evil\x1b[31m"}
    add_scores(folder / "a", [score(weights=ModelFolder(folder / "a").digest, value=0.5, dataset=other)])
    return folder


def test_leaderboard_ranks_like_with_like(runs: Path) -> None:
    boards = json.loads(ganzoo("leaderboard", runs, "--json").stdout)["leaderboards"]
    ranks = {
        (board["key"], board["dataset"]["name"]): [Path(row["model"]).name for row in board["ranking"]]
        for board in boards
    }
    key = "10k-test@tf_efficientnet_lite0.in1k-64"
    assert ranks == {
        (f"fd{key}", "cifar10"): ["b", "c|`x`", "a"],
        (f"fd{key}", "evil\x1b[31m"): ["a"],
        (f"precision{key}", "cifar10"): ["a", "c|`x`", "b"],
    }
    assert [row["rank"] for row in boards[0]["ranking"]] == [1, 2, 3]
    assert all(row["value"] != 1.0 for board in boards for row in board["ranking"])


def test_leaderboard_shows_each_protocol_apart(runs: Path) -> None:
    shown = ganzoo("leaderboard", runs, runs / "a").stdout
    assert "\x1b" not in shown and "evil\\x1b[31m" in shown
    tables = shown.split("\n\n")
    assert len(tables) == 3 and all(len(re.findall("better", table)) == 1 for table in tables)
    assert "(real images)" in tables[0]


def test_leaderboard_of_one_protocol(runs: Path) -> None:
    key = "precision10k-test@tf_efficientnet_lite0.in1k-64"
    shown = ganzoo("leaderboard", runs, "--protocol", key).stdout
    assert key in shown and "fd10k" not in shown
    done = ganzoo("leaderboard", runs, "--protocol", "precision10k-test", status=2)
    assert f"nearest: {key}" in done.stderr


def test_leaderboard_in_markdown_escapes(runs: Path) -> None:
    shown = ganzoo("leaderboard", runs, "--markdown").stdout
    assert "c\\|\\`x\\`" in shown and "\x1b" not in shown
    rows = [line for line in shown.splitlines() if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 7 for line in rows)


def test_leaderboard_of_runs_by_default(runs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert "runs/b" in ganzoo("leaderboard").stdout
    for folder in runs.iterdir():
        (folder / "metrics.json").unlink()
    assert "no scores" in ganzoo("leaderboard").stdout
    (tmp_path / "empty").mkdir()
    assert "holds no model" in ganzoo("leaderboard", "empty", status=2).stderr
    assert "is no folder" in ganzoo("leaderboard", "missing", status=2).stderr


def test_leaderboard_of_a_file_that_lies(runs: Path) -> None:
    (runs / "b" / "metrics.json").write_text('{"format": 1, "scores": [{}]}')
    assert "metrics.json" in ganzoo("leaderboard", runs, status=1).stderr


@pytest.mark.parametrize("command", ["eval", "verify", "leaderboard"])
def test_help_has_an_example(command: str) -> None:
    assert f"ganzoo {command} " in ganzoo(command, "--help").stdout.partition("Example")[2]
