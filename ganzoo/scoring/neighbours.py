"""The training images that samples are nearest to, in pixels and in features, beside those of held-out images.

That a sample lies near a training image says little by itself; that samples lie nearer than images of the same kind
that the model never saw does: A Non-Parametric Test to Detect Data-Copying in Generative Models (Meehan et al. 2020,
arXiv 2004.05675). Its statistic is the share of pairs of a sample and a held-out image in which the sample is the
nearer one to the training set; the paper takes it within cells of the data, here it is one for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import sqrt
from os import PathLike
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from ganzoo.card import add_neighbours
from ganzoo.data import ImageData
from ganzoo.data.open import is_path
from ganzoo.errors import UsageError
from ganzoo.files.paths import to_path
from ganzoo.folder.model import ModelFolder
from ganzoo.folder.neighbours import FEATURES, HELD_OUT, LEVELS, PIXELS, TRAINING, NeighboursRecord
from ganzoo.folder.neighbours import sentence as said_of
from ganzoo.gan.gan import GAN
from ganzoo.gan.inputs import NOISE
from ganzoo.images import grid, save_png, visible
from ganzoo.metrics.extract import Progress
from ganzoo.metrics.features import FeatureNetwork
from ganzoo.registry.loading import log
from ganzoo.scoring.drawn import Model, check_counts, drawn, fakes_of, opened
from ganzoo.scoring.score import OTHER, held_out_of, open_real, open_split
from ganzoo.seeding import derive


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
        unseen: the images that the held-out ones were drawn from; None where there are none.
        network: the feature network, as a score has it.
        seed: of the samples, and of which held-out images were drawn.
        sources: ``"held out"`` or ``"training"``, for a model that makes its images from others: of which these were.
        weights: sha256 of the weights that drew the samples; empty where that is not known.
        step: of these.
    """

    samples: Tensor
    near: dict[str, Nearest]
    held: dict[str, Nearest]
    copies: int
    training: ImageData
    unseen: ImageData | None = None
    network: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    sources: str | None = None
    weights: str = ""
    step: int = 0

    def nearer(self, kind: str) -> float | None:
        """The share of pairs in which the sample is nearer than the held-out image; None without these."""
        return nearer_share(self.near[kind].first, self.held[kind].first) if self.held else None

    def numbers(self) -> dict[str, Any]:
        """Medians and the least of distances, shares, and how many there are of each, as JSON."""
        found: dict[str, Any] = {
            "samples": len(self.samples),
            "copies": self.copies,
            "copies_but_for_rounding": alike(self.near),
            "held_out_copies": alike(self.held) if self.held else 0,
            "training": self.training.count,
        }
        for kind, near in self.near.items():
            held = self.held.get(kind)
            found[kind] = {
                "samples": float(near.first.median()),
                "held_out": None if held is None else float(held.first.median()),
                "samples_nearer": self.nearer(kind),
                "nearest_sample": float(near.first.min()),
                "nearest_held_out": None if held is None else float(held.first.min()),
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

    def picture(self, rows: int = 8) -> Image.Image:
        """:meth:`table` as a picture: a row for each sample, with its neighbours in pixels, then those in features."""
        return grid(self.table(rows), columns=1 + 2 * self.near[PIXELS].places.shape[1])

    def save(self, path: str | PathLike[str], rows: int = 8) -> None:
        """Write :meth:`picture` as a PNG."""
        save_png(self.picture(rows), to_path(path, "path"))

    def sentence(self) -> str:
        """What this says of memorisation, and what it cannot say."""
        return said_of(self.numbers())

    def record(self) -> NeighboursRecord:
        """What a model's folder keeps of it."""
        held = None if self.unseen is None else _dataset(self.unseen)
        return NeighboursRecord(
            weights=self.weights,
            step=self.step,
            seed=self.seed,
            each=self.near[PIXELS].places.shape[1],
            sources=self.sources,
            data=_dataset(self.training),
            held_data=held,
            network=self.network,
            numbers=self.numbers(),
        )


def _dataset(data: ImageData) -> dict[str, Any]:
    """Which images they are, as a score's record has it."""
    return {"name": data.name, "fingerprint": data.fingerprint, "split": data.split, "count": data.count}


def alike(near: Mapping[str, Nearest]) -> int:
    """How many equal a training image, but for rounding at most."""
    return int((near[PIXELS].first <= LEVELS / 255).sum())


def nearer_share(samples: Tensor, held: Tensor) -> float:
    """The share of pairs in which the first is smaller, of equal ones half: Mann and Whitney's U over its maximum.

    Args:
        samples, held: distances ``(n,)`` and ``(m,)``.
    """
    below = (samples[:, None] < held[None]).double() + 0.5 * (samples[:, None] == held[None]).double()
    return float(below.mean())


def neighbours(
    model: Model,
    data: Any,
    *,
    split: str | None = None,
    held_out: Any = None,
    n: int = 256,
    k: int = 3,
    features: str | None = None,
    weights: str | PathLike[str] | None = None,
    seed: int = 0,
    batch: int = 64,
    device: str = "cpu",
    step: int | str | None = None,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> Neighbours:
    """The training images that samples of a model lie nearest to, in pixels and in features: does it copy?

    Args:
        model: a GAN; a reference as :func:`ganzoo.load` takes it; or a folder or ``.zip`` of images.
        data: what it was trained on, as :func:`ganzoo.train` takes it.
        split: of the data, that it was trained on: ``train`` by default.
        held_out: real images that it has not seen; what its training held out, or the data's other split, by default.
        n: samples.
        k: neighbours of each.
        features: the feature network, ``tf_efficientnet_lite0.in1k`` by default; as :func:`ganzoo.evaluate` takes it.
        weights: a file with the network's weights.
        seed: of the samples, and of which held-out images are drawn.
        batch: images computed at once.
        device: where samples and features are computed.
        step: a kept step, or ``"best"``, of a run.
        skip_bad: leave out pictures that cannot be read.
        progress: told how many training images are done, and of how many.

    Raises:
        UsageError: for data or a network that is not there, or held-out images that are the training's own.

    Example:
        >>> found = ganzoo.neighbours("./runs/first", "digits")
        >>> found.sentence(), found.save("neighbours.png")
    """
    check_counts(seed, batch, n=n, k=k)
    subject, network = opened(model, features, weights, device, step, skip_bad)
    training, unseen = training_images(subject.model, data, split, held_out, skip_bad)
    if not learned_from(subject.model, training):
        log.warning("%s is not what the model says that it was trained on", training.name)
    found = find(subject.model, training, unseen, network, n=n, k=k, seed=seed, batch=batch, progress=progress)
    return replace(found, weights=subject.digest, step=subject.step)


def add_to_card(found: Neighbours, folder: ModelFolder, rows: int = 4) -> bool:
    """Draw a strip into the card of the model that was looked at, with what it says of memorisation.

    Pictures of the training data are in it, which ``ganzoo push`` publishes with the card.

    Args:
        found: of this model.
        folder: its own.
        rows: samples that are shown, those that lie nearest to training images.

    Returns:
        Whether the card shows it: one that a person changed outside of its marks stays as it was.

    Raises:
        UsageError: the folder has other weights by now, or what was looked at is no model.
    """
    if found.weights != folder.digest:
        raise UsageError(f"these neighbours are not those of samples of the weights in {folder}: look for them again")
    known = [*(score.dataset for score in folder.scores), folder.config["dataset"]]
    return add_neighbours(folder, found.picture(rows), found.record().called_as_in(known))


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
    sources = _sources(model, unseen)
    shown = training if sources != HELD_OUT or unseen is None else unseen
    samples = torch.cat([images for images, _ in drawn(fakes_of(model, shown), n, seed, batch)])
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
    return Neighbours(
        samples=samples,
        near=near,
        held={} if unseen is None else beside,
        copies=int((near[PIXELS].first == 0).sum()),
        training=training,
        unseen=unseen,
        network=network.record(),
        seed=seed,
        sources=sources,
    )


def _sources(model: GAN | ImageData, unseen: ImageData | None) -> str | None:
    """Of which images the inputs are that a model makes its own from; None for one that takes none.

    A photograph that was coloured in training lies near itself, and coloured again would look copied: so they are
    those of the held-out images, where these have some.
    """
    needed = set() if isinstance(model, ImageData) else model.input_names - {NOISE}
    if not needed:
        return None
    return HELD_OUT if unseen is not None and needed <= {*unseen.paired, *unseen.unpaired} else TRAINING


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
