"""What the page of learning says comes from runs, and has every built-in network and way for labels to enter."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from tiny_runs import Labelled, tiny

import ganzoo
from ganzoo.cli.train import train
from ganzoo.registry.loading import registry
from ganzoo.registry.recipe import Recipe

ROOT = Path(__file__).resolve().parents[1]


def script() -> Any:
    """``.ci/learning.py`` as a module."""
    spec = importlib.util.spec_from_file_location("learning", ROOT / ".ci" / "learning.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


LEARNING = script()
ROWS, FEW = (json.loads(path.read_bytes()) for path in (LEARNING.RESULTS, LEARNING.FEW))


def page() -> str:
    """What is in docs."""
    return str(LEARNING.PAGE.read_text(encoding="utf-8"))


def test_the_page_is_made_from_the_results() -> None:
    """To make it anew: python .ci/learning.py."""
    written, wanted = (text.partition("## Not tried yet")[0] for text in (page(), LEARNING.page(ROWS, FEW)))
    assert written == wanted, LEARNING.COMMAND
    assert LEARNING.SHEET.stat().st_size < 300_000


@pytest.mark.parametrize("kind", ["architecture", "conditioning"])
def test_every_built_in_has_a_row_or_stands_under_what_was_not_tried(kind: str) -> None:
    shown = {name for row in ROWS for name in LEARNING.parts_of(row, kind)}
    own = [entry.name for entry in registry().entries(kind) if entry.distribution == LEARNING.OWN]
    assert len(own) > 7
    rest = page().partition("## Not tried yet")[2]
    for name in own:
        assert name in shown or f"`{name}`" in rest, f"{name} is not on docs/learning.md: {LEARNING.COMMAND}"


def test_on_a_thousand_digits_ada_beats_the_same_without_it_by_more_than_both_spreads() -> None:
    with_ada = [row for row in FEW if "+ada" in row["recipe"]]
    assert len(with_ada) >= 2
    for row in with_ada:
        plain = next(
            one for one in FEW if one["recipe"] == row["recipe"].partition("+ada")[0] and one["seed"] == row["seed"]
        )
        assert row["kid"] + row["spread"] < plain["kid"] - plain["spread"] and plain["steps"] == row["steps"]


@pytest.mark.parametrize("row", [*ROWS, *FEW], ids=lambda row: row.get("run") or f"{row['recipe']} {row['seed']}")
def test_the_command_of_a_row_parses(row: dict[str, Any]) -> None:
    words = shlex.split(row["command"])
    assert words[:2] == ["ganzoo", "train"]
    made = train.make_context("train", words[2:], resilient_parsing=True)
    assert made.params["steps"] == row["steps"] and made.params["threads"] == 1
    assert Recipe.parse(words[2])


@pytest.mark.parametrize(
    ("accuracy", "classes", "learned"),
    [(0.8, 10, True), (0.79, 10, False), (0.95, 8, False), (None, 9, True), (None, 8, False)],
)
def test_what_counts_as_learned(accuracy: float | None, classes: int, learned: bool) -> None:
    row = {**ROWS[0], "run": "tried", "accuracy": accuracy, "classes": classes, "of": 10}
    assert LEARNING.learnt(row) is learned
    learnt, _, short = LEARNING.page([row], FEW).partition("Tried, and short of it")
    assert ("| tried |" in learnt, "| tried |" in short) == (learned, not learned)


def test_a_row_says_what_its_run_says(tmp_path: Path) -> None:
    out = tmp_path / "run"
    tiny(out, "dcgan:ch=4+onehot", settings={"lr.d": 1e-3, "betas": "0.5/0.9"})
    assert LEARNING.result(out) is None
    ganzoo.evaluate(out, Labelled(60), metrics=["gan-test:steps=1"], n=6)
    row = LEARNING.result(out)
    assert row["steps"] == 4 and row["of"] == 3 and row["samples"] == 6 and 0 <= row["accuracy"] <= 1
    assert {"architecture/dcgan", "conditioning/onehot"} <= set(row["parts"])
    assert re.search(r"--batch 4 --set \S+ --set \S+ --threads 1$", row["command"])
    assert "--set lr.d=0.001" in row["command"] and "--set betas=0.5/0.9" in row["command"]
