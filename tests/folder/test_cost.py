"""What a training cost: measured by a run, told by its card, published with the model, or a person's words."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tiny_models import saved
from tiny_runs import tiny

from ganzoo.card import make_card
from ganzoo.cli import main
from ganzoo.errors import ModelError
from ganzoo.folder.cost import COST, cost_text, duration
from ganzoo.folder.model import ModelFolder

MEASURED = {
    "seconds": 7200.0,
    "processor_seconds": 5400.0,
    "processor": "A CPU | of <b>somebody</b>",
    "threads": 1,
    "processes": 1,
    "steps": 16000,
}


def run(*words: object) -> Any:
    return CliRunner().invoke(main, [str(word) for word in words])


def with_field(folder: Path, cost: object) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), COST: cost}))
    return folder


def row(folder: Path) -> str:
    """The cost in the card that a folder would have."""
    (line,) = [line for line in make_card(ModelFolder(folder)).splitlines() if line.startswith("| Cost |")]
    return line.removeprefix("| Cost | ").removesuffix(" |")


def test_a_run_tells_its_cost_and_publishes_it(tmp_path: Path) -> None:
    folder = tiny(tmp_path / "run", steps=3).folder
    card = (folder / "README.md").read_text()
    assert f"| Cost | {row(folder)} |" in card and "of processor time" in row(folder) and "; 3 steps" in row(folder)
    assert "| Images seen | " in card
    notes = json.loads((folder / "training" / "run.json").read_text())
    assert COST not in json.loads((folder / "config.json").read_text()), "which two equal runs have alike"
    result = run("push", folder, tmp_path / "published", "--license", "mit", "--unscored")
    assert result.exit_code == 0, result.output
    cost = json.loads((tmp_path / "published" / "config.json").read_text())[COST]
    assert (cost["seconds"], cost["steps"]) == (notes["seconds"], 3) and cost["processor"] == notes["processor"]
    assert not (tmp_path / "published" / "training").exists() and row(tmp_path / "published") == row(folder)
    assert run("card", tmp_path / "published", "--check").exit_code == 0
    result = run("convert", folder, tmp_path / "half")
    assert result.exit_code == 0, result.output
    assert row(tmp_path / "half") == row(folder), "of the same training"


def test_the_card_stays_that_of_its_folder_while_a_run_ends_and_goes_on(tmp_path: Path) -> None:
    folder = tiny(tmp_path / "run", steps=2).folder
    notes = folder / "training" / "run.json"
    for seconds in (10.0, 4000.0):
        notes.write_text(json.dumps({**json.loads(notes.read_text()), "processor_seconds": seconds}))
        assert duration(seconds) in row(folder)
        assert run("card", folder).exit_code == 0 and run("card", folder, "--check").exit_code == 0


def test_what_nobody_kept_is_said_to_be_unknown(tmp_path: Path) -> None:
    saved(tmp_path / "model")
    assert row(tmp_path / "model") == "not kept"
    result = run("card", tmp_path / "model", "--cost", "about an hour of *my* laptop")
    assert result.exit_code == 0, result.output
    assert row(tmp_path / "model").startswith(r"about an hour of \*my\* laptop (as a person says")
    assert run("card", tmp_path / "model").exit_code == 0 and "laptop" in row(tmp_path / "model"), "and is kept"


def test_words_do_not_stand_in_for_what_was_measured(tmp_path: Path) -> None:
    folder = tiny(tmp_path / "run", steps=2).folder
    saved(tmp_path / "model")
    published = with_field(tmp_path / "model", MEASURED)
    for place in (folder, published):
        before = (place / "config.json").read_bytes()
        result = run("card", place, "--cost", "a minute")
        assert result.exit_code == 2 and "was measured" in result.stderr and len(result.stderr.splitlines()) == 1
        assert (place / "config.json").read_bytes() == before
    result = run("card", published, "--cost", "words " * 60)
    assert result.exit_code == 2 and "300" in result.stderr
    assert run("card", published, "--check", "--cost", "a minute").exit_code == 2


def test_a_cost_is_told_in_hours_of_what(tmp_path: Path) -> None:
    saved(tmp_path / "model")
    shown = row(with_field(tmp_path / "model", {**MEASURED, "new": 1}))
    assert shown.startswith("1.5 hours of processor time, 2.0 hours on the wall on A CPU")
    assert "<b>" not in shown and " | " not in shown and "1 thread; 16,000 steps" in shown
    two = cost_text({**MEASURED, "processes": 2, "threads": 4})
    assert "of processor time" not in two, "run.json counts that of one process"
    assert "2.0 hours on the wall" in two and "4 threads, 2 processes" in two
    gpu = cost_text({**MEASURED, "device": "cuda:0", "processor": "NVIDIA H200", "threads": 8})
    assert gpu == "2.0 hours on the wall on NVIDIA H200; 16,000 steps", "of what computed"
    assert [duration(seconds) for seconds in (5.0, 90.0, 600.0, 5400.0)] == [
        "5 seconds", "90 seconds", "10 minutes", "1.5 hours",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "cost",
    [
        "an hour",
        {"said": ""},
        {"said": "x" * 301},
        {**MEASURED, "seconds": "long"},
        {**MEASURED, "seconds": -1.0},
        {**MEASURED, "processor_seconds": 1e999},
        {**MEASURED, "threads": 0},
        {**MEASURED, "device": ""},
        {**MEASURED, "processor": 3},
        {"seconds": 5.0, "processor_seconds": None},
    ],
)
def test_a_cost_that_makes_no_sense_is_refused(tmp_path: Path, cost: object) -> None:
    saved(tmp_path / "model")
    with pytest.raises(ModelError, match=r"config\.json"):
        _ = ModelFolder(with_field(tmp_path / "model", cost)).config


def test_older_folders_have_no_cost_and_load(tmp_path: Path) -> None:
    folder = tiny(tmp_path / "run", steps=1).folder
    shutil.rmtree(folder / "training")
    assert row(folder) == "not kept" and ModelFolder(folder).load() is not None
