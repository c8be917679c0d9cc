"""What the page of the study says comes from its results, and what cannot be told apart is not told apart."""

from __future__ import annotations

import json
import re
import shlex
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_runs import Labelled, tiny

import ganzoo
from ganzoo.cli.grid import grid
from ganzoo.grid.plan import GridRequest, make_grid

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / ".ci"))

import study  # noqa: E402
from study_cells import ACCURACY, DATA, FAMILIES, FD, KID, LABELLED, MNIST, NAMES, SEEDS, SMALL, cells, done  # noqa: E402
from study_page import BY_ACCURACY, BY_KID, QUESTIONS, Comparison, answer, page, suggested  # noqa: E402

Rows = dict[tuple[str, str, int], dict[str, Any]]
Make = Callable[[str, int], float]


def made(kid: Make, seeds: int = SEEDS, accuracy: Make = lambda name, seed: 0.5) -> Rows:
    """Results of every cell of the first seeds."""
    return {
        cell.key: {
            **{"data": cell.data.name, "name": cell.name, "seed": cell.seed, "protocol": cell.protocol},
            **{KID: kid(cell.name, cell.seed), FD: 100 * kid(cell.name, cell.seed), "steps": 2000, "minutes": 10.0},
            ACCURACY: accuracy(cell.name, cell.seed) if cell.name in LABELLED and cell.data is MNIST else None,
            **{"classes": None, "machine": "a processor", "code": "abc", "date": "2026-11-30"},
        }
        for cell in cells()
        if cell.seed < seeds
    }


def clear(name: str, seed: int) -> float:
    """Each recipe a tenth worse than the one before, and seeds that differ by a hundredth."""
    return float(1.1 ** NAMES.index(name) * (1 + 0.01 * seed))


# --- what is in docs ----------------------------------------------------------------------------------------


def test_the_page_and_what_train_suggests_are_made_from_the_results() -> None:
    """To make them anew: python .ci/study.py."""
    kept = done(study.results(study.DOCS))
    shown = {path.stem for path in (study.DOCS / study.STRIPS).glob("*.png")}
    assert (study.DOCS / study.PAGE).read_text(encoding="utf-8") == page(kept, shown), study.COMMAND
    assert json.loads(study.SUGGESTED.read_bytes()) == json.loads(json.dumps(suggested(kept))), study.COMMAND
    assert shown <= {f"{data.name}-{name}" for data in DATA for name in NAMES}


def test_every_result_is_of_a_cell() -> None:
    keys = {cell.key for cell in cells()}
    assert len(keys) == len(NAMES) * len(DATA) * SEEDS == 96
    assert all((row["data"], row["name"], row["seed"]) in keys for row in study.results(study.DOCS))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@pytest.mark.parametrize("data", DATA, ids=lambda data: data.name)
def test_the_command_of_a_family_is_one_of_grid(family: Any, data: Any) -> None:
    words = shlex.split(family.command(data))
    assert words[:2] == ["ganzoo", "grid"]
    given = grid.make_context("grid", words[2:], resilient_parsing=True).params
    assert given["patterns"] == tuple(family.recipes.values()) and given["seeds"] == SEEDS
    assert (given["budget"], given["clock"], given["threads"]) == ("10m", "cpu", 1)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_recipes_of_a_family_are_trained_with_its_settings(family: Any, tmp_path: Path) -> None:
    request = GridRequest(
        patterns=tuple(family.recipes.values()),
        data="digits",
        out=tmp_path / "g",
        settings=family.settings,
        resolution=32,
        train={"batch": family.batch},
        first_seed=2,
    )
    assert [job.seed for job in make_grid(request).jobs] == [2] * len(family.recipes)


def test_the_first_seed_of_all_comes_before_the_second_of_any() -> None:
    seeds = [cell.seed for cell in cells()]
    assert seeds == sorted(seeds)


# --- what is told apart -------------------------------------------------------------------------------------


def test_recipes_that_differ_by_more_than_seeds_do_are_told_apart() -> None:
    compared = Comparison.of(made(clear), MNIST, BY_KID, NAMES)
    assert compared.ranked == list(NAMES) and compared.equals == [NAMES[0]]
    assert compared.freedom == len(NAMES) * (SEEDS - 1)


def test_recipes_that_differ_by_less_than_seeds_do_are_equal() -> None:
    compared = Comparison.of(made(lambda name, seed: clear(name, 0) ** 0.01 * (1 + seed)), MNIST, BY_KID, NAMES)
    assert compared.equals == list(NAMES)


def test_the_interval_is_that_of_student() -> None:
    """Two recipes of the values 1, e and e², whose logarithms have the deviation 1: t of 4 degrees is 2.776."""
    names = NAMES[:2]
    text = Comparison.of(made(lambda name, seed: 2.718281828**seed), MNIST, BY_KID, names).text(names[0])
    mean, low, high = map(float, re.findall(r"[\d.]+", text))
    assert mean == pytest.approx(2.718, abs=0.01)
    assert low == pytest.approx(2.718281828 ** (1 - 2.776 / 3**0.5), rel=0.01)
    assert high == pytest.approx(2.718281828 ** (1 + 2.776 / 3**0.5), rel=0.01)


def test_one_seed_tells_nothing_apart() -> None:
    rows = made(clear, seeds=1)
    compared = Comparison.of(rows, MNIST, BY_KID, NAMES)
    assert compared.text(NAMES[1]) == "1.1" and compared.equals == list(NAMES)
    said = page(rows, set())
    assert "is not known. 1 of 3 seeds" in said and "**32 of 48 runs are still to be made**" in said
    assert "| = |" not in said


def test_accuracies_of_nought_and_one_have_log_odds() -> None:
    for value in (0.0, 1.0):
        assert BY_ACCURACY.back(BY_ACCURACY.there(value)) == pytest.approx(value, abs=1e-3)


# --- advice -------------------------------------------------------------------------------------------------


def test_a_question_is_answered_by_the_best_that_competes() -> None:
    rows = made(clear, accuracy=lambda name, seed: 0.9 - 0.2 * LABELLED.index(name) + 0.001 * seed)
    answers = {question.key: answer(rows, question) for question in QUESTIONS}
    assert {key: found.name for key, found in answers.items() if found} == {
        "small": "dcgan",
        "labels": LABELLED[0],
        "time": "dcgan",
    }
    told = suggested(rows)
    assert told["small"]["recipe"] == "dcgan:ch=32" and told["small"]["why"].startswith("KID 1.01 (")
    assert (
        told["labels"]["recipe"] == f"dcgan:ch=32+{LABELLED[0]}+onehot@g" and "accuracy 90.1%" in told["labels"]["why"]
    )
    assert "`dcgan:ch=32` (KID 1.01" in page(rows, set()) and "better than all others" in page(rows, set())


def test_of_equally_accurate_heads_the_one_of_the_least_kid_is_taken() -> None:
    last = LABELLED[-1]
    rows = made(lambda name, seed: 0.5 if name == last else clear(name, seed), accuracy=lambda name, seed: 0.9)
    found = answer(rows, next(question for question in QUESTIONS if question.key == "labels"))
    assert found is not None and found.name == last and set(found.equals) == set(LABELLED)


def test_nothing_is_said_until_every_recipe_was_tried() -> None:
    rows = made(clear)
    small = next(question for question in QUESTIONS if question.key == "small")
    for seed in range(SEEDS):
        del rows[SMALL.name, "r3gan", seed]
    assert answer(rows, small) is None and suggested(rows)["small"] is None
    assert f"not known yet; recipes tried: {len(small.names) - 1} of {len(small.names)}." in page(rows, set())
    assert suggested(rows)["time"] is not None


def test_a_recipe_that_failed_is_not_suggested() -> None:
    rows = made(clear)
    rows[SMALL.name, "dcgan", 1] = {**rows[SMALL.name, "dcgan", 1], "error": "it diverged"}
    del rows[SMALL.name, "dcgan", 1][KID], rows[SMALL.name, "dcgan", 1][FD]
    found = answer(rows, next(question for question in QUESTIONS if question.key == "small"))
    assert found is not None and found.name == "cr"
    said = page(rows, set())
    assert "**95 of 96 runs are done.** 1 failed." in said and "2 of 3, 1 failed" in said


# --- results ------------------------------------------------------------------------------------------------


def test_a_result_of_another_protocol_is_none_of_todays_cells() -> None:
    rows = list(made(clear, seeds=1).values())
    assert len(done(rows)) == 32
    rows[0]["protocol"] += " --batch 3"
    assert len(done(rows)) == 31


def test_results_are_kept_beside_those_that_are_there(tmp_path: Path) -> None:
    rows = list(made(clear).values())
    study.keep(rows[:2], tmp_path)
    study.keep([{**rows[1], KID: 7.0}, rows[2]], tmp_path)
    kept = study.results(tmp_path)
    assert len(kept) == 3 and 7.0 in [row[KID] for row in kept]


def test_a_result_says_what_its_run_says(tmp_path: Path) -> None:
    cell = next(cells())
    folder = tiny(tmp_path / "run").folder
    random = "tf_efficientnet_lite0.in1k:random"
    ganzoo.evaluate(
        folder, Labelled(60), metrics=["kid:subsets=2,size=8", "fid", "gan-test:steps=1"], n=12, features=random
    )
    row = study.result(cell, {"status": "done"}, folder, "abc")
    assert row["code"] == "abc" and row["steps"] == 4 and row[KID] is not None and row[FD] > 0 and row[ACCURACY] is None
    assert row["protocol"] == cell.protocol and row["minutes"] >= 0 and row["classes"] <= 3
    failed = study.result(cell, {"status": "failed", "error": "out of luck"}, folder, None)
    assert failed["error"] == "out of luck" and KID not in failed
    study.keep_strip(cell, folder, tmp_path)
    assert (tmp_path / "study" / f"{cell.data.name}-{cell.name}.png").is_file()


def test_results_of_a_grid_are_kept_as_soon_as_they_are_there(tmp_path: Path, capsys: Any) -> None:
    group = [cell for cell in cells() if cell.seed == 1 and cell.family.name == "heads" and cell.data is SMALL]
    runner = study.Runner(tmp_path, tmp_path, tmp_path)
    told: set[str] = set()
    runner.harvest(group, tmp_path / "grid", told)  # a grid that has not begun
    (tmp_path / "grid").mkdir()
    runs = [{"run": cell.name, "recipe": cell.recipe, "status": "waiting", "error": None} for cell in group]
    runs[0] |= {"status": "failed", "error": "out of luck"}
    (tmp_path / "grid" / "grid.json").write_text(json.dumps({"runs": runs}))
    for _ in range(2):
        runner.harvest(group, tmp_path / "grid", told)
    (row,) = study.results(tmp_path)
    assert (row["name"], row["seed"], row["error"]) == (group[0].name, 1, "out of luck")
    assert told == {group[0].name} and capsys.readouterr().out.count("out of luck") == 1


def test_a_grid_that_goes_on_keeps_what_was_missing(tmp_path: Path) -> None:
    group = [cell for cell in cells() if cell.seed == 1 and cell.family.name == "heads" and cell.data is SMALL]
    runs = [{"run": cell.name, "recipe": cell.recipe, "status": "failed", "error": cell.name} for cell in group]
    (tmp_path / "grid.json").write_text(json.dumps({"runs": runs}))
    told: set[str] = set()
    study.Runner(tmp_path, tmp_path, tmp_path).harvest(group[2:], tmp_path, told)
    assert [row["name"] for row in study.results(tmp_path)] == sorted(told) == sorted(cell.name for cell in group[2:])


def test_what_is_done_is_not_trained_again(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    rows = made(clear)
    del rows[SMALL.name, "ada", 2], rows[SMALL.name, "cr", 2]
    failed = rows[MNIST.name, "r1", 0]
    failed["error"] = "out of luck"
    study.keep(list(rows.values()), tmp_path)
    trained: list[list[tuple[str, str, int]]] = []
    monkeypatch.setattr(study.Runner, "train", lambda self, group: trained.append([cell.key for cell in group]))
    study.Runner(tmp_path, tmp_path, tmp_path).run(jobs=1)
    assert trained == [
        [(MNIST.name, "r1", 0)],
        [(SMALL.name, "cr", 2), (SMALL.name, "ada", 2)],
    ], "what failed is tried again, and recipes of one family go together"
    assert "3 cells to train, in 2 grids" in capsys.readouterr().out


def test_the_small_data_are_the_first_pictures_of_each_class(tmp_path: Path) -> None:
    names = [[f"00000/img{number:08d}.png", number % 3] for number in range(900)]
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as whole:
        for name, _ in names:
            whole.writestr(name, f"picture {name}")
        whole.writestr("dataset.json", json.dumps({"labels": names, "classes": ["a", "b", "c"]}))
    study.small(tmp_path / "all.zip", tmp_path / "some.zip")
    study.small(tmp_path / "all.zip", tmp_path / "again.zip")
    assert (tmp_path / "some.zip").read_bytes() == (tmp_path / "again.zip").read_bytes(), "it is the same every time"
    with zipfile.ZipFile(tmp_path / "some.zip") as part:
        index = json.loads(part.read("dataset.json"))
        assert sorted(index["labels"]) == sorted(names[:300]) and index["classes"] == ["a", "b", "c"]
        assert part.read(names[0][0]) == f"picture {names[0][0]}".encode()
