"""Whether a card may be published and is the one its folder would have; and a card as a web page."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_models import change_config, run, saved, score, write

from ganzoo.card import check_card, draw_pictures, drift, make_card
from ganzoo.errors import ModelError
from ganzoo.folder.model import ModelFolder
from ganzoo.folder.scores import add_scores

# --- the checks ---------------------------------------------------------------------------------------------


def test_check_says_whether_the_card_is_what_its_folder_would_have(scored: Path) -> None:
    assert run("card", scored, "--check").exit_code == 1
    made = run("card", scored)
    assert made.exit_code == 0 and made.stdout == f"{scored / 'README.md'}\n", made.output
    fine = run("card", scored, "--check")
    assert fine.exit_code == 0 and "up to date" in fine.stdout
    text = (scored / "README.md").read_text()
    (scored / "README.md").write_text(text.replace("12.35", "2.35"))
    edited = run("card", scored, "--check")
    assert edited.exit_code == 1 and "-| FD | **2.35**" in edited.stdout and "+| FD | **12.35**" in edited.stdout
    assert (scored / "README.md").read_text() == text.replace("12.35", "2.35")
    run("card", scored)
    add_scores(scored, [score(scored, value=3.5)])
    newer = run("card", scored, "--check")
    assert newer.exit_code == 1 and "problem: the scores in README.md" in newer.stdout


def test_a_long_difference_is_cut(scored: Path) -> None:
    (scored / "README.md").write_text("words\n" * 100)
    assert len(drift(ModelFolder(scored)).splitlines()) <= 26 and "lines more" in drift(ModelFolder(scored))


def spoil(folder: Path, old: str, new: str) -> None:
    text = (folder / "README.md").read_text()
    assert old in text
    (folder / "README.md").write_text(text.replace(old, new))


SPOILT = {
    "no YAML block": ("---\n", "----\n", "does not begin with a YAML block"),
    "bad YAML": ("library_name: ganzoo", "library_name: [ganzoo", "cannot be read"),
    "a Python object": ("value: 12.345", "value: !!python/object/apply:os.getcwd []", "cannot be read"),
    "an infinite score": ("value: 12.345", "value: .inf", "holds inf"),
    "another score": ("value: 12.345", "value: 2.345", "are not those of the weights"),
    "no scores": ("model-index", "model-indices", "are not those of the weights"),
    "a date": ("library_name: ganzoo", "library_name: ganzoo\nwhen: 2026-01-01", "holds a date"),
    "another licence": ("license: apache-2.0", "license: mit", "license of README.md is 'mit'"),
    "another library": ("library_name: ganzoo", "library_name: timm", "library_name"),
    "no title": ("\n# first", "\nfirst", "no title"),
    "a picture that is not there": ("](samples.png)", "](pictures/classes.png)", "which is not there"),
    "a picture elsewhere": ("](samples.png)", "](../samples.png)", "not among the files"),
    "a local address": ("](samples.png)", "](file:///etc/passwd)", "not among the files"),
    "a file that is not published": ("](samples.png)", "](training/run.json)", "not among the files"),
    "a mark without partner": ("<!-- ganzoo:end notes -->", "", "no partner"),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILT)
def test_what_cannot_be_published_is_named(scored: Path, name: str) -> None:
    write(scored)
    assert check_card(ModelFolder(scored)) == []
    old, new, message = SPOILT[name]
    spoil(scored, old, new)
    assert any(message in problem for problem in check_card(ModelFolder(scored))), check_card(ModelFolder(scored))


def test_a_licence_that_the_hub_does_not_know_is_named(model: Path) -> None:
    change_config(model, license="my-own")
    write(model)
    assert any("'my-own'" in problem for problem in check_card(ModelFolder(model)))


def test_pictures_of_other_weights_are_named(model: Path) -> None:
    draw_pictures(ModelFolder(model))
    write(model)
    assert check_card(ModelFolder(model)) == []
    saved(model.parent / "other", seed=3)
    (model.parent / "other" / "model.safetensors").replace(model / "model.safetensors")
    assert any("other weights" in problem for problem in check_card(ModelFolder(model)))


def test_no_card_is_a_problem_and_no_model_an_error(model: Path, tmp_path: Path) -> None:
    assert "ganzoo card" in check_card(ModelFolder(model))[0]
    with pytest.raises(ModelError, match="no folder"):
        make_card(ModelFolder(tmp_path / "nothing"))
    assert run("card", tmp_path / "nothing").exit_code == 1


# --- the web page -------------------------------------------------------------------------------------------


def test_the_web_page_needs_nothing_else(scored: Path, tmp_path: Path) -> None:
    write(scored)
    pictures = '<img src="http://e.vil/x.png"> ![far](https://e.vil/y.png) ![up](../x.png) [go](javascript:bad())'
    mine = f"<script>bad()</script>\n\n{pictures}"
    begin = "<!-- ganzoo:begin notes -->"
    spoil(scored, begin, f"{begin}\n{mine}")
    made = run("card", scored, "--html", tmp_path / "card.html")
    assert made.exit_code == 0, made.output
    page = (tmp_path / "card.html").read_text()
    assert "default-src 'none'" in page and page.count('src="data:image/png;base64,') >= 2
    assert 'src="http' not in page and "<script" not in page and 'href="javascript' not in page
    assert "&lt;script&gt;" in page and "<table>" in page and "ganzoo:begin" not in page
    assert "license</b> apache-2.0" in page


def test_the_page_must_be_called_html(model: Path) -> None:
    result = run("card", model, "--html", "card.pdf")
    assert result.exit_code == 2 and ".html" in result.stderr and not (model / "README.md").exists()
