"""The smallest GAN that a recipe can be, and data made up for it: every column that its parts ask for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from ganzoo.data.dataset import ImageData
from ganzoo.data.images import MemoryImages
from ganzoo.gan.builder import assemble
from ganzoo.gan.catalogue import columns as wanted
from ganzoo.gan.catalogue import example, fitted
from ganzoo.gan.gan import GAN
from ganzoo.gan.inputs import SOURCE, TEXT, encode_text, reduced
from ganzoo.machine.precision import Precision
from ganzoo.parts.context import Batch
from ganzoo.plan.plan import Plan
from ganzoo.plan.resolver import make_plan, wants
from ganzoo.registry.entry import Entry
from ganzoo.registry.labels import LABEL, LABEL_KEYS, kind_in
from ganzoo.registry.loading import registry
from ganzoo.registry.lookup import Registry
from ganzoo.registry.recipe import EMPTY, HEAD_KINDS, WORD_KINDS, Part, Recipe
from ganzoo.testing.expect import expect
from ganzoo.training.loop import Trainer

RESOLUTION = 16  # or the nearest that an architecture takes
CLASSES = 3
BATCH = 4
IMAGES = 12
Z_DIM = 16
SMALL = {"ch": "8", "pixels": "32"}  # options of architectures that have them, at which networks are small
SETTINGS = {"repeat.d": 1, "batch": BATCH}  # one turn each, whatever a part asks for
COLUMNS = frozenset({"image", "label"})
PAIRS = "pairs"  # what data provides where each image has a source of its own


@dataclass(frozen=True)
class Tiny:
    """A plan at sizes that it takes, and data for it.

    Attributes:
        plan: resolved against the columns of the data.
        sizes: ``resolution``, ``channels``, ``classes`` and ``z_dim``.
    """

    plan: Plan
    sizes: dict[str, Any]

    def build(self, seed: int = 0, device: str = "cpu") -> GAN:
        """The GAN, its weights a function of ``seed``."""
        torch.manual_seed(seed)
        return assemble(self.plan, **self.sizes, device=device)

    def trainer(self, seed: int = 0, dtype: torch.dtype = torch.float32, device: str = "cpu") -> Trainer:
        """A fresh GAN that has not moved yet, in a trainer."""
        gan = self.build(seed, device)
        return Trainer(gan, seed, horizon=4, precision=Precision(torch.device(device), dtype))

    def batches(self, trainer: Trainer) -> list[Batch]:
        """The batches of the trainer's next step."""
        first = trainer.step * trainer.batches_per_step
        numbers = range(first, first + trainer.batches_per_step)
        return [trainer.precision.send(self.batch(number)) for number in numbers]

    def batch(self, number: int = 0) -> Batch:
        """One batch, on the CPU; the same again for the same number."""
        return self.data().stream(BATCH, seed=0).batch(number)

    def data(self) -> ImageData:
        """Images of noise, with a column for every key that the plan was resolved against."""
        return synthetic_data(self.plan.provides, self.sizes["resolution"], self.sizes["channels"])

    def draw(self, gan: GAN, n: int, seed: int) -> Tensor:
        """``n`` samples ``(n, C, H, W)`` in [0, 1], from whatever the game takes."""
        return gan.sample(n, seed=seed, **self._given(gan, n))

    def _given(self, gan: GAN, n: int) -> dict[str, Any]:
        rows = self.batch()
        given: dict[str, Any] = {}
        if SOURCE in gan.input_names:
            sources = reduced(rows.get(SOURCE, rows["image"])[:n], gan.image, gan.source_image)
            given[SOURCE] = (sources + 1) / 2
        if TEXT in gan.input_names:
            given[TEXT] = _captions(n)
        return given


def tiny(recipe: str, keys: Collection[str] = COLUMNS) -> Tiny:
    """A recipe at the smallest sizes that it takes.

    Args:
        recipe: such as ``"dcgan+hinge"``.
        keys: columns of the data; those that the architecture cannot do without come with it.

    Raises:
        UsageError: for a recipe that does not resolve, or cannot be built at any size.
    """
    known = with_label({*keys, *wants(recipe)})
    plan = make_plan(narrowed(recipe), known, SETTINGS)
    classes = CLASSES if LABEL in known else 0
    gan = fitted(plan, RESOLUTION, classes)
    sizes = {"resolution": gan.resolution, "channels": gan.channels, "classes": classes, "z_dim": Z_DIM}
    return Tiny(plan, sizes)


def subject(entry: Entry) -> Tiny:
    """An architecture or preset itself, else a recipe that takes the part, at the smallest sizes.

    Raises:
        AssertionError: no architecture takes the part.
        UsageError: it cannot be built.
    """
    return _subject(entry, registry())


@lru_cache(maxsize=256)
def _subject(entry: Entry, known: Registry) -> Tiny:
    recipe = entry.spelling if entry.complete else example(entry)
    expect(recipe, entry, "some architecture takes it: see what ganzoo build says of a recipe with it")
    return tiny(str(recipe), COLUMNS | wanted(entry))


def unlabelled(entry: Entry) -> Tiny | None:
    """An architecture on data without labels, at the smallest sizes; None for one that needs labels."""
    recipe = entry.spelling if entry.complete else example(entry)
    return None if entry.labelled or recipe is None else tiny(recipe, {"image"})


def with_label(keys: Collection[str]) -> frozenset[str]:
    """The keys, and ``label`` where they have a kind of it: what has one has the other."""
    return frozenset(keys) | ({LABEL} if LABEL_KEYS & frozenset(keys) else frozenset())


def _labels(kind: str) -> Tensor:
    """Labels of the images: classes in turn, or label vectors of them."""
    numbers = torch.arange(IMAGES)
    if kind == "class":
        return numbers % CLASSES
    if kind == "multilabel":
        return torch.stack([numbers >> bit & 1 for bit in range(CLASSES)], 1).float()
    return torch.stack([(numbers * (place + 1.0)).sin() for place in range(CLASSES)], 1)


def synthetic_data(keys: Collection[str], resolution: int, channels: int) -> ImageData:
    """Images of noise, and a column for every other key: labels, captions, or more such images.

    Args:
        keys: of the batches. With ``pairs`` every column has a row for each image, else images have an order of their
            own.
        resolution, channels: of the images.
    """
    rng = torch.Generator().manual_seed(0)
    shape = (IMAGES, channels, resolution, resolution)
    known = with_label(keys)
    labels, kind = _labels(kind_in(known)), kind_in(known)

    def column(key: str) -> MemoryImages | Tensor:
        if key == TEXT:
            return encode_text(_captions(IMAGES))
        if key.endswith(LABEL):
            return torch.arange(IMAGES) % CLASSES
        return MemoryImages(torch.randint(0, 256, shape, dtype=torch.uint8, generator=rng))

    images = MemoryImages(torch.randint(0, 256, shape, dtype=torch.uint8, generator=rng))
    columns = {key: column(key) for key in sorted(frozenset(keys) - COLUMNS - LABEL_KEYS - {PAIRS})}
    paired = {key for key in columns if PAIRS in keys or key == TEXT}
    return ImageData(
        name="made-up",
        images=images,
        labels=labels if LABEL in known else None,
        label_kind=kind,
        class_names=tuple(f"class {number}" for number in range(CLASSES)) if LABEL in known else (),
        paired={key: column for key, column in columns.items() if key in paired},
        unpaired={key: column for key, column in columns.items() if key not in paired},
    )


def _captions(n: int) -> list[str]:
    return [f"a picture of thing number {number}" for number in range(n)]


def narrowed(recipe: str) -> str:
    """The recipe with a small ``ch``, where its architecture, or one on a side, has that option and no value of it."""
    parsed = Recipe.parse(recipe)
    head, words = registry().find(parsed.head.spelling, HEAD_KINDS), [*parsed.parts]
    while head.kind == "preset":
        inner = Recipe.parse(str(head.build))
        words += inner.parts
        head = registry().find(inner.head.spelling, HEAD_KINDS)
    made = parsed.head if "ch" in dict(parsed.head.options) else _narrow(parsed.head, head, None)
    sides = {side: _narrow(word, entry, side) for word, entry, side in reversed(_sided(words))}
    rest = [word for word in parsed.parts if word not in [found for found, _, _ in _sided(parsed.parts)]]
    return str(Recipe(made, (*rest, *sides.values())))


def _sided(words: Collection[Part]) -> list[tuple[Part, Entry, str]]:
    """The words that put an architecture's network on a side, each with its entry and the side."""
    parts = [word for word in words if word.name != EMPTY]
    found = [(word, registry().find(word.spelling, WORD_KINDS)) for word in parts]
    return [(word, entry, side) for word, entry in found if entry.kind == "architecture" for side in word.sides or ()]


def _narrow(word: Part, entry: Entry, side: str | None) -> Part:
    """A word for an architecture, with small values of the options that it has no value of."""
    known = entry.options(side, head=side is None)
    given = dict(word.options)
    small = {name: value for name, value in SMALL.items() if name in known and name not in given}
    return replace(word, options=(*small.items(), *word.options))
