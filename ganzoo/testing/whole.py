"""Checks of whole GANs: that they build, train two steps and draw images."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from ganzoo.builder import build
from ganzoo.catalogue import example
from ganzoo.entry import Entry
from ganzoo.gan import GAN, Batch
from ganzoo.recipe import HEAD_KINDS, Recipe
from ganzoo.registry import registry
from ganzoo.testing.adversarial import sample_round
from ganzoo.testing.declared import variants
from ganzoo.testing.expect import expect, expect_learning, expect_scalar

RESOLUTION = 32
CLASSES = 3
BATCH = 4
WIDTH = "16"  # of networks whose architecture has the option ``ch``: wide enough for groups, small enough to be quick


def check_architecture(entry: Entry) -> None:
    """It builds on ``meta`` and for real, with and without labels, and every parameter of it learns."""
    for classes in (0, CLASSES):
        if "label" in entry.requires and classes == 0:
            continue
        build(entry.spelling, RESOLUTION, classes=classes, device="meta")
        gan = build(narrowed(entry.spelling), RESOLUTION, classes=classes)
        declared = set(entry.networks)
        expect(declared <= set(dict(gan.named_children())), entry, f"builds the networks {sorted(declared)}")
        _train(entry, gan, thorough=True)
        _check_images(entry, gan)


def check_preset(entry: Entry) -> None:
    """It resolves, builds at full size without memory, and trains when narrow."""
    build(entry.spelling, RESOLUTION, classes=CLASSES, device="meta")
    gan = build(narrowed(entry.spelling), RESOLUTION, classes=CLASSES)
    _train(entry, gan)
    _check_images(entry, gan)


def check_training(entry: Entry) -> None:
    """Two steps with the part in a recipe that takes it."""
    recipe = example(entry)
    expect(recipe, entry, "some architecture takes it: see what ganzoo build says of a recipe with it")
    gan = build(narrowed(str(recipe)), RESOLUTION, classes=CLASSES)
    _train(entry, gan)


def check_augment(entry: Entry) -> None:
    """What the critic sees has the images' shape, and gradients go through it."""
    for options in variants(entry):
        part = entry.load()(**options)
        if not hasattr(part, "images"):
            continue
        round = sample_round("d", lambda x: x.flatten(1).mean(1))
        x = round.real.clone().requires_grad_()
        seen = part.images(x, round)
        expect(seen.shape == x.shape, entry, f"keeps the shape {tuple(x.shape)}, not {tuple(seen.shape)}")
        expect(torch.isfinite(seen).all(), entry, "its images are finite")
        (slope,) = torch.autograd.grad(seen.square().sum(), x, allow_unused=True)
        expect(slope is not None and slope.any(), entry, "gradients go through it, or G could not learn")


def check_dataset(entry: Entry) -> None:
    """It opens without an argument, and its batches are images in [-1, 1], the same again for the same number."""
    from ganzoo.data import DataRequest

    data = entry.load()("", DataRequest())
    first, again = (data.stream(BATCH, 0).batch(0) for _ in range(2))
    image = first["image"]
    expected = (BATCH, data.channels, data.resolution, data.resolution)
    expect(tuple(image.shape) == expected, entry, f"its images are {expected}, not {tuple(image.shape)}")
    expect(image.min() >= -1 and image.max() <= 1, entry, "its images lie in [-1, 1]")
    expect(torch.equal(image, again["image"]), entry, "batch 0 is the same each time")
    missing = sorted(entry.provides - set(first))
    expect(not missing, entry, f"its batches have the keys that it declares, also {missing}")


def narrowed(recipe: str) -> str:
    """The recipe with a small ``ch``, if its architecture has that option."""
    parsed = Recipe.parse(recipe)
    head = registry().find(parsed.head.spelling, HEAD_KINDS)
    while head.kind == "preset":
        head = registry().find(Recipe.parse(str(head.build)).head.spelling, HEAD_KINDS)
    if "ch" not in head.options() or parsed.head.options:
        return recipe
    return str(Recipe(replace(parsed.head, options=(("ch", WIDTH),)), parsed.parts))


def _batch(gan: GAN) -> Batch:
    image = torch.rand(BATCH, gan.channels, gan.resolution, gan.resolution) * 2 - 1
    return {"image": image, "label": torch.arange(BATCH) % CLASSES}


def _train(entry: Entry, gan: GAN, thorough: bool = False) -> None:
    """Two steps of every turn: finite terms, finite weights; when ``thorough``, a gradient for every parameter."""
    torch.manual_seed(0)
    gan.train()
    for step in range(2):
        for turn in gan.turns():
            networks = [gan.get_submodule(name) for name in gan.players[turn.player]]
            parameters = [parameter for network in networks for parameter in network.parameters()]
            gan.zero_grad()
            terms = turn.loss(_batch(gan), step)
            for name, term in terms.items():
                expect_scalar(term, entry, f"the term {name} of turn {turn.name}")
            total: Any = sum(terms.values())
            total.backward()
            for network in networks if thorough else ():
                expect_learning(network, entry)
            torch.optim.SGD(parameters, lr=1e-3).step()
            if turn.after is not None:
                turn.after()
    finite = all(torch.isfinite(parameter).all() for parameter in gan.parameters())
    expect(finite, entry, "weights are finite after two steps")


def _check_images(entry: Entry, gan: GAN) -> None:
    images = gan.sample(2, seed=0)
    expected = (2, gan.channels, gan.resolution, gan.resolution)
    expect(tuple(images.shape) == expected, entry, f"draws images {expected}, not {tuple(images.shape)}")
    expect(torch.isfinite(images).all(), entry, "the images it draws are finite")
