"""Finding the noise whose image is nearest to a photo: Projecting an image onto the manifold, iGAN (arXiv 1609.03552).

As in the paper, an encoder's guess is refined by L-BFGS. Ours differs in that random noise competes with the encoder,
several starts are refined a little and the best one to the end, and noise of a normal prior is kept where the prior
has mass.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganzoo import UsageError
from ganzoo.cli.kit import Latents
from ganzoo_edit.encoder import Encoder
from ganzoo_edit.manifold import PIECE, Manifold
from ganzoo_edit.nearness import Nearness, mean_difference, psnr
from ganzoo_edit.styled import StylePlace, StyleSearch, look_for_w, refuse_without_noise, refuse_without_w

CHUNK = 10  # steps of L-BFGS between two looks


@dataclass(frozen=True)
class Search:
    """How to look for the nearest image.

    Attributes:
        steps: of L-BFGS from the best start; each start first gets a quarter as many.
        starts: how many are refined.
        draws: random images that the starts are chosen from.
        seed: of those.
        prior: weight of staying where the prior has mass; 0 lets the noise go anywhere.
    """

    steps: int = 200
    starts: int = 4
    draws: int = 512
    seed: int = 0
    prior: float = 0.1


@dataclass(frozen=True)
class Place:
    """Noise, a class, and how far its image is from the photo.

    Attributes:
        z: ``(1, z_dim)``.
        label: number of the class, None for a model without classes.
        kind: ``encoder`` or ``random``: where it started.
        loss: the distance, with what staying near the prior costs.
        evaluations: times that the generator was asked.
    """

    z: Tensor
    label: int | None
    kind: str
    loss: float
    evaluations: int = 0

    def look(self, manifold: Manifold) -> Tensor:
        """Its image ``(C, H, W)`` in [0, 1]."""
        return manifold.look(self.z, labels_of(manifold, self))[0]

    def latents(self, model: str = "") -> Latents:
        """What draws its image again."""
        labels = None if self.label is None else torch.tensor([self.label])
        return Latents("z", self.z.detach().float().cpu(), labels, model=model)


@dataclass(frozen=True)
class Projection:
    """The nearest image that was found.

    Attributes:
        place: its noise or w, and its class.
        image: ``(C, H, W)`` in [0, 1], on the CPU.
        l1: mean absolute difference from the photo, of a range of 1.
        psnr: in dB.
        evaluations: times that the generator was asked, over all starts.
    """

    place: Place | StylePlace
    image: Tensor
    l1: float
    psnr: float
    evaluations: int


def search_in(manifold: Manifold, space: str | None, noise: bool, **given: Any) -> Search | StyleSearch:
    """Where and how long to look: where it was asked for, else in w where there is one.

    Args:
        manifold: the model.
        space: ``"z"``, ``"w"``, ``"w+"``, or None.
        noise: whether the noise of layers is to be found, too.
        given: fields of the search.

    Raises:
        UsageError: the model has no w, or no noise inputs to find noise for.
    """
    space = space or ("w" if manifold.gan.has_w else "z")
    if space == "z":
        if noise:
            raise UsageError("--find-noise is of w and w+: add --space w, or leave it out")
        return Search(**given)
    wanted = StyleSearch(space, noise=noise, **given)
    refuse_without_w(manifold)
    if noise:
        refuse_without_noise(manifold)
    return wanted


def objective(manifold: Manifold, near: Nearness, prior: float, z: Tensor, y: Tensor) -> Tensor:
    """What is minimised, ``(n,)``."""
    return near(manifold.draw(z, y)) + prior * manifold.strain(z)


def project(
    manifold: Manifold,
    near: Nearness,
    search: Search | StyleSearch,
    encoder: Encoder | None = None,
    label: int | None = None,
    progress: Callable[[Place | StylePlace, str], None] = lambda place, stage: None,
) -> Projection:
    """Find the noise, and the class, whose image is nearest to the photo that ``near`` measures from.

    Args:
        manifold: the model.
        near: the distance from the photo.
        search: where and how long to look.
        encoder: guesses one of the starts in z; without it all are random.
        label: the class; by default every class takes part and the best one is kept.
        progress: told of each place on the way, and which stage it belongs to.
    """
    places: Iterator[tuple[Place | StylePlace, str, int]]
    if isinstance(search, StyleSearch):
        places = iter(look_for_w(manifold, near, search, label))
    else:
        places = iter(look_for(manifold, near, search, encoder, label))
    steps = []
    for place, stage, spent in places:
        progress(place, stage)
        steps.append((place, spent))
    best, evaluations = steps[-1]
    image, photo = best.look(manifold), near.photo[0]
    return Projection(best, image.cpu(), mean_difference(image, photo), psnr(image, photo), evaluations)


def look_for(
    manifold: Manifold, near: Nearness, search: Search, encoder: Encoder | None = None, label: int | None = None
) -> Iterator[tuple[Place, str, int]]:
    """The places on the way, what is being done, and how often the generator was asked; the last place is the result.

    Arguments as :func:`project` takes them.
    """
    tried: list[Place] = []
    spent = 0
    for number, start in enumerate(starts(manifold, near, search, encoder, label), 1):
        place = start
        for place in descend(manifold, near, search, start, math.ceil(search.steps / 4)):
            yield place, f"start {number} of {search.starts}, {start.kind}", spent + place.evaluations
        tried.append(place)
        spent += place.evaluations
    best = min(tried, key=lambda place: place.loss)
    for place in descend(manifold, near, search, best, search.steps):
        yield place, f"the best start, {best.kind}", spent - best.evaluations + place.evaluations


def labels_of(manifold: Manifold, place: Place) -> Tensor:
    """The label vector ``(1, classes)`` of a place."""
    return manifold.labels(None if place.label is None else torch.tensor([place.label]), 1)


def starts(
    manifold: Manifold, near: Nearness, search: Search, encoder: Encoder | None = None, label: int | None = None
) -> list[Place]:
    """Where to start: the encoder's guess, if there is an encoder, then the nearest of many random images.

    Random images take the classes in turn, and the encoder guesses for each class; the nearest keeps its own.
    """
    classes = torch.tensor(manifold.learned) if label is None else torch.tensor([label])
    guesses: list[Place] = []
    if encoder is not None:
        count = max(1, len(classes))
        numbers = classes if len(classes) else None
        z = encoder(near.photo.expand(count, -1, -1, -1), manifold.labels(numbers, count))
        guesses = _nearest(manifold, near, search, z, numbers, count=1, kind="encoder")
    count = max(search.draws, search.starts, 4 * len(classes))
    numbers = classes[torch.arange(count) % len(classes)] if len(classes) else None
    z = manifold.noise(count, search.seed)
    return guesses + _nearest(manifold, near, search, z, numbers, count=search.starts - len(guesses), kind="random")


@torch.no_grad()
def _nearest(
    manifold: Manifold, near: Nearness, search: Search, z: Tensor, numbers: Tensor | None, count: int, kind: str
) -> list[Place]:
    y = manifold.labels(numbers, len(z))
    pieces = [slice(i, i + PIECE) for i in range(0, len(z), PIECE)]
    losses = torch.cat([objective(manifold, near, search.prior, z[piece], y[piece]) for piece in pieces])
    return [
        Place(z[row : row + 1], None if numbers is None else int(numbers[row]), kind, float(losses[row]))
        for row in losses.argsort()[:count].tolist()
    ]


def descend(manifold: Manifold, near: Nearness, search: Search, start: Place, steps: int) -> Iterator[Place]:
    """Go down from a start by L-BFGS; yields the best place so far, the start first, then after every few steps."""
    y = labels_of(manifold, start)
    free = manifold.free(start.z).requires_grad_(True)
    optimizer = torch.optim.LBFGS([free], max_iter=CHUNK, history_size=20, line_search_fn="strong_wolfe")
    asked = start.evaluations

    def closure() -> Tensor:
        nonlocal asked
        asked += 1
        optimizer.zero_grad(set_to_none=True)
        loss = objective(manifold, near, search.prior, manifold.bound(free), y).sum()
        loss.backward()
        return loss

    best = start
    yield best
    for done in range(0, steps, CHUNK):
        optimizer.param_groups[0]["max_iter"] = min(CHUNK, steps - done)
        optimizer.step(closure)  # type: ignore[no-untyped-call]
        z = manifold.bound(free.detach())
        with torch.no_grad():
            loss = float(objective(manifold, near, search.prior, z, y))
        if not loss < best.loss:  # it stands still, or ran off where numbers end
            yield Place(best.z, best.label, best.kind, best.loss, asked)
            return
        best = Place(z.clone(), best.label, best.kind, loss, asked)
        yield best
