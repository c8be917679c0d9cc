"""``ganzoo compare``: models side by side."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from tiny_models import change_config, saved, score

from ganzoo.cli import main
from ganzoo.folder.model import ModelFolder
from ganzoo.folder.scores import add_scores
from ganzoo.images import grid, to_uint8
from ganzoo.scoring.compare import TableRow


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders ``a`` and ``b``; ``b`` has another loss, spectral norm in D, and another learning rate."""
    monkeypatch.chdir(tmp_path)
    saved(tmp_path / "a")
    saved(tmp_path / "b", "dcgan:ch=4+sn@d+hinge", settings={"lr.g": "1e-4"}, seed=5)
    return tmp_path


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["compare", *map(str, words)])


def compared(*words: object) -> dict:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def line(result: Result, name: str) -> str:
    """The line of a table that begins with a name, or with the mark and the name."""
    return next(text for text in result.stdout.splitlines() if re.match(rf"(≠| ) +{re.escape(name)} ", text))


def test_what_differs_is_marked(models: Path) -> None:
    result = run("a", "b")
    assert result.exit_code == 0, result.output
    assert line(result, "recipe").split() == ["≠", "recipe", "dcgan:ch=4", "dcgan:ch=4+sn@d+hinge"]
    assert line(result, "resolution").split() == ["resolution", "16", "16"]
    assert line(result, "loss").split() == ["≠", "loss", "bce", "hinge"]
    assert line(result, "normalization@g").split() == ["normalization@g", "bn", "bn"]
    assert line(result, "weight@d").split() == ["≠", "weight@d", "\u2013", "sn"]
    assert line(result, "lr.g").split() == ["≠", "lr.g", "0.0002", "0.0001"]
    assert "lr.d" not in result.stdout


def test_json_has_a_value_for_each_model_in_their_order(models: Path) -> None:
    found = compared("a", "b", "a/")
    assert found.keys() == {"models", "parts", "settings", "sizes", "scores"}
    assert [model["recipe"] for model in found["models"]] == ["dcgan:ch=4", "dcgan:ch=4+sn@d+hinge", "dcgan:ch=4"]
    assert len({model["name"] for model in found["models"]}) == 3
    assert found["settings"] == {"lr.g": ["0.0002", "0.0001", "0.0002"]}
    assert found["parts"]["weight@d"] == [None, "sn", None]
    gan = ModelFolder(models / "a").load()
    parameters = sum(parameter.numel() for parameter in gan.G.parameters())
    assert found["sizes"]["parameters of G"] == [parameters] * 3
    size = (models / "a" / "model.safetensors").stat().st_size
    assert found["sizes"]["MB of model.safetensors"][0] == pytest.approx(size / 1e6, abs=1e-3)


def test_scores_of_one_protocol_stand_side_by_side(models: Path) -> None:
    add_scores("a", [score(models / "a", value=20.0), score(models / "a", "precision", 0.5)])
    add_scores("b", [score(models / "b", value=10.0), score(models / "b", "precision", 0.25)])
    rows = compared("a", "b")["scores"]
    values = {row["key"].split("300")[0]: ([one["value"] for one in row["values"]], row["best"]) for row in rows}
    assert values == {"fd": ([20.0, 10.0], 1), "precision": ([0.5, 0.25], 0)}
    shown = run("a", "b").stdout
    assert re.search(r"fd300-test@\S+ +digits, test +lower +20 +10 \*", shown)


@pytest.mark.parametrize(
    "change",
    [{"samples": 500}, {"network": "inception-v3-compat"}, {"resize": "clean"},
     {"dataset": {"name": "digits", "fingerprint": f"sha256:{'9' * 64}", "split": "test", "count": 359}}],
    ids=["n", "network", "resize", "data"],
)  # fmt: skip
def test_scores_of_other_protocols_or_data_are_never_in_one_row(models: Path, change: dict) -> None:
    add_scores("a", [score(models / "a")])
    add_scores("b", [score(models / "b", **change)])
    rows = compared("a", "b")["scores"]
    assert [[one is None for one in row["values"]] for row in rows] == [[False, True], [True, False]]
    assert [row["best"] for row in rows] == [None, None]
    assert "No two of them have a score of the same protocol" in run("a", "b").stdout


def test_scores_of_earlier_weights_do_not_count(models: Path) -> None:
    add_scores("a", [score(models / "a", weights="7" * 64)])
    assert compared("a", "b")["scores"] == [] and "none of them has one" in run("a", "b").stdout


def test_of_several_scores_that_of_most_seeds_is_shown(models: Path) -> None:
    add_scores("a", [score(models / "a", value=3.0, seeds=3, std=0.5), score(models / "a", value=9.0, seed=4)])
    (row,) = compared("a", "b")["scores"]
    assert row["values"][0]["value"] == 3.0 and row["values"][0]["seeds"] == 3


def test_the_page_holds_samples_of_the_same_seed(models: Path) -> None:
    add_scores("a", [score(models / "a", value=20.0)])
    result = run("a", "b", "--html", "out.html", "--seed", "3")
    assert result.exit_code == 0, result.output
    page = (models / "out.html").read_text()
    found = [base64.b64decode(data) for data in re.findall(r'src="data:image/png;base64,([^"]+)"', page)]
    for name, data in zip("ab", found, strict=True):
        expected = grid(to_uint8(ModelFolder(models / name).load().sample(36, seed=3), low=0), 6)
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), np.asarray(expected))
    assert "dcgan:ch=4+<mark>sn@d</mark>+<mark>hinge</mark>" in page and '<tr><td>loss</td><td class="differs">' in page
    assert "default-src 'none'" in page and 'src="http' not in page and "20" in page


def test_strangers_text_stays_text(models: Path) -> None:
    change_config(models / "a", dataset={"name": "<script>\x1b[31m"}, license="<b>")
    result = run("a", "b", "--html", "out.html")
    assert result.exit_code == 0, result.output
    page = (models / "out.html").read_text()
    assert "\x1b" not in result.stdout + page and "<script" not in page and "&lt;b&gt;" in page


def test_what_cannot_be_compared_is_refused(models: Path) -> None:
    alone = run("a")
    assert alone.exit_code == 2 and "another model" in alone.stderr
    assert run("a", "b", "--html", "out.pdf").exit_code == 2
    (models / "b" / "model.safetensors").unlink()
    broken = run("a", "b")
    assert broken.exit_code == 1 and "model.safetensors" in broken.stderr


@pytest.mark.parametrize(
    ("values", "odd"),
    [
        ((1, 1), ()),
        ((1, 2), (0, 1)),
        ((1, 1, 2), (2,)),
        ((1, 2, 3), ()),
        ((None, 2, 2, 2), (0,)),
        ((2, 1, 1, 2), (1, 2)),
        ((4,), ()),
    ],
)
def test_marks_are_of_what_stands_apart(values: tuple[object, ...], odd: tuple[int, ...]) -> None:
    assert TableRow("x", values).odd == frozenset(odd)
