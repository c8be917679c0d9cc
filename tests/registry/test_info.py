"""What ``ganzoo info`` says of every built-in part: its paper, its formula, and what each of its options means."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from ganzoo.cli import main
from ganzoo.gan.catalogue import about, describe_options
from ganzoo.registry.docstrings import arguments, prose
from ganzoo.registry.entry import Entry
from ganzoo.registry.loading import registry

ENTRIES = [entry for entry in registry().entries() if entry.built_in]
NO_PAPER = {  # what nobody published, or everybody knows, with the reason
    "conditioning/plain": "a linear map to a score",
    "conditioning/unlabelled": "labels left out",
    "metric/l1": "a mean distance",
    "metric/psnr": "the same in decibels",
    "features/timm": "a library of networks, each with a paper of its own",
}
FORMULA = ("loss", "conditioning", "regularizer")
NO_FORMULA = {"conditioning/unlabelled", "conditioning/onehot"}  # a sentence says all
# Every name of the canon, which a stranger types as a bare word.
CANON = {
    "networks": "gan dcgan sngan sndcgan sagan biggan biggan-uncond biggan-deep biggan-deep-studiogan r3gan",
    "sizes of r3gan": "r3gan-cifar10 r3gan-ffhq64 r3gan-ffhq256 r3gan-imagenet32 r3gan-imagenet64",
    "heads": "plain projection ac onehot bilinear spd tac adc mh md 2c d2dce",
    "ways into g": "selfmod unlabelled",
    "regularizers": "gp r1 r2 regularizer/dragan lecam cr bcr zcr lo maxgp fm ortho r1-approx r2-approx info san",
    "augmentations": "diffaugment top-k",
    "losses": "bce minimax logistic ls hinge wgan wgan-clip relativistic relativistic-average multi-hinge",
    "norms": "bn cbn ccbn in ln gn pixelnorm",
    "presets": "acgan acgan-mod crgan icrgan contragan reacgan mhgan mdgan tacgan adcgan logan lgan infogan",
    "older presets": "lsgan ggan wgan-gp wgan-wc sngan-cond cgan-pd cgan csnsagan",
}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.spelling)
def test_a_part_has_a_paper_or_a_reason(entry: Entry) -> None:
    assert entry.kind == "dataset" or bool(entry.paper) != (entry.spelling in NO_PAPER)


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.kind in FORMULA], ids=lambda entry: entry.spelling)
def test_what_is_computed_has_its_formula_and_source(entry: Entry) -> None:
    text = prose(about(entry))
    formula = re.compile(r"`[^`]*(?:[=·²∇Σ⟨]|\(x\)|max)[^`]*`", re.DOTALL)
    assert formula.search(text) or entry.spelling in NO_FORMULA, text
    if entry.paper:
        assert entry.paper.removeprefix("arxiv:") in text, "its paper is named beside the formula"


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.kind != "preset"], ids=lambda entry: entry.spelling)
def test_every_option_has_a_meaning(entry: Entry) -> None:
    assert [option["name"] for option in describe_options(entry) if not option["meaning"]] == []


@pytest.mark.parametrize("name", [name for names in CANON.values() for name in names.split()])
def test_info_of_a_bare_word(name: str) -> None:
    result = CliRunner().invoke(main, ["info", name])
    assert result.exit_code == 0, result.output
    entry, said = registry().find(name), result.output
    assert said.startswith(f"{entry.name}: {entry.kind} of ") and "comes from" in said and "Args:" not in said
    if entry.paper:
        assert entry.paper.partition(":")[2] in said
    for need in (*entry.requires, *entry.implies):
        assert need in said
    for score in entry.published:
        assert all(str(score[key]) in said for key in ("value", "data", "protocol", "source"))
    if entry.kind == "preset":
        assert str(entry.build) in said and entry.paper
        assert registry().find(str(entry.build).partition("+")[0].partition(":")[0]).summary in said


def test_arguments_are_read_from_a_docstring() -> None:
    sections = "Args:\n    a: one.\n    b, c: two: or\n        three.\n\nAttributes:\n    d: four."
    text = f"What.\n\nMore of it.\n\n{sections}\n\nLast."
    assert arguments(text) == {"a": "one.", "b": "two: or three.", "c": "two: or three."}
    assert prose(text) == "What.\n\nMore of it.\n\nLast."
    assert arguments("What.") == {} and prose("What.") == "What."
