"""``ganzoo build``: tables, JSON, drawings and refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from PIL import Image

import ganzoo
from ganzoo.cli import main
from ganzoo.gan.builder import build


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["build", *map(str, words)])


def done(*words: object) -> str:
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result.stdout


def as_json(*words: object) -> dict[str, Any]:
    return json.loads(done(*words, "--json"))


def refused(*words: object) -> str:
    result = run(*words)
    assert result.exit_code == 2 and not result.stdout, result.output
    assert len(result.stderr.splitlines()) == 1
    return result.stderr


def test_json_has_the_documented_keys() -> None:
    described = as_json("sagan+sn+hinge", "--classes", 10, "--layers")
    documented = "recipe slug hash head resolution channels classes z_dim networks slots settings notes layers"
    assert list(described) == documented.split()
    assert "layers" not in as_json("dcgan")
    assert described["networks"]["G"] == {
        "side": "g",
        "parameters": 4_386_308,
        "macs": described["networks"]["G"]["macs"],
    }
    assert described["networks"]["D"]["parameters"] == 1_075_586
    slot = {"kind", "side", "resolutions", "part", "options", "because", "distribution", "version"}
    assert all(set(found) == slot for found in described["slots"])
    assert all(set(found) == {"value", "because", "overrides"} for found in described["settings"].values())
    row = {"network", "name", "type", "shape", "parameters", "macs"}
    assert all(set(found) == row for found in described["layers"])


def test_json_agrees_with_what_is_built() -> None:
    described = as_json("dcgan+sa", "--resolution", 64, "--channels", 1, "--z-dim", 100, "--set", "lr.g=1e-3")
    gan = build("dcgan+sa", 64, 1, z_dim=100, settings={"lr.g": 1e-3}, device="meta")
    assert described["recipe"] == gan.plan.recipe and described["hash"] == gan.plan.hash
    assert (described["resolution"], described["channels"], described["z_dim"]) == (64, 1, 100)
    assert described["settings"]["lr.g"] == {"value": 1e-3, "because": "set by you", "overrides": ["0.0002 (default)"]}
    for name in ("G", "D"):
        assert described["networks"][name]["parameters"] == sum(p.numel() for p in getattr(gan, name).parameters())
    sites = {slot["side"]: slot["resolutions"] for slot in described["slots"] if slot["kind"] == "attention"}
    assert sites == {"g": [32], "d": [32]}


def test_numbered_attention_says_where_it_stands() -> None:
    described = as_json("dcgan+sa@g,8,16")
    (slot,) = [slot for slot in described["slots"] if slot["kind"] == "attention"]
    assert slot["side"] == "g" and slot["resolutions"] == [8, 16]


def test_every_line_is_whole_outside_a_terminal() -> None:
    text = done("sagan+sn+hinge", "--classes", 10, "--explain", "--layers")
    assert "\u2026" not in text and "..." not in text
    assert "trunk.attentions.1.value" in text and "4,386,308" in text and "projection" in text
    assert "0/0.9" in text and "0.5/0.999 (default)" in text and "learning rate of G" in text


def test_explain_adds_providers_and_settings_that_are_defaults() -> None:
    short, long = done("dcgan+sn@d"), done("dcgan+sn@d", "--explain")
    assert "precision" not in short and "precision" in long
    assert "ganzoo-core 0." in long and "eps=" in long and "ch.d=none" in long
    for text in (short, long):
        assert "normalization@d" in text and "weight@d" in text and "named" in text


@pytest.mark.parametrize("recipe", ["gan", "sagan"])
def test_one_empty_line_stands_between_tables(recipe: str) -> None:
    text = done(recipe)
    assert ("\nsetting " in text) == (recipe == "sagan"), "of one no setting differs from the defaults"
    assert "\n\n\n" not in text and "\n\nslot " in text


def test_notes_say_what_yielded() -> None:
    text = done("sagan")
    assert "in place of cbn" in text and text.count("Note: ") == 2


def test_drawing_is_written_and_said(tmp_path: Path) -> None:
    path = tmp_path / "a.svg"
    assert str(path) in done("dcgan", "--draw", path)
    assert ElementTree.parse(path).getroot().tag.endswith("svg")
    assert as_json("dcgan", "--draw", path)["head"] == "dcgan"
    assert list(tmp_path.iterdir()) == [path]


def test_huge_requests_take_no_memory() -> None:
    assert as_json("dcgan", "--resolution", 2048)["networks"]["G"]["macs"] > 10**9
    assert "GANZOO_MAX_PARAMETERS" in refused("dcgan:ch=20000")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("dcgn+sn",), "dcgan"),
        (("dcgan+hinge+wgan",), "wgan"),
        (("dcgan+sa@64",), "none at 64"),
        (("dcgan+cbn",), "--classes"),
        (("dcgan", "--resolution", "33"), "33"),
        (("dcgan", "--set", "lr.g"), "NAME=VALUE"),
        (("dcgan", "--set", "lr.x=1"), "lr."),
        (("dcgan", "--set", "lr.g=1", "--set", "lr.g=2"), "twice"),
        (("dcgan", "--draw", "a.png"), "a.svg"),
        (("dcgan", "--channels", "0"), "channels=0"),
    ],
)
def test_what_cannot_be_built_is_said_in_one_line(words: tuple[str, ...], said: str) -> None:
    assert said in refused(*words)


def test_an_unwritable_drawing_is_said_in_one_line(tmp_path: Path) -> None:
    result = run("dcgan", "--draw", tmp_path / "nowhere" / "a.svg")
    assert result.exit_code == 1 and "nowhere" in result.stderr and not result.stdout


def test_labels_may_be_vectors():
    words = ["build", "gan:ch=4+projection", "--classes", "5", "--label-kind", "continuous", "--json"]
    assert json.loads(CliRunner().invoke(main, words).stdout)["classes"] == 5
    refused = CliRunner().invoke(main, ["build", "acgan", "--classes", "5", "--label-kind", "continuous"])
    assert refused.exit_code == 2 and "label-class" in refused.stderr
    assert CliRunner().invoke(main, [*words[:4], "--label-kind", "nice"]).exit_code == 2


def test_on_data_it_is_what_a_training_begins_with(tmp_path: Path) -> None:
    described = as_json("sagan:ch=8+sn+hinge", "--data", "digits", "--set", "batch=4")
    assert described["data"] == {"name": "digits", "count": 1438, "steps": 500, "notes": [], "label_kind": "class"}
    labelled = as_json("sagan:ch=8+sn+hinge", "--channels", 1, "--classes", 10)
    assert all(described[key] == labelled[key] for key in ("recipe", "channels", "classes", "networks", "slots"))
    run = ganzoo.train("sagan:ch=8+sn+hinge", data="digits", out=tmp_path / "run", steps=1, batch=4, quiet=True)
    assert described["hash"] == run.gan.plan.hash


def test_what_the_data_asks_for_is_explained() -> None:
    settings = as_json("dcgan", "--data", "digits", "--set", "lr.d=2e-3")["settings"]
    because = {name: settings[name]["because"] for name in ("batch", "lr.g", "lr.d", "betas")}
    assert because == {"batch": "the data set", "lr.g": "the data set", "lr.d": "set by you", "betas": "default"}
    shown = done("dcgan", "--data", "digits", "--explain")
    assert "Note: digits has 1,438 images, on which 500 steps are taken unless --steps says otherwise" in shown


def test_a_size_that_the_architecture_cannot_have_is_noted(tmp_path: Path) -> None:
    for number in range(2):
        Image.new("RGB", (40, 40), (number, 90, 200)).save(tmp_path / f"{number}.png")
    described = as_json("dcgan", "--data", tmp_path)
    assert described["resolution"] == 32 and "shown at" in described["data"]["notes"][0]


@pytest.mark.parametrize("words", [("--classes", 3), ("--label-kind", "class")])
def test_labels_of_data_are_its_own(words: tuple[object, ...]) -> None:
    assert "digits has labels of its own" in refused("dcgan", "--data", "digits", *words)


def test_data_that_is_not_there_is_refused() -> None:
    result = run("dcgan", "--data", "./nothing-here")
    assert result.exit_code and not result.stdout and "nothing-here" in result.stderr
