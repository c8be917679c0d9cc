"""A whole life of every name: 30 steps on digits, an end and a way on, samples, a place on the Hub, a drawing.

Every part that stands in recipes, in the first recipe that takes it, every preset, and every configuration of the table
of StudioGAN. Widths are the smallest: what is learnt is another question.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import torch
from click.testing import CliRunner
from hub_server import OWNER, HubServer
from studiogan_rows import ROWS, settings_of
from tiny_runs import contents

import ganzoo
from ganzoo.cli import main
from ganzoo.folder.layout import checkpoints
from ganzoo.gan.catalogue import example
from ganzoo.registry.loading import registry
from ganzoo.registry.recipe import PART_KINDS
from ganzoo.testing.tiny import narrowed

STEPS, HALF = 30, 15
SMALL: dict[str, Any] = {"batch": 4, "repeat.d": 1, "z-dim": 16}
QUICK = {"loss/ls", "regularizer/lo"}
POLICIES = [
    f"dcgan+diffaugment:{off}" for off in ("translation=0,cutout=0", "color=0,cutout=0", "color=0,translation=0")
]


def lives() -> list[Any]:
    """Every name with its recipe and its settings; two are for every day, and rows of the table on demand."""
    entries = [entry for kind in ("architecture", *PART_KINDS, "preset") for entry in registry().entries(kind)]
    found: dict[str, tuple[str, Mapping[str, Any]]] = {entry.spelling: (str(example(entry)), {}) for entry in entries}
    found |= {policy: (policy, {}) for policy in POLICIES}
    found |= {f"studiogan/{name}": (row[0], settings_of(name)) for name, row in ROWS.items()}
    return [pytest.param(recipe, settings, id=name, marks=marks(name)) for name, (recipe, settings) in found.items()]


def marks(name: str) -> list[pytest.MarkDecorator]:
    """How often it is lived: rows are made of names that have lives of their own."""
    if name in QUICK:
        return []
    return [pytest.mark.exhaustive if name.startswith("studiogan/") else pytest.mark.slow]


def run(*words: object) -> str:
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize(("recipe", "settings"), lives())
def test_a_life(
    recipe: str, settings: Mapping[str, Any], hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", OWNER)
    recipe, whole, parts = narrowed(recipe), tmp_path / "whole", tmp_path / "parts"

    def stop(record: Mapping[str, Any]) -> None:
        """Keep the run as a kill would leave it, between its checkpoint and its end."""
        if record["step"] == STEPS - 1:
            shutil.copytree(whole, parts)

    unbroken = ganzoo.train(
        recipe,
        "digits",
        whole,
        steps=STEPS,
        resolution=16,
        settings={**settings, **SMALL},
        license="cc0-1.0",
        callback=stop,
        save_every=HALF,
        grid_every=STEPS,
        log_every=1,
        quiet=True,
    )
    assert max(checkpoints(parts)) == HALF
    ganzoo.train(resume=parts, quiet=True)
    assert _difference(whole, parts) == []

    images = ganzoo.load(whole).sample(4, seed=0)
    assert images.shape == (4, 1, 16, 16) and torch.isfinite(images).all()
    torch.testing.assert_close(images, unbroken.gan.sample(4, seed=0), atol=1e-4, rtol=0)

    run("push", whole, "me/it", "--unscored")
    torch.testing.assert_close(ganzoo.load("me/it").sample(4, seed=0), images, atol=0, rtol=0)

    run("build", recipe, "--resolution", 16, "--channels", 1, "--classes", 10, "--draw", tmp_path / "it.svg")
    assert ElementTree.parse(tmp_path / "it.svg").getroot().tag.endswith("svg")


def _difference(one: Path, two: Path) -> list[str]:
    """Files that only one of two runs has, or that are not the same."""
    first, second = contents(one), contents(two)
    return sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
