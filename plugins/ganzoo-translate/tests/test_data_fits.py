"""What ``ganzoo data check`` says of plain pictures, and how a form of ``pairs`` is found without that word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from ganzoo.cli import main

NEEDY = {"pix2pix", "cyclegan", "cartoongan", "simgan"}


def check(*words: object) -> Result:
    return CliRunner().invoke(main, ["data", "check", *map(str, words)])


def test_recipes_that_need_sources_do_not_fit_a_plain_folder(tmp_path: Path) -> None:
    for number in range(3):
        Image.new("RGB", (32, 32), (200, number, 0)).save(tmp_path / f"{number}.png")
    report = json.loads(check(tmp_path, "--json").stdout)
    unfit = {one["recipe"]: one["reason"] for one in report["unfit"]}
    assert unfit.keys() >= NEEDY and not {one["recipe"] for one in report["recipes"]} & NEEDY
    assert all("'source'" in unfit[name] and "pairs" in unfit[name] for name in NEEDY)
    report = json.loads(check(f"pairs:gray:{tmp_path}", "--json").stdout)
    assert {one["recipe"] for one in report["recipes"]} >= {"pix2pix", "cyclegan", "dcgan"}


@pytest.mark.parametrize("word", ["ab", "ba", "two", "gray", "edges", "inpaint", "downscale"])
def test_a_form_of_pairs_without_that_word_gets_the_whole_of_it(tmp_path: Path, word: str) -> None:
    for words in (("data", "check"), ("train", "pix2pix", "--data")):
        done = CliRunner().invoke(main, [*words, f"{word}:{tmp_path}/my photos"])
        assert done.exit_code == 1 and f"did you mean 'pairs:{word}:{tmp_path}/my photos'" in done.stderr
    assert f"did you mean pairs:{word}" in check(word).stderr
