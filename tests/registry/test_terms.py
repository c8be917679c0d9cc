"""Names of the field lead to what they are called here, wherever they are typed, and never to what is spelled alike."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner
from suggestions import called, options_of

import ganzoo
from ganzoo.cli import main
from ganzoo.errors import GanzooError
from ganzoo.plan.settings import PER_PLAYER, SETTINGS, spec_of
from ganzoo.registry.leads import ORDER, lead
from ganzoo.registry.loading import registry
from ganzoo.registry.lookup import known_provider
from ganzoo.registry.recipe import KINDS, Recipe
from ganzoo.registry.terms import fold, terms


def said(*words: str) -> str:
    result = CliRunner().invoke(main, list(words))
    assert result.exit_code == 2, result.output
    assert len(result.stderr.splitlines()) == 1 and "Traceback" not in result.stderr
    return result.stderr


# --- the table ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spelling", sorted(set(terms()["part"].values())))
def test_every_part_that_a_term_leads_to_is_there(spelling: str) -> None:
    entry = registry().find(spelling)
    assert entry.spelling == spelling and entry.built_in


def test_every_setting_option_command_and_kind_is_there() -> None:
    assert [name for name in terms()["setting"].values() if spec_of(name) is None] == []
    every = set().union(*options_of().values())
    assert set(terms()["option"].values()) <= every
    for words in set(terms()["command"].values()):
        name = called(words.split())
        assert name and {word for word in words.split() if word.startswith("-")} <= options_of()[name], words
    assert set(terms()["kind"].values()) <= set(KINDS)
    options = {option for entry in registry().entries() for option in entry.options()}
    assert {name for names in terms()["part option"].values() for name in names.split()} <= options


@pytest.mark.parametrize("name", sorted({*SETTINGS, *PER_PLAYER}))
def test_every_setting_is_known_by_its_own_name(name: str) -> None:
    assert terms()["setting"][fold(name)] == name


@pytest.mark.parametrize("near", sorted(set(terms()["absent"].values())))
def test_what_is_near_is_there_or_in_a_package_of_ours(near: str) -> None:
    for text in near.split():
        if "/" in text:
            assert registry().find(text)
            continue
        recipe = Recipe.parse(text)
        try:
            assert registry().find(recipe.head.name, ("architecture", "preset"))
        except GanzooError:
            assert known_provider("architecture", recipe.head.name)
        assert all(registry().find(part.spelling) for part in recipe.parts)


def test_no_term_is_the_name_of_a_part() -> None:
    names = {fold(name) for entry in registry().entries() for name in (entry.name, *entry.aliases)}
    assert [term for term in terms()["part"] if term in names] == []


def test_what_has_come_since_is_found_first() -> None:
    message = lead("biggan", "command", parts=["architecture/biggan"])
    assert message == ": it is an architecture, as in ganzoo train biggan"


def test_terms_are_folded_and_every_place_is_known() -> None:
    assert all(name == fold(name) for rows in terms().values() for name in rows)
    assert {table for tables in ORDER.values() for table in tables} == set(terms())


# --- as people type them ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recipe", "meant"),
    [
        ("dcgan+batchnorm", "bn"),
        ("dcgan+batch_norm", "bn"),
        ("dcgan+batch-norm", "bn"),
        ("dcgan+batch.norm@g", "bn"),
        ("dcgan+spectral-norm", "sn"),
        ("dcgan+spectral_normalization@d", "sn"),
        ("dcgan+gradient-penalty", "gp"),
        ("dcgan+self-attention", "sa"),
        ("dcgan+wasserstein", "wgan"),
        ("dcgan+hinge_loss", "hinge"),
        ("dcgan+mse", "ls"),
        ("dcgan+diffaug", "diffaugment"),
        ("dcgan+instance-norm", "in"),
        ("resnet", "sngan"),
        ("lsgan_", "lsgan"),
        ("wgan_gp", "wgan-gp"),
        ("wasserstein-gan", "wgan-wc"),
        ("conditional-gan", "cgan"),
    ],
)
def test_a_word_of_a_recipe(recipe: str, meant: str) -> None:
    assert re.search(rf": (here it is|it is written) {meant}\s", said("build", recipe))
    with pytest.raises(GanzooError, match=rf" {meant}$"):
        ganzoo.build(recipe, 32)


@pytest.mark.parametrize(
    ("recipe", "written"),
    [
        ("dcgan+spectral norm", "dcgan+sn"),
        ("dcgan+spectral norm@d+hinge", "dcgan+sn@d+hinge"),
        ("dcgan+BatchNorm", "bn"),
        ("WGAN-GP", "wgan-gp"),
        ("dcgan + hinge", "dcgan+hinge"),
        ("dcgan+Gradient Penalty:gamma=1", "dcgan+gp:gamma=1"),
    ],
)
def test_spaces_and_capitals(recipe: str, written: str) -> None:
    assert f"write '{written}'" in said("build", recipe)


@pytest.mark.parametrize("name", ["stylegan", "stylegan2", "StyleGAN2-ADA", "biggan", "styleganxl", "fastgan"])
def test_what_is_not_there_yet_leads_to_what_is_near_in_kind(name: str) -> None:
    if name.lower() in {entry.name for entry in registry().entries()}:
        pytest.skip(f"{name} is there now")
    message = said("build", name.lower())
    assert "ganzoo has none of it; near in kind: " in message and "cyclegan" not in message
    assert "near in kind" in said(name.lower()) and "near in kind" in said("info", name.lower())


@pytest.mark.parametrize(
    ("setting", "meant"),
    [
        ("learning-rate", "here it is lr"),
        ("learning_rate", "here it is lr"),
        ("lr_d", "it is written lr.d"),
        ("n_critic", "here it is repeat.d"),
        ("batch_size", "here it is batch"),
        ("ema_decay", "here it is ema"),
        ("latent-dim", "here it is z-dim"),
        ("weight_decay", "it is written weight-decay"),
        ("amp", "here it is precision"),
        ("epochs", "ganzoo train --steps N"),
        ("spectral-norm", "it is a weight, as in ganzoo train dcgan+sn"),
        ("hinge", "it is a loss, as in ganzoo train dcgan+hinge"),
        ("fid", "it is a metric, as in ganzoo eval --metrics fid"),
        ("img_size", "ganzoo train --resolution"),
        ("checkpoint", "ganzoo train --resume"),
        ("scheduler", "ganzoo train --set lr=cosine"),
    ],
)
def test_a_setting(setting: str, meant: str) -> None:
    assert meant in said("build", "dcgan", "--set", f"{setting}=1")


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("train", "dcgan", "--lr", "1"), "it is a setting, --set lr=VALUE"),
        (("train", "dcgan", "--learning-rate", "1"), "it is a setting, --set lr=VALUE"),
        (("build", "dcgan", "--n_critic", "1"), "it is a setting, --set repeat.d=VALUE"),
        (("train", "dcgan", "--ema", "1"), "it is a setting, --set ema=VALUE"),
        (("train", "dcgan", "--epochs", "1"), "--steps N"),
        (("train", "dcgan", "--batch_size", "1"), "here it is --batch"),
        (("train", "dcgan", "--save_every", "1"), "it is written --save-every"),
        (("train", "dcgan", "--img-size", "1"), "here it is --resolution"),
        (("train", "dcgan", "--dataset", "1"), "here it is --data"),
        (("train", "dcgan", "--checkpoint", "1"), "here it is --resume"),
        (("train", "dcgan", "--loss", "hinge"), "parts are words of the recipe"),
        (("train", "dcgan", "--gpu", "0"), "here it is --device"),
        (("train", "dcgan", "--fid", "1"), "it is a metric, as in ganzoo eval --metrics fid"),
        (("sample", "x", "--num-samples", "3"), "here it is -n"),
        (("build", "dcgan", "--latent-dim", "1"), "here it is --z-dim"),
        (("sample", "x", "--lr", "3"), "there is no option --lr; nearest: --sampler or --help"),
        (("doctor", "--epochs", "3"), "there is no option --epochs; see"),
    ],
)
def test_an_option(words: tuple[str, ...], meant: str) -> None:
    assert meant in said(*words)


@pytest.mark.parametrize(
    ("command", "meant"),
    [
        ("generate", "here it is sample"),
        ("evaluate", "here it is eval"),
        ("fid", "here it is eval --metrics fid"),
        ("checkpoint", "here it is train --resume"),
        ("upload", "here it is push"),
        ("download", "here it is pull"),
        ("tensorboard", "here it is watch"),
        ("new_plugin", "it is written new-plugin"),
        ("model", "it is written models"),
        ("evals", "it is written eval"),
        ("finetune", "here it is train --init"),
        ("batchnorm", "as in ganzoo train dcgan+bn"),
        ("dcgan", "it is an architecture, as in ganzoo train dcgan"),
        ("lr", "as in ganzoo train --set lr=VALUE"),
        ("epochs", "ganzoo train --steps N"),
    ],
)
def test_a_command(command: str, meant: str) -> None:
    assert meant in said(command)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("list", "norms"), "here it is normalization"),
        (("help", "recipe"), "it is written recipes"),
        (("list", "optimizer"), "it is a setting, as in ganzoo train --set optimizer=VALUE"),
        (("info", "batchnorm"), "here it is bn"),
        (("build", "sngan+gp:lambda=10"), "here it is weight"),
        (("build", "sngan+r1:lambda=10"), "here it is gamma"),
        (("build", "dcgan:channels=3"), "here it is ch"),
        (("build", "dcgan:lr=1"), "it is a setting, as in ganzoo train --set lr=VALUE"),
        (("build", "dcgan+ema"), "it is a setting, as in ganzoo train --set ema=VALUE"),
        (("build", "dcgan+fid"), "it is a metric, as in ganzoo eval --metrics fid"),
        (("grid", "dcgan+batchnorm", "--data", "digits"), "here it is bn"),
    ],
)
def test_other_places(words: tuple[str, ...], meant: str) -> None:
    assert meant in said(*words)


def test_what_nobody_knows_leads_nowhere() -> None:
    assert [lead("xyzzy", place) for place in ORDER] == [""] * len(ORDER)
    assert "nearest: hinge" in said("build", "dcgan+hnge")
