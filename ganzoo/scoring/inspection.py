"""Samples beside data as a whole: their power spectra, and a map of their features by t-SNE.

What scores say in a number can be seen here: frequencies that a generator misses or adds
(:mod:`ganzoo.metrics.spectrum`), classes or corners of the data that it does not reach, and places where it draws what
the data do not have (Visualizing Data using t-SNE, van der Maaten & Hinton 2008). A map can deceive, as its distances
mean little and its clumps may be of its own making; so a number is beside it: the share of images whose nearest other
one, by the features themselves, is of the same kind, which is one half where the two cannot be told apart (the
two-sample test of nearest neighbours; Xu et al. 2018, arXiv 1806.07755).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganzoo.data import ImageData
from ganzoo.errors import UsageError
from ganzoo.files.paths import to_path
from ganzoo.files.write import write_json
from ganzoo.metrics.extract import Progress
from ganzoo.metrics.features import FeatureNetwork
from ganzoo.metrics.spectrum import PowerSpectrum
from ganzoo.metrics.subjects import Batches, Generated, Pictured
from ganzoo.registry.labels import LABEL_KINDS
from ganzoo.registry.sizes import height_width
from ganzoo.scoring.drawn import Fakes, Model, check_counts, drawn, fakes_of, opened
from ganzoo.scoring.score import open_real
from ganzoo.seeding import derive
from ganzoo.visual.figure import ENDINGS, need_matplotlib
from ganzoo.visual.inspection import Side, draw

FEWEST = 5  # images of each kind
PERPLEXITY = 30.0  # of t-SNE: about as many neighbours count
COMPONENTS = 50  # principal ones of the features that t-SNE looks at, as its authors advise
ROWS = 1024  # of distances at once
QUIET = 1e-12  # power that is as good as none


@dataclass(frozen=True)
class Inspection:
    """What was found.

    Attributes:
        frequencies: of the spectra, in cycles per pixel, ``(rings,)``.
        samples, data: power of their spectra, places on the map and classes.
        class_names: by class number.
        own: the share of images whose nearest other one, by features, is of the same kind.
        chance: that share where the two kinds cannot be told apart.
        protocol: what was looked at and how, as JSON.
    """

    frequencies: Tensor
    samples: Side
    data: Side
    class_names: tuple[str, ...]
    own: float
    chance: float
    protocol: Mapping[str, Any]

    @property
    def decibels(self) -> Tensor:
        """How much more power samples have at each frequency, in decibels, ``(rings,)``."""
        return 10 * (self.samples.power.clamp(min=QUIET) / self.data.power.clamp(min=QUIET)).log10()

    def sentences(self) -> tuple[str, str]:
        """What the spectra say, and what the features say."""
        decibels = self.decibels
        most = int(decibels.abs().argmax())
        where = float(self.frequencies[most])
        return (
            f"power spectra: samples are {float(decibels.abs().mean()):.1f} dB from the data on average over"
            f" frequencies, most of all {float(decibels[most]):+.1f} dB at {where:.3g} cycles per pixel",
            f"features: {self.own:.0%} of images have one of their own kind, sample or real, as nearest neighbour;"
            f" {self.chance:.0%} where the two cannot be told apart, and fewer where samples are copies",
        )

    def to_json(self) -> dict[str, Any]:
        """Every number of the figure, as JSON."""
        spectra = {
            "frequencies": self.frequencies.tolist(),
            "samples": self.samples.power.tolist(),
            "data": self.data.power.tolist(),
            "decibels": self.decibels.tolist(),
        }
        sides = {name: _side_json(side) for name, side in (("samples", self.samples), ("data", self.data))}
        found = {"own_kind_nearest": self.own, "chance": self.chance, "sentences": list(self.sentences())}
        names = list(self.class_names)
        return {**self.protocol, **found, "power_spectrum": spectra, "tsne": sides, "class_names": names}

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the figure, and its numbers as JSON beside it; returns the file of the numbers.

        Args:
            path: ends in ``.png`` or ``.svg``; the numbers get its name with ``.json``.

        Raises:
            UsageError: for another ending, or without matplotlib.
        """
        file = to_path(path, "path")
        if file.suffix.lower() not in ENDINGS:
            raise UsageError(f"{file} does not work: write a name that ends in {' or '.join(ENDINGS)}")
        network = self.protocol["network"]["name"]
        draw(file, self.frequencies, self.samples, self.data, class_names=self.class_names, features=network)
        numbers = file.with_suffix(".json")
        write_json(numbers, self.to_json())
        return numbers


def _side_json(side: Side) -> dict[str, Any]:
    classes = None if side.classes is None else side.classes.tolist()
    return {"name": side.name, "places": side.places.tolist(), "classes": classes}


def inspect(
    model: Model,
    data: Any,
    *,
    split: str | None = None,
    n: int = 500,
    features: str | None = None,
    weights: str | PathLike[str] | None = None,
    seed: int = 0,
    batch: int = 64,
    device: str = "cpu",
    step: int | str | None = None,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> Inspection:
    """Power spectra of samples and of data, and a map of the features of both by t-SNE.

    The same arguments give the same numbers, on the same machine.

    Args:
        model: a GAN; a reference as :func:`ganzoo.load` takes it; or a folder or ``.zip`` of images.
        data: real images, as :func:`ganzoo.train` takes them, brought to the model's size and channels.
        split: of the data, ``train`` by default.
        n: images of each of the two kinds, from 5 up; fewer where there are fewer.
        features: the feature network, ``tf_efficientnet_lite0.in1k`` by default; as :func:`ganzoo.evaluate` takes it.
        weights: a file with the network's weights.
        seed: of the samples, of which real images are drawn, and of the map.
        batch: images computed at once.
        device: where samples and features are computed.
        step: a kept step, or ``"best"``, of a run.
        skip_bad: leave out pictures that cannot be read.
        progress: told how much is done, and of how much: images, and then the map.

    Raises:
        UsageError: without matplotlib; for data or a network that is not there; or for too few images.

    Example:
        >>> ganzoo.inspect("./runs/first", "digits").save("first.png")
    """
    need_matplotlib("ganzoo inspect")  # said before anything is computed
    check_counts(seed, batch, n=n)
    subject, network = opened(model, features, weights, device, step, skip_bad)
    real, named = open_real(data, split, subject.model, skip_bad=skip_bad)
    fakes = fakes_of(subject.model, real)
    real = fakes.data if isinstance(fakes, Generated) else real  # with the model's numbering of classes
    counts = {"samples": fakes.count(n), "data": min(n, real.count)}
    for what, count in counts.items():
        if count < FEWEST:
            raise UsageError(f"there are {count} images of {what}, and a spectrum and a map need {FEWEST} at least")
    watched = _Watched(progress, 2 * sum(counts.values()))
    samples = _Seen.of(drawn(fakes, n, seed, batch), network, real, watched)
    pictures = _Seen.of(drawn(Pictured(real), n, derive("inspect", seed), batch), network, real, watched)
    own, chance = own_share(samples.features, pictures.features)
    places = tsne(torch.cat([samples.features, pictures.features]), seed).split(list(counts.values()))
    watched.add(sum(counts.values()))
    names, of_samples, of_data = _known_classes(fakes, real)
    return Inspection(
        frequencies=samples.frequencies,
        samples=Side("samples", samples.power, places[0], samples.classes if of_samples else None),
        data=Side(real.name, pictures.power, places[1], pictures.classes if of_data else None),
        class_names=names,
        own=own,
        chance=chance,
        protocol={
            "n": counts,
            "dataset": {"name": real.name, "fingerprint": real.fingerprint, "split": named, "count": real.count},
            "network": network.record(),
            "seed": seed,
            "step": subject.step,
            "weights": subject.digest,
        },
    )


def _known_classes(fakes: Fakes, real: ImageData) -> tuple[tuple[str, ...], bool, bool]:
    """Names of classes, and whether they are those of the samples, and those of the real images."""
    theirs = real.labels is not None and real.label_kind == LABEL_KINDS[0]
    if not fakes.labelled or fakes.label_kind != LABEL_KINDS[0]:
        return tuple(real.class_names), False, theirs
    names = fakes.gan.class_names if fakes.gan is not None and fakes.gan.classes else fakes.data.class_names
    return tuple(names), True, theirs and not fakes.mismatch


# --- what is measured ---------------------------------------------------------------------------------------


class _Watched:
    """Tells a progress how much is done in all."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self.progress, self.total, self.done = progress, total, 0

    def add(self, count: int) -> None:
        """So many more are done."""
        self.done += count
        if self.progress is not None:
            self.progress(self.done, self.total)


@dataclass(frozen=True)
class _Seen:
    """What was measured of one kind of images.

    Attributes:
        frequencies, power: of their spectrum.
        features: ``(n, d)``.
        classes: their labels, ``(n,)`` or ``(n, L)``; None without.
    """

    frequencies: Tensor
    power: Tensor
    features: Tensor
    classes: Tensor | None

    @classmethod
    def of(cls, batches: Batches, network: FeatureNetwork, like: ImageData, watched: _Watched) -> _Seen:
        """What batches of images of the size of ``like`` show."""
        spectrum = PowerSpectrum(*height_width(like.size))
        features, labels = [], []
        for images, classes in batches:
            spectrum.add(images)
            features.append(network(images)[0])
            labels += [] if classes is None else [classes]
            watched.add(len(images))
        return cls(spectrum.frequencies, spectrum.power(), torch.cat(features), torch.cat(labels) if labels else None)


def own_share(samples: Tensor, data: Tensor) -> tuple[float, float]:
    """The share of rows whose nearest other row is of their own kind, and what it is by chance.

    Of several that are equally near, each counts in part.

    Args:
        samples, data: features ``(n, d)`` and ``(m, d)``.
    """
    rows = torch.cat([samples, data]).double()
    rows = rows - rows.mean(0)
    is_sample = torch.arange(len(rows)) < len(samples)
    near = 1e-9 * float(rows.square().sum(1).mean())  # rounding of squared distances
    total = 0.0
    for numbers in torch.arange(len(rows)).split(ROWS):
        apart = torch.cdist(rows[numbers], rows).square()
        apart[torch.arange(len(numbers)), numbers] = torch.inf
        nearest = (apart <= apart.amin(1, keepdim=True) + near).double()
        own = (is_sample[numbers, None] == is_sample).double()
        total += float(((nearest * own).sum(1) / nearest.sum(1)).sum())
    n, m = len(samples), len(data)
    return total / (n + m), (n * (n - 1) + m * (m - 1)) / ((n + m) * (n + m - 1))


def tsne(features: Tensor, seed: int) -> Tensor:
    """A map of features ``(n, d)``: places ``(n, 2)``, the same for the same seed, whatever the number of threads."""
    from sklearn.decomposition import PCA  # seconds, which a wrong name need not wait for
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    rows = features.double().numpy()
    if not np.ptp(rows, 0).any():
        return torch.zeros(len(rows), 2)
    with threadpool_limits(1):  # sums of several threads differ in their last bits, and a map in all of them
        fewer = PCA(min(COMPONENTS, *rows.shape), svd_solver="full").fit_transform(rows)
        state = derive("t-sne", seed) % 2**32
        perplexity = min(PERPLEXITY, (len(rows) - 1) / 3)
        found = TSNE(2, perplexity=perplexity, init="pca", random_state=state).fit_transform(fewer)
    return torch.from_numpy(found).double()
