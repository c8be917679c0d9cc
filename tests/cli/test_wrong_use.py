"""Recipes that cannot be meant: one line that says what would work, before anything is made."""

from __future__ import annotations

import random
import shlex
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from hypothesis import event, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tiny_runs import Labelled

import ganzoo
from ganzoo.cli import main
from ganzoo.errors import UsageError
from ganzoo.registry.loading import registry
from ganzoo.registry.recipe import PART_KINDS
from ganzoo.testing import plugin

BUILDS = ["gan", "dcgan", "sngan", "sndcgan", "sagan", "biggan", "biggan-deep", "r3gan"]
NO_CLASSES = "for which there are projection, bilinear, spd and onehot"
WRONG = {
    **{f"dcgan+{head}": "--classes N" for head in ("projection", "ac", "spd", "tac", "adc", "mh", "md", "2c", "d2dce")},
    "contragan": "2c of preset contragan needs 'label-class'",
    "dcgan+2c --classes 10 --set batch=1": "batch=1 has no two: give 2 or more",
    "dcgan+d2dce --classes 10 --set batch=1": "d2dce compares images of one class within a batch",
    "contragan --classes 10 --set accumulate.d=2": "accumulate.d=2 does not work with 2c",
    "dcgan+mh+hinge --classes 10": "mh works with the loss multi-hinge alone, and here it is hinge (named)",
    "mhgan+wgan --classes 10": "mh of preset mhgan works with the loss multi-hinge alone",
    "dcgan+multi-hinge --classes 10": "multi-hinge needs 'fake-class' (from mh)",
    **{f"dcgan+{head}+san --classes 10": "as with plain, projection or ac" for head in ("mh", "md", "spd", "bilinear")},
    "dcgan+ccbn --classes 10": "needs 'context' (from biggan,",
    "biggan+cbn --classes 10": "write ccbn in its place",
    "biggan-deep+cbn": "write ccbn in its place",
    "sngan+selfmod+cbn --classes 10": "write ccbn in its place",
    **{
        f"dcgan+{head} --classes 5 --label-kind multilabel": f"of the kind multilabel, {NO_CLASSES}"
        for head in ("ac", "tac", "adc", "mh", "md", "2c", "d2dce")
    },
    "dcgan+ac --classes 5 --label-kind continuous": f"of the kind continuous, {NO_CLASSES}",
    **{f"{name} --resolution 33": "the nearest sizes it can are" for name in BUILDS[1:]},
    "dcgan --resolution 8": "try --resolution 16",
    "biggan --resolution 16x31": "the nearest sizes it can are",
    **{f"{name} --resolution 1024": "try --resolution 512" for name in ("biggan", "biggan-deep")},
    "biggan --z-dim 3": "try --set z-dim=80",
    "r3gan --z-dim 0": "from 1 up",
    "gan+in": "'maps'",
    "r3gan+bn": "r3gan has no place for a normalization",
    "dcgan+info:categorical=0": "info:continuous=2",
    "dcgan+lo:beta=0": "more than 0",
}


def ran(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def said(result: Result) -> str:
    """The one line of a refusal."""
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("ganzoo: error: ") and result.stderr.count("\n") == 1, result.stderr
    return result.stderr


@pytest.mark.parametrize("words", WRONG)
def test_wrong_use_is_said_in_one_line_by_build(words: str) -> None:
    assert WRONG[words] in said(ran("build", *shlex.split(words)))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("dcgan+2c --batch 1", "has no two"),
        ("dcgan+mh+hinge", "multi-hinge alone"),
        ("dcgan+2c --set accumulate.g=2", "across the batch"),
        ("biggan+cbn", "write ccbn"),
        ("dcgan+md+san", "as with plain"),
        ("biggan --set z-dim=2", "--set z-dim=80"),
    ],
)
def test_train_makes_no_folder_for_it(words: str, why: str, tmp_path: Path) -> None:
    out = tmp_path / "runs" / "first"
    assert why in said(ran("train", *shlex.split(words), "--data", "digits", "--resolution", 32, "--out", out))
    assert not out.parent.exists()


class Lonely(Labelled):
    """Images each of which is a class of its own."""

    def __init__(self, classes: int) -> None:
        super().__init__(12)
        self.classes = tuple(f"class {number}" for number in range(classes))  # type: ignore[assignment]
        self.targets = [index % classes for index in range(12)]


def test_classes_of_one_image_are_refused_and_rare_pairs_are_said(tmp_path: Path, capsys) -> None:
    with pytest.raises(UsageError, match=r"2c compares images of one class, and every class of .* one image alone"):
        ganzoo.train("dcgan:ch=4+2c:width=8", Lonely(12), tmp_path / "run", steps=1, batch=4, quiet=True)
    assert not (tmp_path / "run").exists()
    ganzoo.train("dcgan:ch=4+2c:width=8", Lonely(6), tmp_path / "run", steps=1, batch=2)
    assert "a batch of 2 has 0.17 such pairs" in capsys.readouterr().err
    ganzoo.train("dcgan:ch=4+2c:width=8", Lonely(2), tmp_path / "two", steps=1, batch=4)
    assert "such pairs" not in capsys.readouterr().err


# --- architectures of others ---------------------------------------------------------------------------------


class Faceless(torch.nn.Module):
    """A discriminator with a head that says nothing of its features."""

    def __init__(self, kit: ganzoo.Kit) -> None:
        super().__init__()
        self.conditioning = kit.condition()
        self.head = self.conditioning.head(kit.channels * kit.height * kit.width, True)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> ganzoo.Output:
        return self.head(x, y)


class Teller(ganzoo.Game):
    """A game without noise."""


class Others:
    """Discriminators without features, and a generator without noise."""

    @ganzoo.hookimpl
    def register_architectures(self, register: ganzoo.Register) -> None:
        """A D whose features are patches, one that says not how many there are, and an image to image GAN."""
        register("patches", discriminator=lambda kit: Faceless(kit))
        register("faceless", discriminator=lambda kit: Faceless(kit), provides={"features"})
        register("teller", "ganzoo.architectures.dcgan:generator", requires={"source"}, game=Teller)


@pytest.mark.parametrize(
    ("recipe", "why"),
    [
        ("dcgan+patches@d+info", "such as that of sngan"),
        ("dcgan+patches@d+projection", "projection needs 'features'"),
        ("dcgan+faceless@d+info", "info needs a D that says how many features its head sees"),
        ("dcgan+faceless@d+san", "san needs a D whose one head sees all of its features"),
        ("teller+lo", "lo needs 'noise' (from autoencoder, biggan"),
        ("teller+zcr", "zcr needs 'noise'"),
        ("teller+selfmod", "selfmod needs 'noise'"),
        ("teller+info", "'noise'"),
    ],
)
def test_what_a_network_lacks_is_named(recipe: str, why: str) -> None:
    with plugin(Others()), pytest.raises(UsageError) as refused:
        ganzoo.build(recipe, 16, 1, 3, device="meta")
    assert why in str(refused.value) and "\n" not in str(refused.value)


# --- whatever is typed ---------------------------------------------------------------------------------------

WORDS = [entry for kind in PART_KINDS for entry in registry().entries(kind)]
HEADS = [entry.name for kind in ("architecture", "preset") for entry in registry().entries(kind)]
NUMBERS = ["0", "1", "-1", "2", "0.5", "7", "none", "true", "cosine/1/0", "1000000000000", "a"]
SIZES = {
    "--resolution": ["1", "8", "16", "32", "48", "16x32", "0", "64x", "1024", "100000"],
    "--channels": ["1", "3", "4", "0"],
    "--classes": ["0", "1", "10", "-1"],
    "--label-kind": ["class", "multilabel", "continuous", "colour"],
    "--z-dim": ["1", "3", "64", "-5"],
}
SETTINGS = ["batch=1", "batch=6", "accumulate.d=2", "accumulate.g=3", "prior=uniform", "repeat.d=0", "z-dim=2", "ema=2"]


def typed(draw: random.Random) -> list[str]:
    """A command line of ``build`` that a person may type, or mistype."""
    recipe = draw.choice(HEADS)
    for entry in draw.sample(WORDS, draw.randint(0, 3)):
        keys = sorted(option.key for option in entry.options().values())
        option = f":{draw.choice(keys)}={draw.choice(NUMBERS)}" if keys and draw.random() < 0.4 else ""
        recipe += f"+{entry.name}{draw.choice(['', '', '', '@g', '@d', '@16'])}{option}"
    words = [recipe]
    for name, values in SIZES.items():
        words += [name, draw.choice(values)] if draw.random() < 0.4 else []
    return words + (["--set", draw.choice(SETTINGS)] if draw.random() < 0.4 else [])


def answered(words: list[str]) -> bool:
    """Whether it is a plan; else it is one line of refusal, and no traceback."""
    result = ran("build", *words, "--json")
    if result.exit_code == 0:
        return True
    assert result.exception is None or isinstance(result.exception, SystemExit), (words, result.exception)
    assert "Traceback" not in result.output and (result.exit_code, result.stdout) == (2, ""), (words, result.output)
    said(result)
    return False


@hypothesis_settings(max_examples=12, deadline=None)
@given(st.randoms(use_true_random=False))
def test_whatever_is_typed_is_a_plan_or_one_line(draw: random.Random) -> None:
    event("plan" if answered(typed(draw)) else "refused")


@pytest.mark.slow
def test_hundreds_of_command_lines_are_plans_or_refused() -> None:
    draw = random.Random(0)
    plans = sum(answered(typed(draw)) for _ in range(400))
    assert 20 < plans < 380
