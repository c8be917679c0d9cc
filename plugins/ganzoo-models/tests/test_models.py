"""The package has every model of model_cards/, and ganzoo's core knows them by name."""

import json
import re
import sys
from fnmatch import fnmatch
from importlib import resources
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parents[1]
CARDS = HERE.parents[1] / "model_cards"
PROJECT = tomllib.loads((HERE / "pyproject.toml").read_text("utf-8"))
NAMES = sorted(path.parent.name for path in CARDS.glob("*/config.json"))


def test_the_link_leads_to_the_models():
    (value,) = PROJECT["project"]["entry-points"]["ganzoo.models"].values()
    assert (HERE / value).resolve() == CARDS and len(NAMES) >= 13


def test_the_core_knows_each_by_name_and_how_to_install_it():
    known = json.loads(resources.files("ganzoo.registry").joinpath("known_plugins.json").read_text("utf-8"))
    has = known[PROJECT["project"]["name"]]
    assert list(has) == [f"model/{name}" for name in NAMES]
    assert set(has.values()) == {"pip install ./plugins/ganzoo-models in a clone of ganzoo"}


@pytest.mark.parametrize("name", NAMES)
def test_every_file_of_a_model_is_in_the_package(name):
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["ganzoo_models"]
    files = [path.relative_to(CARDS) for path in (CARDS / name).rglob("*") if path.is_file()]
    packed = {
        file for file in files for one in patterns if one.count("/") == len(file.parts) - 1 and fnmatch(file, one)
    }
    assert set(files) == packed


def test_the_licences_of_the_weights_are_those_of_the_package():
    licences = {json.loads((CARDS / name / "config.json").read_text("utf-8"))["license"] for name in NAMES}
    stated = re.split(r" AND ", PROJECT["project"]["license"])
    assert licences == {one.lower() for one in stated}


def test_the_text_of_a_licence_goes_with_the_weights_that_are_anothers():
    configs = {name: json.loads((CARDS / name / "config.json").read_text("utf-8")) for name in NAMES}
    imported = [name for name, config in configs.items() if "imported" in (config.get("origin") or ())]
    assert imported
    for name in imported:
        assert "Permission is hereby granted" in (CARDS / name / "LICENSE").read_text("utf-8")
