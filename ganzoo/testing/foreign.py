"""Checks of converters of foreign weights."""

from __future__ import annotations

import torch

from ganzoo.foreign.converter import Converter
from ganzoo.registry.entry import Entry
from ganzoo.testing.expect import expect

STRANGE: tuple[object, ...] = (
    None,
    {},
    [],
    "text",
    3,
    {"state_dict": {}},
    {"weight": torch.zeros(2, 2)},
    {"a": {"b": {"c": {}}}},
)


def check_converter(entry: Entry) -> None:
    """It says of which project it is, and takes nothing that is of none."""
    made = entry.load()()
    expect(isinstance(made, Converter), entry, "is a ganzoo.foreign.Converter")
    expect(str(getattr(made, "url", "")).startswith("https://"), entry, "says where its project is, as url")
    expect(bool(getattr(made, "checked", "")), entry, "says what it was checked with, as checked")
    for content in STRANGE:
        expect(made.fits(content) is False, entry, f"does not fit {content!r}")
