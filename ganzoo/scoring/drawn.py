"""Samples to look at beside real images: what is looked at, through which network, and what it draws."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike

import torch
from torch import Tensor

from ganzoo.data import ImageData
from ganzoo.errors import UsageError, whole
from ganzoo.files.paths import to_path
from ganzoo.gan.arguments import read_device
from ganzoo.gan.gan import GAN
from ganzoo.gan.inputs import NOISE
from ganzoo.hub.locate import ModelReference
from ganzoo.images import visible
from ganzoo.metrics.features import FeatureNetwork, open_network
from ganzoo.metrics.subjects import Generated, Pictured, pictured_like
from ganzoo.metrics.weights import OFFLINE_NETWORK
from ganzoo.registry.sizes import shorter
from ganzoo.scoring.score import Subject, found_model, subjects
from ganzoo.seeding import derive

Model = GAN | ModelReference | str | PathLike[str]
Fakes = Generated | Pictured


def opened(
    model: Model,
    features: str | None,
    weights: str | PathLike[str] | None,
    device: str,
    step: int | str | None,
    skip_bad: bool,
) -> tuple[Subject, FeatureNetwork]:
    """A model, or images, and the network to look at them with.

    Args:
        model: a GAN; a reference as :func:`ganzoo.load` takes it; or a folder or ``.zip`` of images.
        features: the feature network; the one that needs no download by default.
        weights: a file with its weights.
        device: where both go.
        step: a kept step, or ``"best"``, of a run.
        skip_bad: of images, leave out pictures that cannot be read.
    """
    where = str(read_device(device))
    subject = next(subjects(found_model(model), step=step, device=where, skip_bad=skip_bad))
    file = None if weights is None else to_path(weights, "weights")
    return subject, open_network(features or OFFLINE_NETWORK, shorter(subject.model.size), file, where)


def check_counts(seed: int, batch: int, **counts: int) -> None:
    """Refuse numbers that cannot be meant, by their names.

    Raises:
        UsageError: for one that is no whole number, or too small.
    """
    whole("seed", seed)
    whole("batch", batch, 1)
    for name, count in counts.items():
        whole(name, count, 1)


def fakes_of(model: GAN | ImageData, data: ImageData) -> Fakes:
    """What a model draws beside real images, or images that stand for it; classes are matched by name.

    Raises:
        UsageError: the model makes its images from what the data does not have.
    """
    if isinstance(model, ImageData):
        return pictured_like(model, data)
    missing = sorted(model.input_names - {NOISE} - data.paired.keys() - data.unpaired.keys())
    if missing:
        raise UsageError(
            f"this model makes images from {', '.join(missing)}, and {data.name} has none for each image: give data"
            " such as it was trained on"
        )
    found = Generated.of(model, data)
    if found.mismatch and found.follows:
        raise UsageError(f"{found.name} draws with the labels of {data.name}, and {found.mismatch}")
    return found


def drawn(fakes: Fakes, n: int, seed: int, batch: int) -> Iterator[tuple[Tensor, Tensor | None]]:
    """What a person sees of the first ``n`` images, bytes ``(B, C, H, W)``, and their labels; fewer where there are.

    Every random number generator stays as it was.
    """
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(derive("layer noise", seed))  # for generators that draw noise in eval mode too
        for images, labels in fakes.batches(fakes.count(n), seed, batch):
            yield visible(images), labels
