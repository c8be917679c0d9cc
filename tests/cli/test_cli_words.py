"""Small words: one of a thing is not several, and what is said of a short run is true."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from ganzoo.cli import main
from ganzoo.errors import counted


def said(*words: object, status: int = 0) -> str:
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == status, result.output
    return result.output


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [(1, "class", "1 class"), (0, "class", "0 classes"), (2, "class", "2 classes"), (1000, "image", "1,000 images")],
)
def test_one_is_one(number: int, noun: str, text: str) -> None:
    assert counted(number, noun) == text


def test_commands_count_so(model: Path, tmp_path: Path) -> None:
    assert ", 1 class, " in said("build", "dcgan:ch=2+onehot", "--classes", 1)
    assert "1 image: " in said("sample", model, "-n", 1, "--out", tmp_path / "a.png")
    assert "1 row of 2 images: " in said("interpolate", model, "--rows", 1, "--steps", 2, "--out", tmp_path / "b.png")


def test_a_finished_run_without_lines_is_not_waited_for(run: Path, tmp_path: Path) -> None:
    short = shutil.copytree(run, tmp_path / "short")
    (short / "log.jsonl").write_text("")
    text = said("plot", short, "--out", tmp_path / "a.png", status=1)
    assert "wait" not in text and "ganzoo train --log-every N" in text


def test_a_legend_stands_beside_its_curves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from matplotlib.axes import Axes

    from ganzoo.visual.curves import Curve, plot

    seen = []
    monkeypatch.setattr(Axes, "legend", lambda self, **words: seen.append(words["bbox_to_anchor"]))
    curves = [Curve("run", key, [1, 2], [1.0, 2.0]) for key in ("losses/d/loss", "losses/g/loss")]
    plot(curves, tmp_path / "a.svg")
    assert seen == [(1.0, 1.0)]
