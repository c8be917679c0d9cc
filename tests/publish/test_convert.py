"""``ganzoo convert``: half as many bytes, the same model, and scores that were measured of the new weights."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from eval_runs import evaluate, ganzoo
from safetensors.torch import load_file, save_file
from tiny_models import saved

import ganzoo as zoo
from ganzoo.card import check_card, drift
from ganzoo.folder.model import ModelFolder
from ganzoo.folder.scores import add_scores, read_scores

pytestmark = pytest.mark.usefixtures("own_cache")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("dtype", "digits"), [("float16", 2e-3), ("bfloat16", 2e-2)])
def test_a_cast_model_draws_the_same_with_half_the_bytes(dtype: str, digits: float, tmp_path: Path) -> None:
    saved(tmp_path / "first", "sngan-cond:ch=16", classes=3)
    before = files(tmp_path / "first")
    done = ganzoo("convert", tmp_path / "first", tmp_path / "half", "--dtype", dtype)
    assert "ganzoo eval" in done.stdout and files(tmp_path / "first") == before
    large, small = ((tmp_path / name / "model.safetensors").stat().st_size for name in ("first", "half"))
    assert small < 0.6 * large
    assert ModelFolder(tmp_path / "half").config == {**ModelFolder(tmp_path / "first").config, "dtype": dtype}
    old, new = (ModelFolder(tmp_path / name).load() for name in ("first", "half"))
    assert {parameter.dtype for parameter in new.parameters()} == {torch.float32}
    assert 0 < (old.sample(9, seed=3) - new.sample(9, seed=3)).abs().max() < digits


def test_casting_back_loses_nothing_more(tmp_path: Path) -> None:
    saved(tmp_path / "first")
    for source, target, dtype in (("first", "half", "float16"), ("half", "whole", "float32")):
        ganzoo("convert", tmp_path / source, tmp_path / target, "--dtype", dtype)
    half, whole = (zoo.load(tmp_path / name) for name in ("half", "whole"))
    assert torch.equal(half.sample(4, seed=0), whole.sample(4, seed=0))


def test_the_name_of_version_0_1_0_still_works_and_help_shows_the_new_one(tmp_path: Path) -> None:
    saved(tmp_path / "first")
    for name in ("cast", "convert"):
        ganzoo(name, tmp_path / "first", tmp_path / name)
    assert files(tmp_path / "cast").keys() == files(tmp_path / "convert").keys()
    commands = [
        line.split()[0] for line in ganzoo("--help").stdout.splitlines() if line.startswith("  ") and line.split()
    ]
    assert "convert" in commands and "cast" not in commands


@pytest.mark.slow
def test_the_folder_is_one_that_can_be_published(run: Path, tmp_path: Path) -> None:
    card = run / "README.md"
    card.write_text(card.read_text().replace("<!-- Write here.", "Mine.\n<!-- Write here."))
    ganzoo("card", run)
    ganzoo("convert", run, tmp_path / "half")
    half = tmp_path / "half"
    assert check_card(ModelFolder(half)) == [] and drift(ModelFolder(half)) == ""
    text = (half / "README.md").read_text()
    assert "Mine." in text and 'ganzoo.load("./half")' in text and "float16" in text
    assert "training" not in {path.name for path in half.iterdir()}
    assert (half / "pictures" / "curves.png").read_bytes() == (run / "pictures" / "curves.png").read_bytes()
    ganzoo("push", half, tmp_path / "published", "--unscored", "--license", "mit")
    ganzoo("convert", tmp_path / "published", tmp_path / "again", "--dtype", "float32")
    assert 'ganzoo.load("published")' in (tmp_path / "again" / "README.md").read_text()


def test_the_curves_of_a_run_are_drawn_although_its_card_never_was(run: Path, tmp_path: Path) -> None:
    shutil.rmtree(run / "pictures", ignore_errors=True)
    ganzoo("convert", run, tmp_path / "half")
    half = files(tmp_path / "half")
    assert "pictures/curves.png" in half and "log.jsonl" not in half
    assert "pictures/curves.png" in (tmp_path / "half" / "README.md").read_text()


def test_scores_are_measured_again_of_the_new_weights(run: Path, letters: Path, tmp_path: Path) -> None:
    evaluate(run, letters, "--metrics", "fid,kid,prdc", "--split", "test", "--floor", letters / "0")
    done = ganzoo("convert", run, tmp_path / "half", "--data", letters, "--tolerance", 0.05)
    assert done.stdout.splitlines()[0].split()[:2] == ["score", "recorded"]
    old, new = (
        {one.key: one for one in ModelFolder(run).own_scores},
        {one.key: one for one in ModelFolder(tmp_path / "half").own_scores},
    )
    assert old.keys() == new.keys() and len(old) == 6
    assert {one.weights for one in new.values()} == {ModelFolder(tmp_path / "half").digest} != {ModelFolder(run).digest}
    assert all(one.floor == old[key].floor and one.step == old[key].step for key, one in new.items())
    assert any(one.value != old[key].value for key, one in new.items())
    ganzoo("verify", tmp_path / "half", "--data", letters, "--tolerance", 1e-6)


def test_a_score_that_moves_keeps_the_folder_from_being_written(
    run: Path,
    letters: Path,
    tmp_path: Path,
) -> None:
    evaluate(run, letters, "--metrics", "fid,kid")
    honest = read_scores(run)[0]
    add_scores(run, [replace(honest, value=honest.value * 0.9)])
    done = ganzoo("convert", run, tmp_path / "half", "--data", letters, status=1)
    assert "does not hold" in done.stdout
    assert f"{honest.key} moved by more than 1.00%" in done.stderr and "--tolerance" in done.stderr
    assert list(tmp_path.glob("*half*")) == []
    ganzoo("convert", run, tmp_path / "half", "--data", letters, "--tolerance", 0.2)
    assert json.loads((tmp_path / "half" / "metrics.json").read_text())["scores"][0]["value"] != honest.value


def test_scores_that_cannot_be_measured_again_stay_out(run: Path, letters: Path, tmp_path: Path) -> None:
    evaluate(run, letters, "--metrics", "fid")
    honest = read_scores(run)[0]
    foreign = replace(honest, key=honest.key.replace("fd", "accuracy-of-mine"), metric="accuracy-of-mine")
    add_scores(run, [foreign])
    done = ganzoo("convert", run, tmp_path / "half", "--data", letters, "--tolerance", 0.05)
    assert "not measured" in done.stdout
    assert [one.metric for one in read_scores(tmp_path / "half")] == ["fd"]
    done = ganzoo("convert", run, tmp_path / "other", "--data", letters / "0", status=1)
    assert "is not the data that was scored" in done.stderr and not (tmp_path / "other").exists()


def test_weights_that_half_precision_cannot_hold(tmp_path: Path) -> None:
    saved(tmp_path / "first")
    path = tmp_path / "first" / "model.safetensors"
    tensors = load_file(path)
    name = next(iter(tensors))
    save_file({**tensors, name: torch.full_like(tensors[name], 1e5)}, path)
    done = ganzoo("convert", tmp_path / "first", tmp_path / "half", status=1)
    assert name in done.stderr and "1e+05" in done.stderr and "--dtype bfloat16" in done.stderr
    ganzoo("convert", tmp_path / "first", tmp_path / "half", "--dtype", "bfloat16")


@pytest.mark.parametrize(
    ("words", "status", "hint"),
    [
        (["first", "first"], 2, "is there already"),
        (["first", "half", "--dtype", "float8"], 2, "float32, bfloat16 or float16"),
        (["first", "half", "--dtype", "float32"], 2, "are float32 already"),
        (["first", "half", "--data", "digits"], 1, "no scores of its weights"),
        (["nowhere", "half"], 1, "there is no folder nowhere"),
    ],
)
def test_cast_refuses(
    words: list[str], status: int, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    saved(Path("first"))
    shutil.copytree("first", "before")
    assert hint in ganzoo("convert", *words, status=status).stderr
    assert files(Path("first")) == files(Path("before")) and not Path("half").exists()
