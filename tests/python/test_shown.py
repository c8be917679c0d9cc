"""What Python prints of an object fits on a screen, and what a notebook shows of it is whole, escaped and harmless."""

from __future__ import annotations

import base64
import copy
import json
import pickle
import random
import re
import shutil
import sys
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_models
import torch
from PIL import Image
from tiny_runs import tiny
from tiny_scores import score

import ganzoo
from ganzoo.data import open_data
from ganzoo.folder.model import ModelFolder
from ganzoo.folder.scores import Scores, add_scores
from ganzoo.parts import Output
from ganzoo.registry.loading import registry
from ganzoo.registry.recipe import Part, Recipe
from ganzoo.visual import curves

LINES, COLUMNS = 12, 120
EVIL = "</td><script>alert(1)</script><img src=x onerror=alert(1)>\x1b[31m\u202e"
ALLOWED = {"div", "b", "table", "thead", "tbody", "tr", "td", "th", "img", "pre"}


class Page(HTMLParser):
    """What is in a piece of HTML: its tags, their attributes, its pictures and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: set[str] = set()
        self.pictures: list[Image.Image] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == [] and set(self.tags) <= ALLOWED, self.tags
        assert self.attributes <= {"style", "src", "alt"}
        assert "url(" not in text and "http" not in re.sub(r"base64,[^\"]+", "", text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "img":
            source = str(dict(attrs)["src"])
            assert source.startswith("data:image/png;base64,") and dict(attrs)["alt"]
            self.pictures.append(Image.open(BytesIO(base64.b64decode(source.partition(",")[2]))))
        else:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"


def page(thing: Any) -> Page:
    return Page(thing._repr_html_())


def check(text: str) -> str:
    """Text that fits on a screen, and does nothing to it."""
    lines = text.split("\n")
    assert len(lines) <= LINES and max(map(len, lines)) <= COLUMNS, text
    assert all(letter.isprintable() for line in lines for letter in line)
    return text


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> ganzoo.Run:
    return tiny(tmp_path_factory.mktemp("runs") / "first", "dcgan:ch=4+cbn@g", steps=6)


# --- text ---------------------------------------------------------------------------------------------------


def test_a_fresh_model_says_what_it_is() -> None:
    gan = ganzoo.build("dcgan:ch=4+cbn@g", resolution=(16, 32), channels=1, classes=12, z_dim=8)
    text = check(repr(gan))
    for word in ("dcgan:ch=4+cbn", "grey, 16 x 32 px", "z (8 numbers)", "12: 0, 1", "7 more", "fresh", "print(gan.G)"):
        assert word in text
    size = sum(parameter.numel() for parameter in gan.G.parameters())
    assert f"G {size:,} parameters" in text and "D " in text
    assert "Conv" in repr(gan.G)  # which is torch's own, layer by layer
    assert check(repr(ganzoo.build("biggan", 128, classes=1000, device="meta")))


def test_a_loaded_model_says_where_from_and_what_it_scored(scored: Path) -> None:
    text = check(repr(ganzoo.load(scored)))
    assert str(scored)[:40] in text and "7 steps on digits" in text and "apache-2.0" in text
    assert "fd300-test@tf_efficientnet_lite0.in1k-64 12.3" in text and "0.5 ± 0.01" in text
    assert text.index("fd300") < text.index("precision300")
    assert "dcgan-mnist" in check(repr(ganzoo.load("dcgan-mnist")))


def test_scores_of_other_weights_are_not_said(scored: Path) -> None:
    text = (scored / "metrics.json").read_text()
    (scored / "metrics.json").write_text(text.replace(ModelFolder(scored).digest, "4" * 64))
    gan = ganzoo.load(scored)
    assert "fd300" not in repr(gan) and "fd300" not in gan._repr_html_()


def test_a_broken_file_of_scores_keeps_nobody_from_looking(scored: Path) -> None:
    gan = ganzoo.load(scored)
    (scored / "metrics.json").write_text("[")
    assert "dcgan" in check(repr(gan)) and len(page(gan).pictures) == 1


def test_a_copy_and_a_pickle_know_where_they_are_from(model: Path) -> None:
    gan = ganzoo.load(model)
    assert repr(copy.deepcopy(gan)) == repr(pickle.loads(pickle.dumps(gan))) == repr(gan)


def test_one_that_is_being_built_can_be_looked_at() -> None:
    check(repr(ganzoo.GAN.__new__(ganzoo.GAN)))


def test_a_kept_step_is_called_so(tmp_path: Path) -> None:
    folder = tiny(tmp_path / "run", keep=2).folder
    assert "4 steps" in repr(ganzoo.load(folder)) and "2 steps" in repr(ganzoo.load(folder, step=2))


def test_a_run_says_how_it_went(run: ganzoo.Run) -> None:
    text = check(repr(run))
    for word in ("dcgan", "step", "6", "d/loss", "(step 6)", "ganzoo train --resume", "run.gan.sample"):
        assert word in text


def test_a_run_whose_folder_is_gone_is_still_one(run: ganzoo.Run, tmp_path: Path) -> None:
    lost = ganzoo.Run(tmp_path / "nowhere", run.step, run.gan)
    assert "dcgan" in check(repr(lost))
    assert "holds no log" in page(lost).text or "no folder" in page(lost).text


def test_scores_are_a_line_each() -> None:
    one = score(std=0.25)
    text = check(repr(one))
    for word in ("fd10k-test@tf_efficientnet_lite0.in1k-64 = 55.2 ± 0.25", "lower", "54", "10,000", "cifar10"):
        assert word in text
    assert "real images" not in repr(score(floor=None))
    assert len(check(repr(Scores([one] * 30))).splitlines()) == LINES and repr(Scores()) == "[]"
    assert Scores([one]) == [one]


@pytest.mark.parametrize("recipe", ["sagan+sn@d+sa@16,32+hinge+r1:every=16,gamma=10", "dcgan"])
def test_recipes_read_back(recipe: str) -> None:
    made = Recipe.parse(recipe)
    assert eval(check(repr(made))) == made and eval(repr(made.head)) == made.head
    assert repr(Part.parse("sn@d")) == "Part.parse('sn@d')"


def test_a_plan_shows_its_parts_and_what_a_person_set() -> None:
    plan = ganzoo.build("sagan+sn+hinge+r1:gamma=2", 32, classes=10, settings={"lr.g": 0.002}, device="meta").plan
    text = check(repr(plan))
    for word in ("architecture", "sagan", "sn@g sn@d", "r1:gamma=2", "lr.g=0.002", "projection@d"):
        assert word in text
    assert "repeat" not in text


def test_every_part_and_plugin_fits_on_a_screen() -> None:
    for entry in registry().entries():
        assert entry.name in check(repr(entry))
    for plugin in registry().plugins:
        check(repr(plugin))
    text = repr(ganzoo.info("sagan"))
    assert "arxiv.org/abs/1805.08318" in text and "hinge" in text


def test_data_sets_outputs_and_folders(model: Path) -> None:
    text = check(repr(open_data("digits")))
    assert "1,438" in text and "grey" in text and "10: 0, 1" in text and "CC BY" in text
    said = Output(torch.zeros(2, 9), (torch.zeros(2, 3), torch.zeros(2, 4)), {"class_logits": torch.zeros(2, 5)})
    assert repr(said) == "Output(scores (2, 9), features ((2, 3), (2, 4)), class_logits (2, 5))"
    assert str(model) in repr(ModelFolder(model))


# --- HTML ---------------------------------------------------------------------------------------------------


def test_a_model_shows_its_samples(scored: Path) -> None:
    gan = ganzoo.load(scored)
    shown = page(gan)
    (picture,) = shown.pictures
    assert picture.width > 8 * gan.width and np.asarray(picture).std() > 0
    for word in ("dcgan", "7 steps", "12.3", "0.5 ± 0.01", "higher", "gan.sample(16, seed=0)"):
        assert word in shown.text


def test_classes_are_named_below_their_samples(tmp_path: Path) -> None:
    tiny_models.saved(tmp_path / "first", "dcgan:ch=4+cbn@g", classes=3)
    assert "of cat, dog, cow" in page(ganzoo.load(tmp_path / "first")).text


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
def test_any_number_of_channels(channels: int) -> None:
    assert len(page(ganzoo.build("dcgan:ch=4", (16, 32), channels)).pictures) == 1


def test_large_images_are_shown_small() -> None:
    (picture,) = page(ganzoo.build("dcgan:ch=1", 256)).pictures
    assert picture.width < 700


def test_a_model_without_weights_says_so() -> None:
    shown = page(ganzoo.build("biggan", 128, classes=1000, device="meta"))
    assert not shown.pictures and "no samples" in shown.text and "biggan" in shown.text


def test_a_run_shows_curves_and_samples(run: ganzoo.Run) -> None:
    shown = page(run)
    assert len(shown.pictures) == 2 and "dcgan" in shown.text and "--resume" in shown.text
    add_scores(run.folder, [score(step=step, value=100 - step) for step in (2, 4, 6)])
    assert len(page(run).pictures) == 3


def test_a_run_of_one_line_says_why_it_has_no_curves(run: ganzoo.Run, tmp_path: Path) -> None:
    short = shutil.copytree(run.folder, tmp_path / "short", ignore=shutil.ignore_patterns("metrics.json"))
    first = (short / "log.jsonl").read_text("utf-8").splitlines()[0]
    (short / "log.jsonl").write_text(first + "\n", encoding="utf-8")
    shown = page(ganzoo.Run(short, run.step, run.gan))
    assert "no curves yet: one needs two lines of the log" in shown.text and "losses" in shown.text


def test_a_run_without_matplotlib_says_what_to_install(run: ganzoo.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    shown = page(run)
    assert len(shown.pictures) == 1 and "no curves" in shown.text and "[plot]" in shown.text


def test_scores_are_a_table() -> None:
    shown = page(Scores([score(std=0.25), score(floor=None, metric="precision", higher_is_better=True)]))
    for word in ("55.2 ± 0.25", "54", "lower", "higher", "not measured", "cifar10 (test)", "standard deviation"):
        assert word in shown.text
    assert "55.2" in page(score()).text and not page(score()).pictures


def state() -> tuple[Any, ...]:
    _, keys, *rest = np.random.get_state()
    return torch.get_rng_state().tolist(), random.getstate(), keys.tolist(), rest  # type: ignore[union-attr]


def test_nothing_is_drawn_from_the_callers_random_numbers(run: ganzoo.Run) -> None:
    gan = ganzoo.build("stylegan2:ch=8,mapping=2", 16)
    gan.train()
    gan.G.register_forward_hook(lambda *_: torch.rand(1) * random.random() * np.random.rand() and None)
    before = state()
    first = [gan._repr_html_(), run._repr_html_(), repr(gan), repr(run)]
    assert state() == before and gan.training and gan.G.training
    assert [gan._repr_html_(), run._repr_html_(), repr(gan), repr(run)] == first


def test_what_breaks_is_said_and_nothing_is_raised(run: ganzoo.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    gan = ganzoo.build("dcgan:ch=4", 16)

    def broken(*_: object) -> None:
        raise RuntimeError(EVIL)

    gan.G.register_forward_hook(broken)
    shown = page(gan)
    assert "no samples: RuntimeError" in shown.text and "dcgan" in shown.text
    monkeypatch.setattr(curves, "read_log", broken)
    assert "no curves: RuntimeError" in page(run).text
    monkeypatch.setattr("ganzoo.notebook.gan.colours_text", broken)
    assert "RuntimeError" in check(repr(gan)) and "RuntimeError" in page(gan).text


def test_what_cannot_be_shown_at_all_is_text(run: ganzoo.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(EVIL)

    for room in ("gan", "run", "scores"):
        monkeypatch.setattr(f"ganzoo.notebook.{room}.box", broken)
    for thing in (run, run.gan, score()):
        shown = page(thing)
        assert "not shown as HTML: RuntimeError" in shown.text and repr(thing).splitlines()[0] in shown.text


def test_a_hostile_folder_is_escaped(tmp_path: Path) -> None:
    folder = tmp_path / "<script>alert(1)<" / "x\x1b[31m\u202e"
    tiny_models.saved(folder, "dcgan:ch=4+cbn@g", classes=3)
    data = {**tiny_models.DATASET, "name": EVIL}
    tiny_models.change_config(folder, class_names=[EVIL, "dog", "<b>"], dataset=data, license=EVIL)
    add_scores(folder, [tiny_models.score(folder, dataset={**data, "split": "test", "count": 3})])
    (folder / "log.jsonl").write_text(
        "".join(json.dumps({"step": step, "losses": {EVIL: step, "$x$": step}}) + "\n" for step in range(1, 9))
    )
    gan = ganzoo.load(folder)
    check(repr(gan))
    assert "<script>" in page(gan).text and "\u202e" not in gan._repr_html_()  # as text
    run = ganzoo.Run(folder, 7, gan)
    check(repr(run))
    assert "<script>" in page(run).text and len(page(run).pictures) == 2
    assert "<script>" in page(Scores(ModelFolder(folder).scores)).text
