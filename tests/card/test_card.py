"""The card of a folder: what it says, what of it a person keeps, and what strangers' text may not do to it."""

from __future__ import annotations

import fnmatch
import importlib
import itertools
import json
import logging
import re
import shlex
import socket
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard
from tiny_models import NAMES, change_config, run, saved, score, write

import ganzoo
from ganzoo.card import check_card, draw_pictures, drift, make_card, write_card
from ganzoo.card.facts import task_of
from ganzoo.card.html import card_page
from ganzoo.card.markdown import one_line
from ganzoo.card.sections import kept_sections
from ganzoo.errors import CardError, ModelError
from ganzoo.folder.model import ModelFolder
from ganzoo.folder.scores import add_scores

ATTENTIVE = "dcgan:ch=8+onehot+sa@g,8+hinge"


# --- metadata -----------------------------------------------------------------------------------------------


def test_the_hub_reads_back_every_score_of_the_weights(scored: Path) -> None:
    other = score(scored, "fd", 99.0, weights="4" * 64, step=3)
    add_scores(scored, [other])
    write(scored)
    data = ModelCard.load(scored / "README.md").data
    read = {result.metric_name: result for result in data.eval_results}
    assert {key.partition("300")[0]: result.metric_value for key, result in read.items()} == {
        "fd": 12.345, "precision": 0.5, "kid": 0.00123,
    }  # fmt: skip
    fd = read["fd300-test@tf_efficientnet_lite0.in1k-64"]
    assert (fd.dataset_name, fd.dataset_split, fd.metric_type) == ("digits", "test", "fd")
    assert fd.metric_args["samples"] == 300 and fd.metric_args["network_sha256"] == "3" * 64
    assert data.model_name == "first" and data.metrics == ["fd", "kid", "precision"]


def test_metadata_names_library_task_parts_licence_and_data(model: Path) -> None:
    data = ModelCard(make_card(ModelFolder(model))).data
    assert (data.library_name, data.pipeline_tag) == ("ganzoo", "unconditional-image-generation")
    assert {"ganzoo", "dcgan", "bn", "bce"} <= set(data.tags) and "none" not in data.tags
    assert data.license == "apache-2.0" and data.datasets == ["digits"] and data.eval_results is None
    change_config(model, license=None, dataset={"name": "my holiday"})
    data = ModelCard(make_card(ModelFolder(model))).data
    assert "license" not in data.to_dict() and "datasets" not in data.to_dict()


@pytest.mark.parametrize(
    ("requires", "task"),
    [((), "unconditional-image-generation"), (("label",), "unconditional-image-generation"),
     (("source", "target"), "image-to-image"), (("a", "b"), "image-to-image"), (("text",), "text-to-image")],
)  # fmt: skip
def test_the_task_follows_from_what_the_architecture_requires(requires: tuple[str, ...], task: str) -> None:
    assert task_of(requires) == task


# --- the page -----------------------------------------------------------------------------------------------


def test_the_page_says_what_the_folder_says(scored: Path) -> None:
    change_config(scored, plugins={"ganzoo-extra": "1.2"})
    card = make_card(ModelFolder(scored))
    for needed in ("`dcgan:ch=4`", "16, RGB", "digits, 1,438 images", "7 steps", "ganzoo-extra 1.2", "12.35",
                   "0.500 ± 0.01", "0.00123", f"`sha256:{'3' * 64}`", "300 samples (seed 0) of step 7", "CC BY 4.0",
                   "[arXiv 1511.06434](https://arxiv.org/abs/1511.06434)",
                   "ganzoo verify ./first --data digits"):  # fmt: skip
        assert needed in card, needed
    assert "None" not in card and str(scored.parent) not in card


def test_code_in_the_line_about_a_part_keeps_its_distance(tmp_path: Path) -> None:
    saved(tmp_path / "conditional", "dcgan:ch=4+cbn+projection", classes=3)
    assert "bias-free linear maps of `y`." in make_card(ModelFolder(tmp_path / "conditional"))


def test_the_same_folder_has_the_same_card(scored: Path) -> None:
    assert write(scored) == make_card(ModelFolder(scored))


def test_commands_of_the_card_are_commands(tmp_path: Path) -> None:
    settings = {"lr.g": "cosine/2e-4/5e-5", "batch": "8"}
    saved(tmp_path / "chosen", settings=settings, horizon=50)
    card = make_card(ModelFolder(tmp_path / "chosen"))
    lines = [line for line in card.replace("\\\n", "").splitlines() if line.startswith("ganzoo ")]
    known = {point.name: point for point in entry_points(group="ganzoo.commands")}
    assert {line.split()[1] for line in lines} >= {"sample", "interpolate", "eval", "train"}
    for line in lines:
        _, name, *words = shlex.split(line)
        if name in known:  # eval and verify are tested where they are made
            known[name].load().make_context(name, list(words))
    (train,) = [shlex.split(line) for line in lines if line.startswith("ganzoo train")]
    assert train[2:4] == ["dcgan:ch=4", "--data"] and "--steps 7 --seed 1 --horizon 50" in " ".join(train)
    chosen = {after for word, after in itertools.pairwise(train) if word == "--set"}
    assert chosen == {"lr.g=cosine/0.0002/5e-05", "batch=8"}


def test_a_distance_on_another_network_leaves_fid_open(model: Path) -> None:
    add_scores(
        model, [score(model), score(model, "clean-fd", 3.0), score(model, "kid", 0.1), score(model, "mine", 1.0)]
    )
    card = make_card(ModelFolder(model))
    (line,) = [line for line in card.splitlines() if " && " in line]
    eval_it, card_it = (shlex.split(command) for command in line.split(" && "))
    assert eval_it == [
        *["ganzoo", "eval", ".", "--data", "digits", "--split", "test", "-n", "300", "--metrics", "fid,clean-fid"]
    ]
    assert card_it == ["ganzoo", "card", "."]
    known = {point.name: point for point in entry_points(group="ganzoo.commands")}
    known["eval"].load().make_context("eval", eval_it[2:])
    add_scores(model, [score(model, name, network="inception-v3-compat") for name in ("fid", "clean-fid")])
    assert " && " not in make_card(ModelFolder(model))


def test_scores_say_their_floor_and_details_where_they_have_them(model: Path) -> None:
    add_scores(model, [score(model)])
    assert "Real against real" not in make_card(ModelFolder(model))
    add_scores(model, [score(model, floor=3.5, details={"subsets": 100, "by_class": {"0": 1.0}, "*why*": "|"})])
    card = make_card(ModelFolder(model))
    assert "| **12.35** | 3.50 | lower |" in card and r"- FD: subsets 100, \*why\* \|." in card


def test_a_run_with_a_past_says_so(model: Path) -> None:
    change_config(model, init="a" * 64, forked_from={"recipe": "dcgan", "step": 3, "identity": "b" * 64})
    card = make_card(ModelFolder(model))
    assert f"from the weights `sha256:{'a' * 64}`" in card and "from step 3 of a run of `dcgan`" in card
    assert "--init path/to/those/weights" in card and "--fork path/to/a/new/run" in card
    change_config(model, init="/etc/passwd", forked_from=["```"])
    assert "passwd" not in make_card(ModelFolder(model)) and "--fork" not in make_card(ModelFolder(model))


def test_scores_of_one_metric_are_told_apart(scored: Path) -> None:
    line = next(line for line in make_card(ModelFolder(scored)).splitlines() if line.startswith("| Scores |"))
    assert "FD 12.35 ·" in line and "`" not in line, "there is one of each"
    add_scores(scored, [score(scored, value=99.0, network="another")])
    line = next(line for line in make_card(ModelFolder(scored)).splitlines() if line.startswith("| Scores |"))
    assert "FD 12.35 (`fd300-test@tf_efficientnet_lite0.in1k-64`) · " in line
    assert "FD 99.00 (`fd300-test@another-64`)" in line and "(`precision" not in line


def test_scores_by_step_are_a_table_with_the_best_in_bold(model: Path) -> None:
    values = {1: 50.0, 2: 20.0, 7: 30.0}
    add_scores(
        model,
        [score(model, value=v, step=s, **({} if s == 7 else {"weights": f"{s}" * 64})) for s, v in values.items()],
    )
    table = make_card(ModelFolder(model)).partition("### Scores by step")[2].partition("\n\n")[2]
    assert "| 1 | 50.00 |" in table and "| 2 | **20.00** |" in table and "| 7 | 30.00 |" in table
    many = [score(model, value=100.0 - step, step=step, weights=f"{step:064d}") for step in range(100, 140)]
    add_scores(model, many)
    card = make_card(ModelFolder(model))
    assert "**-39.00**" in card and "steps between are left out" in card and card.count("\n| 1") < 20


def test_a_card_can_name_a_repository_and_goes_on_naming_it(model: Path) -> None:
    (model / "README.md").write_text(make_card(ModelFolder(model), ref="org/name"))
    card = make_card(ModelFolder(model))
    assert 'ganzoo.load("org/name")' in card and "# name\n" in card and "./first" not in card
    with pytest.raises(CardError, match="org/name"):
        make_card(ModelFolder(model), ref="--token=x")


# --- what a person wrote ------------------------------------------------------------------------------------


def test_what_a_person_wrote_survives(scored: Path) -> None:
    text = write(scored)
    mine = "Trained on a **rainy** day.\n\n- <b>mine</b>, 100 %\n\n```\n# not a title\n```"
    begin, end = "<!-- ganzoo:begin notes -->", "<!-- ganzoo:end notes -->"
    text = (
        text[: text.index(begin)]
        + f"{begin}\n{mine}\n{end}\n\n<!-- ganzoo:begin thanks -->\nTo all.\n<!-- ganzoo:end thanks -->\n"
    )
    (scored / "README.md").write_text(text)
    add_scores(scored, [score(scored, value=1.5)])
    again = write(scored)
    assert kept_sections(again)["notes"] == mine and kept_sections(again)["thanks"] == "To all."
    assert "1.50" in again and make_card(ModelFolder(scored)) == again and check_card(ModelFolder(scored)) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [("<!-- ganzoo:begin notes -->\nwords", 1), ("a\n<!-- ganzoo:end notes -->", 2),
     ("<!-- ganzoo:begin a -->\n<!-- ganzoo:begin b -->\n<!-- ganzoo:end b -->\n<!-- ganzoo:end a -->", 2),
     ("<!-- ganzoo:begin a -->\n<!-- ganzoo:end a -->\n<!-- ganzoo:begin a -->\n<!-- ganzoo:end a -->", 3)],
)  # fmt: skip
def test_broken_marks_lose_no_text(model: Path, text: str, line: int, caplog: pytest.LogCaptureFixture) -> None:
    (model / "README.md").write_text(text)
    with pytest.raises(CardError, match=f"line {line} "):
        make_card(ModelFolder(model))
    with caplog.at_level(logging.WARNING):
        write_card(ModelFolder(model))
    assert (model / "README.md").read_text() == text and "no partner" in caplog.text
    assert run("card", model).exit_code == 2 and not (model / "pictures").exists()


# --- strangers' text ----------------------------------------------------------------------------------------

HOSTILE = (
    "<script>alert(1)</script>", "a\n---\nlicense: mit\n---\n", "x\n<!-- ganzoo:begin evil -->\n", "`` ` | ![x](http://e.vil/p.png)",
    "\x1b[31mred\u202e", "\ud800", "](javascript:alert(1))", "{{ config }} {% raw %} $x$",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_strangers_text_stays_text(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "first"
    saved(folder, "dcgan:ch=4+onehot", classes=3)
    named = score(folder)
    add_scores(folder, [named])
    honest = make_card(ModelFolder(folder))
    dataset = {"name": text, "count": text, "licence": text, "fingerprint": text}
    escaped = json.dumps(
        {
            "dataset": dataset,
            "class_names": [text] * 3,
            "license": text,
            "ganzoo": text,
            "selection": {"chosen": "best", "split": text, "key": text, "fingerprint": text},
        }
    )
    config = {**json.loads((folder / "config.json").read_text()), **json.loads(escaped)}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "metrics.json").write_text(
        json.dumps({"format": 1, "scores": [{**named.to_json(), "dataset": {**named.dataset, "name": text}}]})
    )
    card = write(folder)
    assert kept_sections(card).keys() == {"description", "notes"}
    data = ModelCard(card).data
    assert data.library_name == "ganzoo" and data.license == one_line(text)
    assert [line for line in card.splitlines() if line.startswith("#")][:1] == ["# first"]
    assert card.count("\n```") == honest.count("\n```")
    assert "\x1b" not in card and "\u202e" not in card
    page = card_page(card, folder)
    assert "<script" not in page and 'href="javascript' not in page and 'src="http' not in page


def test_a_card_that_is_none_is_refused(model: Path) -> None:
    (model / "README.md").write_bytes(b"x" * (1 << 20) + b"x")
    with pytest.raises(ModelError, match="larger than 1 MB"):
        make_card(ModelFolder(model))
    (model / "README.md").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelError, match="no text"):
        make_card(ModelFolder(model))
    (model / "README.md").unlink()
    (model / "README.md").symlink_to("/etc/passwd")
    with pytest.raises(ModelError, match="link"):
        make_card(ModelFolder(model))


@pytest.mark.parametrize(
    "index",
    [{"step": 7}, {"step": 7, "weights": "", "events": [], "pictures": {"../x.png": "y"}},
     {"step": 7, "weights": "", "events": [[1, 2]], "pictures": {}},
     {"step": "7", "weights": "", "events": [], "pictures": {}}],
)  # fmt: skip
def test_an_index_that_makes_no_sense_is_refused(model: Path, index: dict[str, Any]) -> None:
    (model / "pictures").mkdir()
    (model / "pictures" / "index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match=r"index\.json"):
        make_card(ModelFolder(model))


# --- pictures -----------------------------------------------------------------------------------------------


def test_pictures_show_what_a_model_has(tmp_path: Path) -> None:
    folder = tmp_path / "attentive"
    saved(folder, ATTENTIVE, classes=3)
    log = [
        {"step": step, "losses": {"d/loss": 1.0 / step, "g/loss": 0.5}, "clock": {"time": "x"}} for step in range(1, 4)
    ]
    event = {"step": 2, "event": {"kind": "collapse", "action": "warn", "text": "all samples became alike"}}
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in [*log, event]))
    add_scores(folder, [score(folder), score(folder, value=50.0, step=1, weights="5" * 64)])
    assert draw_pictures(ModelFolder(folder)) == []
    drawn = {path.name: path.read_bytes() for path in (folder / "pictures").iterdir()}
    assert drawn.keys() == {
        "classes.png", "interpolation.png", "attention.png", "curves.png", "scores.png", "index.json",
    }  # fmt: skip
    card = write(folder)
    assert all(f"](pictures/{name})" in card for name in drawn if name.endswith(".png"))
    assert "- step 2: all samples became alike" in card and all(name in card for name in NAMES)
    assert check_card(ModelFolder(folder)) == [] and drift(ModelFolder(folder)) == ""
    draw_pictures(ModelFolder(folder))
    assert {path.name: path.read_bytes() for path in (folder / "pictures").iterdir()} == drawn


def test_pictures_that_a_model_does_not_have_are_taken_away(model: Path) -> None:
    (model / "pictures").mkdir()
    (model / "pictures" / "attention.png").write_bytes(b"of another model")
    draw_pictures(ModelFolder(model))
    assert {path.name for path in (model / "pictures").iterdir()} == {"interpolation.png", "index.json"}
    assert "attention" not in make_card(ModelFolder(model))


def test_what_is_known_of_the_training_stays_where_its_log_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "published"
    saved(folder)
    log = [{"step": step, "losses": {"d/loss": 1.0 / step}} for step in range(1, 4)]
    event = {"step": 2, "event": {"kind": "collapse", "action": "warn", "text": "all samples became alike"}}
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in [*log, event]))
    draw_pictures(ModelFolder(folder))
    card, curves = write(folder), (folder / "pictures" / "curves.png").read_bytes()
    (folder / "log.jsonl").unlink()
    assert run("card", folder).exit_code == 0
    assert (folder / "README.md").read_text(encoding="utf-8") == card and "all samples became alike" in card
    assert (folder / "pictures" / "curves.png").read_bytes() == curves
    change_config(folder, step=8)  # another model, of whose training nothing is known
    draw_pictures(ModelFolder(folder))
    assert not (folder / "pictures" / "curves.png").exists()


def test_pictures_of_earlier_weights_are_not_shown(model: Path) -> None:
    draw_pictures(ModelFolder(model))
    assert "interpolation.png" in make_card(ModelFolder(model))
    change_config(model, step=8)
    assert "interpolation.png" not in make_card(ModelFolder(model))


def test_without_matplotlib_the_rest_is_drawn(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (model / "log.jsonl").write_text(json.dumps({"step": 1, "losses": {"d/loss": 1.0}}) + "\n")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    (note,) = draw_pictures(ModelFolder(model))
    assert "curves.png" in note and "pip install" in note and "interpolation.png" in make_card(ModelFolder(model))


# --- the package --------------------------------------------------------------------------------------------


def test_nothing_is_fetched(scored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    draw_pictures(ModelFolder(scored))
    card = write(scored)
    assert check_card(ModelFolder(scored)) == [] and drift(ModelFolder(scored)) == "" and card_page(card, scored)


def test_a_checkpoint_pays_for_text_only(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call that the trainer makes loads neither matplotlib nor the Markdown parser."""
    for name in [name for name in sys.modules if name.startswith(("ganzoo.card", "matplotlib", "markdown_it"))]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("matplotlib", "markdown_it"):
        monkeypatch.setitem(sys.modules, name, None)  # importing it fails
    importlib.import_module("ganzoo.card").write_card(ModelFolder(model))
    assert (model / "README.md").read_text() == make_card(ModelFolder(model))


def test_the_wheel_carries_the_template() -> None:
    tomllib = pytest.importorskip("tomllib")
    root = Path(ganzoo.__file__).parent
    project = tomllib.loads((root.parent / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["ganzoo"]
    data = [
        path.relative_to(root)
        for path in (root / "card").iterdir()
        if path.suffix not in (".py", "") and path.is_file()
    ]
    assert len(data) >= 3
    assert [path for path in data if not any(fnmatch.fnmatch(str(path), pattern) for pattern in patterns)] == []


def test_a_label_stands_once(tmp_path: Path) -> None:
    text = "---\nlibrary_name: ganzoo\nlicense: mit\ntags:\n- ganzoo\n- gan\n---\n# x\n"
    page = card_page(text, tmp_path)
    assert page.count(">ganzoo</span>") == 1 and page.count(">gan</span>") == 1


def test_a_shipped_model_is_installed_with_the_package_that_has_it_and_no_other_is(model: Path) -> None:
    assert "'ganzoo-models>=" in make_card(ModelFolder(model), "dcgan-cifar10")
    assert "ganzoo-models" not in make_card(ModelFolder(model), "me/dcgan-cifar10")


def test_numbers_have_the_digits_that_a_reader_can_use(model: Path) -> None:
    long = {"value": 482.1949766879461, "std": 0.0123456789012345, "details": {"subset_std": 0.08730315133036734}}
    add_scores(model, [score(model, **long)])
    text = write(model)
    assert not re.search(r"\d\.\d{8}", text) and "value: 482.195\n" in text and "std: 0.0123457\n" in text
    assert "subset\\_std 0.0873." in text
    assert "482.1949766879461" in (model / "metrics.json").read_text(), "which machines read"
    assert check_card(ModelFolder(model)) == []
    (model / "README.md").write_text(text.replace("value: 482.195\n", "value: 482.1949766879461\n"))
    assert check_card(ModelFolder(model)) == [], "a card of an older version"
    (model / "README.md").write_text(text.replace("value: 482.195\n", "value: 482.196\n"))
    assert "are not those of the weights" in check_card(ModelFolder(model))[0]
