"""TrainConfig: the facts of a training, spelled once, and what is made from them."""

import dataclasses
import inspect
import typing

import click
import pytest

import ganzoo
from ganzoo.cli.grid import grid
from ganzoo.cli.options import OWN, TYPES
from ganzoo.cli.plan import plan
from ganzoo.cli.train import train
from ganzoo.errors import UsageError
from ganzoo.training.config import FACTS, PLACE_OF_ARGUMENTS, TrainConfig
from ganzoo.training.intervals import Intervals
from ganzoo.training.setup import intervals_of

FIELDS = dataclasses.fields(TrainConfig)


def test_parameters_of_train_are_the_fields():
    parameters = inspect.signature(ganzoo.train).parameters
    assert list(parameters) == [field.name for field in FIELDS]
    assert [parameter.default for parameter in parameters.values()] == [field.default for field in FIELDS]
    hints = typing.get_type_hints(ganzoo.train)
    assert hints.pop("return") is ganzoo.Run and hints == typing.get_type_hints(TrainConfig)


def test_docstring_of_train_is_made_from_the_fields():
    text = inspect.getdoc(ganzoo.train)
    section = text[text.index("Args:") : text.index("Raises:")]
    assert PLACE_OF_ARGUMENTS not in text and max(map(len, text.splitlines())) <= 116
    for name, fact in FACTS.items():
        assert f"    {name}: {fact.text.split()[0]}" in section
        assert " ".join(fact.text.split()) in " ".join(section.split())


@pytest.mark.parametrize("command", [train, plan, grid], ids=lambda command: command.name)
def test_options_are_made_from_the_fields(command):
    own = {*OWN, *(("out", "metrics") if command is grid else ())}
    names = {name: fact for name, fact in FACTS.items() if name not in own}
    found = {option.name: option for option in command.params if option.name in names and option.name != "recipe"}
    for name, option in found.items():
        assert isinstance(option, click.Option) and option.help == f"{names[name].text}."
        assert option.metavar == names[name].metavar
        number = typing.get_args(TYPES[name])[:1] == (int,)
        assert isinstance(option.type, click.types.IntParamType) == number, name
    if command is train:
        assert found.keys() == names.keys() - {"recipe", "callback"}
        assert {option.name for option in train.params} - found.keys() == {"recipe", "pairs", "threads", "compiled"}


def test_every_field_is_explained():
    for name, fact in FACTS.items():
        assert fact.text and not fact.text.endswith("."), name


def test_intervals_take_what_was_given_and_keep_the_rest(tmp_path):
    before = Intervals(7, save_every=3, eval_every=5, log=("trackio",), budget=9.0)
    config = TrainConfig(steps=99, budget=None, grid_every=2, metrics=["kid"], eval_data=tmp_path, log=["wandb"])
    after = intervals_of(config, before)
    assert after == dataclasses.replace(
        before, grid_every=2, metrics=("kid",), eval_data=str(tmp_path.resolve()), log=("wandb",)
    )
    assert intervals_of(TrainConfig(), before) == before


@pytest.mark.parametrize(
    "given",
    [
        {"horizon": 0},
        {"workers": -1},
        {"budget": "soon"},
        {"steps": 0},
        {"steps": 1, "images": 1},
        {"license": "my own"},
    ],
)
def test_what_cannot_be_meant_is_refused_when_it_is_written_down(given):
    with pytest.raises(UsageError, match="--"):
        TrainConfig(**given)
