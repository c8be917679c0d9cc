"""A card says what its folder has, whoever wrote to the folder last: a training, a resumed one, a later score."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tiny_runs import Labelled, resume, tiny

import ganzoo
from ganzoo.card import write_card
from ganzoo.cli import main
from ganzoo.folder.model import ModelFolder


def up_to_date(folder: Path) -> bool | str:
    """Whether it is; else how it differs."""
    result = CliRunner().invoke(main, ["card", str(folder), "--check"])
    return result.exit_code == 0 or result.output


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"steps": 1},
        {"steps": 3},
        {"eval_every": 2, "eval_n": 8, "metrics": ["fid"], "features": "test_efficientnet:random"},
    ],
    ids=["plain", "one step", "uneven", "scored"],
)
def test_a_run_leaves_the_card_that_its_folder_has(tmp_path: Path, options: dict[str, Any]) -> None:
    folder = tiny(tmp_path / "run", **options).folder
    assert up_to_date(folder) is True
    if options.get("steps") == 1:
        resume(folder, steps=3)
        assert up_to_date(folder) is True


def test_a_score_of_later_is_in_the_card_unless_somebody_changed_it(run: Path) -> None:
    def scored() -> str:
        options = {"metrics": ["fid"], "features": "test_efficientnet:random", "n": 8}
        ganzoo.evaluate(run, Labelled(), seed=len(list(run.iterdir())), **options)
        return (run / "README.md").read_text()

    write_card(ModelFolder(run))
    assert "fd8-" in scored() and up_to_date(run) is True
    ours = (run / "README.md").read_text() + "\nwritten by hand, outside of the marks\n"
    (run / "README.md").write_text(ours)
    assert scored() == ours
    (run / "README.md").unlink()
    ganzoo.evaluate(run, Labelled(), metrics=["fid"], features="test_efficientnet:random", n=8, seed=3)
    assert not (run / "README.md").exists()
