"""The training images that samples are nearest to, in pixels and in features, beside those of held-out images.

That a sample lies near a training image says little by itself; that samples lie nearer than images of the same kind
that the model never saw does: A Non-Parametric Test to Detect Data-Copying in Generative Models (Meehan et al. 2020,
arXiv 2004.05675). Its statistic is the share of pairs of a sample and a held-out image in which the sample is the
nearer one to the training set; the paper takes it within cells of the data, here it is one for all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from typing import Any

import torch
from torch import Tensor

from ganzoo.data import ImageData
from ganzoo.data.open import is_path
from ganzoo.errors import UsageError, counted
from ganzoo.gan.gan import GAN
from ganzoo.images import visible
from ganzoo.metrics.extract import Progress
from ganzoo.metrics.features import FeatureNetwork
from ganzoo.metrics.subjects import Generated, Pictured
from ganzoo.scoring.score import OTHER, held_out_of, open_real, open_split
from ganzoo.seeding import derive

PIXELS, FEATURES = "pixels", "features"
SURE = 3.0  # standard errors from which on a share is not taken for chance


@dataclass(frozen=True)
class Nearest:
    """The training images nearest to some others, the nearest first.

    Attributes:
        places: their numbers ``(n, k)``.
        distances: ``(n, k)``: in pixels the root of the mean square of differences, from 0 to 1; of features Euclidean.
    """

    places: Tensor
    distances: Tensor

    @property
    def first(self) -> Tensor:
        """The distance of the nearest, ``(n,)``."""
        return self.distances[:, 0]


@dataclass(frozen=True)
class Neighbours:
    """What was found.

    Attributes:
        samples: what a person sees of them, bytes ``(n, C, H, W)``.
        near: by ``pixels`` and ``features``, the neighbours of samples.
        held: the same of held-out images; empty where there are none.
        copies: samples that equal a training image.
        training: the images of the training set.
    """

    samples: Tensor
    near: dict[str, Nearest]
    held: dict[str, Nearest]
    copies: int
    training: ImageData

    def nearer(self, kind: str) -> float | None:
        """The share of pairs in which the sample is nearer than the held-out image; None without these."""
        return nearer_share(self.near[kind].first, self.held[kind].first) if self.held else None

    def numbers(self) -> dict[str, Any]:
        """Medians of distances, and shares, as JSON."""
        found: dict[str, Any] = {"samples": len(self.samples), "copies": self.copies, "training": self.training.count}
        for kind, near in self.near.items():
            held = self.held.get(kind)
            found[kind] = {
                "samples": float(near.first.median()),
                "held_out": None if held is None else float(held.first.median()),
                "samples_nearer": self.nearer(kind),
            }
        return {**found, "held_out": len(self.held[PIXELS].first) if self.held else 0}

    def table(self, rows: int) -> Tensor:
        """The samples that lie nearest in features, each with its neighbours in pixels and in features.

        Returns:
            Bytes ``(rows * (1 + 2 k), C, H, W)``.
        """
        order = self.near[FEATURES].first.argsort(stable=True)[:rows]
        table = []
        for place in order.tolist():
            table.append(self.samples[place : place + 1])
            table += [visible(self.training.images.fetch(self.near[kind].places[place])) for kind in (PIXELS, FEATURES)]
        return torch.cat(table)

    def sentence(self) -> str:
        """What this says of memorisation, and what it cannot say."""
        if self.copies:
            return (
                f"{counted(self.copies, 'sample')} of {len(self.samples):,} equal a training image pixel by pixel: the"
                " model draws copies"
            )
        share = self.nearer(FEATURES)
        if share is None:
            return "without held-out images to compare with, these distances say nothing of memorisation"
        far = (share - 0.5) / share_error(len(self.samples), len(self.held[FEATURES].first))
        if far > SURE:
            return (
                f"samples lie nearer to the training images than held-out images do (in {share:.0%} of pairs; by chance"
                " 50%): a sign of copying, of samples plainer than real images, or of held-out images of another kind;"
                " see the picture"
            )
        beside = "farther from" if far < -SURE else "as near to"
        return (
            f"samples lie {beside} the training images {'than' if far < -SURE else 'as'} held-out images do (nearer in"
            f" {share:.0%} of pairs; by chance 50%): no sign of copying as a rule, which says nothing of rare copies,"
            " or of shifted and recoloured ones"
        )


def nearer_share(samples: Tensor, held: Tensor) -> float:
    """The share of pairs in which the first is smaller, of equal ones half: Mann and Whitney's U over its maximum.

    Args:
        samples, held: distances ``(n,)`` and ``(m,)``.
    """
    below = (samples[:, None] < held[None]).double() + 0.5 * (samples[:, None] == held[None]).double()
    return float(below.mean())


def share_error(n: int, m: int) -> float:
    """The standard deviation of that share where both are draws of one law: ``√((n + m + 1) / (12 n m))``."""
    return sqrt((n + m + 1) / (12 * n * m))


# --- the images ---------------------------------------------------------------------------------------------


def training_images(
    model: GAN | ImageData, data: Any, split: str | None, held_out: Any, skip_bad: bool = False
) -> tuple[ImageData, ImageData | None]:
    """The images that a model learned from, and some of the same kind that it has not seen; None where there are none.

    These are what its training held out, or ``held_out``, or the other split of a named data set.

    Args:
        model: a GAN; or images.
        data: as ``--data`` takes it.
        split: of it, that the model learned from.
        held_out: other real images, as ``--data`` takes them; None for what is known.
        skip_bad: leave out pictures that cannot be read.

    Raises:
        UsageError: held-out images are the training's own.
    """
    own = held_out_of(model)
    real, named = open_real(data, split, model, own.of if own else None, skip_bad)
    if own is not None and real.is_known_as(own.of):
        real, unseen = own.divide(real)
        if held_out is None:
            return real, unseen
    if held_out is None:
        other = OTHER.get(named) if isinstance(data, str) and not is_path(data) else None
        return real, None if other is None else open_split(data, other, real, skip_bad=skip_bad)[0]
    other_split = OTHER.get(named) if isinstance(held_out, str) and held_out == data and not is_path(data) else None
    unseen, _ = open_split(held_out, other_split, real, skip_bad=skip_bad)
    if unseen.fingerprint == real.fingerprint:
        raise UsageError(f"the held-out images are those of {real.name} themselves: give others")
    return real, unseen


def learned_from(model: GAN | ImageData, real: ImageData) -> bool:
    """Whether a model that was loaded is known to have learned from these images; True where nothing is known."""
    config: Any = getattr(model, "config", None)
    known = config["dataset"].get("fingerprint") if isinstance(config, dict) else None
    return not known or real.is_known_as(known)


# --- the search ---------------------------------------------------------------------------------------------


class _Search:
    """The ``k`` nearest of rows that pass, in pieces, of each query ``(n, d)``."""

    def __init__(self, queries: Tensor, k: int) -> None:
        self.queries, self.k = queries, k
        self.places = torch.zeros(len(queries), 0, dtype=torch.int64)
        self.distances = torch.zeros(len(queries), 0)

    def take(self, rows: Tensor, start: int) -> None:
        """Take in rows ``(b, d)`` with the numbers from ``start`` up."""
        new = torch.arange(start, start + len(rows)).expand(len(self.queries), -1)
        distances = torch.cat([self.distances, torch.cdist(self.queries, rows)], 1)
        places = torch.cat([self.places, new], 1)
        self.distances, order = distances.topk(min(self.k, distances.shape[1]), largest=False)
        self.places = places.gather(1, order)


def find(
    model: GAN | ImageData,
    training: ImageData,
    unseen: ImageData | None,
    network: FeatureNetwork,
    *,
    n: int = 256,
    k: int = 3,
    seed: int = 0,
    batch: int = 64,
    progress: Progress | None = None,
) -> Neighbours:
    """The training images that samples of a model, and held-out images, lie nearest to.

    Args:
        model: a GAN; or images, which stand for samples.
        training: all of its images are looked at.
        unseen: real images that the model has not seen, of which ``n`` are drawn; None for none.
        network: the feature network.
        n: samples.
        k: neighbours of each.
        seed: of the samples, and of which held-out images are drawn.
        batch: images computed at once.
        progress: called with how many training images are done, and of how many.
    """
    fakes = Generated.of(model, training) if isinstance(model, GAN) else Pictured(model)
    samples = torch.cat([visible(images) for images, _ in fakes.batches(fakes.count(n), seed, batch)])
    held = samples[:0]
    if unseen is not None:
        rng = torch.Generator().manual_seed(derive("held out", seed))
        held = visible(unseen.images.fetch(torch.randperm(unseen.count, generator=rng)[: len(samples)]))
    queries = torch.cat([samples, held])
    searches = {PIXELS: _Search(_flat(queries), k), FEATURES: _Search(_seen(network, queries, batch), k)}
    for start, images in _pieces(training, batch):
        searches[PIXELS].take(_flat(images), start)
        searches[FEATURES].take(network(images)[0], start)
        if progress is not None:
            progress(start + len(images), training.count)
    found = {kind: Nearest(search.places, search.distances) for kind, search in searches.items()}
    found[PIXELS] = _exact(found[PIXELS], queries, training)
    count = len(samples)
    near = {kind: Nearest(one.places[:count], one.distances[:count]) for kind, one in found.items()}
    beside = {kind: Nearest(one.places[count:], one.distances[count:]) for kind, one in found.items()}
    return Neighbours(samples, near, {} if unseen is None else beside, int((near[PIXELS].first == 0).sum()), training)


def _pieces(data: ImageData, batch: int) -> Iterator[tuple[int, Tensor]]:
    for rows in torch.arange(data.count).split(batch):
        yield int(rows[0]), visible(data.images.fetch(rows))


def _flat(images: Tensor) -> Tensor:
    """Rows in [0, 1] of bytes ``(B, C, H, W)``, whose distances are roots of mean squares."""
    rows = images.flatten(1).float() / 255
    return rows / sqrt(rows.shape[1])


def _seen(network: FeatureNetwork, images: Tensor, batch: int) -> Tensor:
    return torch.cat([network(piece)[0] for piece in images.split(batch)])


def _exact(near: Nearest, queries: Tensor, training: ImageData) -> Nearest:
    """Distances in pixels anew from whole numbers, as the products that find neighbours leave no exact 0."""
    rows = []
    for query, places in zip(queries, near.places, strict=True):
        apart = visible(training.images.fetch(places)).int() - query.int()
        rows.append(apart.double().square().flatten(1).mean(1).sqrt().float() / 255)
    distances, order = torch.stack(rows).sort(dim=1, stable=True)
    return Nearest(near.places.gather(1, order), distances)
