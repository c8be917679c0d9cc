"""Whose file it is, is asked of any content: nothing may make a converter stumble before it has said no."""

import json
import random
from pathlib import Path

import pytest
import torch

from ganzoo import UsageError, load_foreign
from ganzoo.registry.loading import registry

DATA = Path(__file__).parent / "data"
CONVERTERS = {entry.name: entry.load()() for entry in registry().entries("converter")}


def shapes(text):
    """A table written as ``name:2x3 name:4 scalar:``."""
    pairs = (word.rpartition(":") for word in text.split())
    return {name: [int(side) for side in shape.split("x") if side] for name, _, shape in pairs}


def lists(value):
    """Every table of names and shapes in a file of test data."""
    if isinstance(value, str) and ":" in value:
        yield shapes(value)
    elif isinstance(value, dict) and value and all(isinstance(shape, list) for shape in value.values()):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from lists(inner)


TABLES = [table for path in sorted(DATA.glob("*.json")) for table in lists(json.loads(path.read_text("utf-8")))]


def bent(table, rng):
    """The names with some shapes changed and some names left out, as tensors without memory."""
    kept = {name: shape for name, shape in table.items() if rng.random() > 0.1}
    shapes = {name: rng.choice([shape, shape, shape[:1], [*shape, 2], [], [0]]) for name, shape in kept.items()}
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}


@pytest.mark.parametrize("name", CONVERTERS)
def test_a_converter_says_yes_or_no_to_anything(name):
    rng = random.Random(0)
    for table in TABLES:
        for content in (bent(table, rng), {"state_dict": bent(table, rng), "g_ema": [], "config": 3}):
            assert CONVERTERS[name].fits(content) in (True, False)


def test_the_tables_are_there():
    assert len(TABLES) > 40 and all(len(table) > 10 for table in TABLES)


def test_no_list_of_names_is_of_two_projects():
    for table in TABLES:
        state = {name: torch.empty(shape, device="meta") for name, shape in table.items()}
        assert sum(converter.fits(state) for converter in CONVERTERS.values()) < 2, list(table)[:3]


def test_a_converter_that_stumbles_does_not_keep_others_from_their_files(tmp_path, monkeypatch):
    torch.save({"weight": torch.zeros(2)}, tmp_path / "a.pth")
    kind = type(CONVERTERS["mimicry"])
    monkeypatch.setattr(kind, "fits", lambda self, content: content["no such table"])
    with pytest.raises(UsageError, match="of no project"):
        load_foreign(tmp_path / "a.pth")
