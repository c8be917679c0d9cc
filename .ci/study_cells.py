"""The study's cells: which recipes, on which data, with which settings, and how each of them is trained and scored."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

SEEDS = 3
RESOLUTION = 32
BUDGET = "10m"
SAMPLES = 2000  # that a cell is scored by
FEATURES = "tf_efficientnet_lite0.in1k"
EYES = "tf_efficientnet_lite2.in1k"  # what a projected discriminator looks through: never the network that scores it
PER_CLASS = 100  # pictures of each class in the small data
KID, FD, ACCURACY = "kid", "fd", "gan-test"


@dataclass(frozen=True)
class DataSet:
    """Images to learn, and to score against.

    Attributes:
        name: of the zip to train on, without its ending.
        source: zip of the shared data that it is or is made from.
        test: zip of the shared data to score against.
        metrics: as ``--metrics`` takes them.
        said: what they are, for the page.
    """

    name: str
    source: str
    test: str
    metrics: str
    said: str


MNIST = DataSet(
    "mnist-train", "mnist-train.zip", "mnist-test.zip", "kid,fid,gan-test", "MNIST, 60,000 digits with labels"
)
SMALL = DataSet(
    f"cifar10-{10 * PER_CLASS}",
    "cifar10-train.zip",
    "cifar10-test.zip",
    "kid,fid",
    f"A thousand pictures of CIFAR-10, {PER_CLASS} of each class",
)
DATA = (MNIST, SMALL)


@dataclass(frozen=True)
class Family:
    """Recipes that are trained with the same settings, by one ``ganzoo grid``.

    Attributes:
        name: of its folder.
        title: for the page.
        recipes: by the short name that the page calls each by.
        settings: as ``--set`` takes them.
        batch: images of a batch.
    """

    name: str
    title: str
    recipes: dict[str, str]
    settings: dict[str, str] = field(default_factory=dict)
    batch: int = 64

    def words(self, data: DataSet) -> list[str]:
        """What is trained and how it is scored, as words of ``ganzoo grid``, but for recipes, seeds and places."""
        settings = {**self.settings, "precision": "fp32"}
        return [
            *("--resolution", str(RESOLUTION), "--batch", str(self.batch), "--budget", BUDGET, "--clock", "cpu"),
            *(word for name, value in settings.items() for word in ("--set", f"{name}={value}")),
            *("--metrics", data.metrics, "-n", str(SAMPLES), "--features", FEATURES, "--threads", "1"),
            *("--save-every", "1000", "--grid-every", "1000", "--log-every", "100"),
        ]

    def command(self, data: DataSet) -> str:
        """The ``ganzoo grid`` that trains and scores the whole family."""
        head = ["ganzoo", "grid", *self.recipes.values(), "--data", f"{data.name}.zip", "--eval-data", data.test]
        return shlex.join([*head, "--seeds", str(SEEDS), *self.words(data), "--out", f"{self.name}-{data.name}"])


# At rates as below ch=16 falls apart after 16,000 of 22,000 steps; at its own, dcgan keeps together for ten minutes.
TRUNK = "dcgan:ch=32"
SLOWER_D = {"lr.g": "1e-3", "lr.d": "3e-4"}
FAMILIES = (
    Family("dcgan", "Networks", {"dcgan": TRUNK}),
    Family(
        "heads",
        "Heads: how labels enter D",
        {head: f"{TRUNK}+{head}+onehot@g" for head in ("projection", "ac", "adc", "d2dce")},
    ),
    Family(
        "regularizers",
        "Regularizers and augmentations",
        {part: f"{TRUNK}+{part}" for part in ("cr", "diffaugment", "ada", "lecam", "r1")},
    ),
    Family("sngan", "Networks", {"sngan": "sngan:ch=32"}, {"lr.g": "1e-3", "lr.d": "1e-3", "repeat.d": "1"}),
    Family("biggan", "Networks", {"biggan": "biggan-uncond:ch=8"}, {"lr.g": "1e-3", "lr.d": "1e-3", "repeat.d": "1"}),
    Family("r3gan", "Networks", {"r3gan": "r3gan:blocks=1,ch=16+unlabelled"}, {"lr": "2e-3", "betas": "0/0.9"}, 32),
    Family("fastgan", "Networks", {"fastgan": "fastgan:ch=8"}, batch=16),
    Family("stylegan2", "Networks", {"stylegan2": "stylegan2:ch=16,mapping=2+unlabelled"}, batch=32),
    Family(
        "projected",
        "Networks",
        {"projected": f"{TRUNK}+projected@d:ch=8,features={EYES},pixels=64+unlabelled+hinge"},
        SLOWER_D,
        16,
    ),
)
LABELLED = tuple(next(one for one in FAMILIES if one.name == "heads").recipes)
NAMES = tuple(name for family in FAMILIES for name in family.recipes)


@dataclass(frozen=True)
class Cell:
    """One recipe on one data set with one seed."""

    data: DataSet
    family: Family
    name: str
    seed: int

    @property
    def recipe(self) -> str:
        """What is trained."""
        return self.family.recipes[self.name]

    @property
    def key(self) -> tuple[str, str, int]:
        """What it is called in the results."""
        return self.data.name, self.name, self.seed

    @property
    def protocol(self) -> str:
        """All that its numbers depend on but the seed: a result of another protocol is none of this cell."""
        return shlex.join([self.recipe, "--data", self.data.name, *self.family.words(self.data)])


def cells() -> Iterator[Cell]:
    """Every cell, seed by seed, so that all recipes can soon be compared."""
    for seed in range(SEEDS):
        for family in FAMILIES:
            for data in DATA:
                for name in family.recipes:
                    yield Cell(data, family, name, seed)


def done(results: list[dict[str, Any]]) -> dict[tuple[str, str, int], dict[str, Any]]:
    """Results by the key of their cells; those of another protocol than today's are left out."""
    today = {cell.key: cell.protocol for cell in cells()}
    found = {(row["data"], row["name"], row["seed"]): row for row in results}
    return {key: row for key, row in found.items() if row["protocol"] == today.get(key)}
