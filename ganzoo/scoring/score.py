"""Scores by reference: what ``ganzoo.evaluate`` and ``ganzoo eval`` do with folders and data sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.card import kept_up_to_date
from ganzoo.data import DataRequest, ImageData, open_data
from ganzoo.data.dataset import kind_like
from ganzoo.data.holdout import VALID, HoldOut
from ganzoo.data.open import is_path
from ganzoo.errors import UsageError, read_text, whole
from ganzoo.files.paths import to_path
from ganzoo.files.write import check_writable
from ganzoo.folder.layout import CONFIG, SNAPSHOTS
from ganzoo.folder.model import ModelFolder
from ganzoo.folder.scores import Scores
from ganzoo.gan.arguments import read_device
from ganzoo.gan.gan import GAN
from ganzoo.hub.locate import ModelReference, locate
from ganzoo.machine.memory import keep_memory
from ganzoo.metrics import evaluate as measure
from ganzoo.metrics.cache import keep_floor
from ganzoo.metrics.evaluation import check_amounts
from ganzoo.metrics.extract import Progress
from ganzoo.metrics.select import choose, flattered, views_of, with_floor
from ganzoo.metrics.subjects import match
from ganzoo.registry.arguments import known_arguments
from ganzoo.registry.loading import log
from ganzoo.registry.sizes import shorter

if TYPE_CHECKING:
    import torch

OTHER = {"train": "test", "test": "train", VALID: "test"}


@dataclass(frozen=True)
class Subject:
    """Something to be scored.

    Attributes:
        label: what a person calls it.
        model: a GAN, or images.
        step: of training.
        digest: sha256 of its weights; empty where it has none.
        folder: where its scores are kept; None for nowhere.
    """

    label: str
    model: GAN | ImageData
    step: int = 0
    digest: str = ""
    folder: ModelFolder | None = None


def is_model(path: Path) -> bool:
    """Whether a folder holds a model rather than images."""
    return path.is_dir() and (path / CONFIG).exists()


def subjects(
    model: GAN | ModelReference | Path,
    *,
    step: int | str | None = None,
    every: bool = False,
    device: str | torch.device = "cpu",
    skip_bad: bool = False,
) -> Iterator[Subject]:
    """What there is to score, loaded one at a time.

    Args:
        model: a GAN; a model's folder, or its ``snapshots``; a folder or zip of images.
        step: a kept step, or ``"best"``.
        every: every kept step, oldest first, and the model itself.
        device: where weights go.
        skip_bad: of images, leave out pictures that cannot be read.

    Raises:
        UsageError: steps of what has none.
        ModelError: for a folder that is no model, or has no such step.
    """
    if isinstance(model, Path) and model.name == SNAPSHOTS and is_model(model.parent):
        model, every = model.parent, True
    if isinstance(model, Path) and is_model(model):
        yield from _kept(ModelReference(ModelFolder(model), str(model)), step, every, device, own=True)
        return
    if isinstance(model, ModelReference):  # the Hub's cache, or a package: nobody's folder to write to
        yield from _kept(model, step, every, device, own=False)
        return
    if step is not None or every:
        raise UsageError("only the folder of a run has kept steps: leave the step out")
    if isinstance(model, GAN):
        yield Subject("the model", model)
    else:
        yield Subject(model.name, open_data(model, DataRequest(split="all", skip_bad=skip_bad)))


def _kept(
    found: ModelReference, step: int | str | None, every: bool, device: str | torch.device, own: bool
) -> Iterator[Subject]:
    """The weights of a model: its own, those of one step, or every one's; ``own`` where its folder keeps the scores."""
    folder = found.folder
    steps: list[int | str | None] = [step]
    if every:
        steps = [*(kept for kept in folder.snapshots if kept != folder.config["step"]), folder.config["step"]]
    for one in steps:
        label = found.label if one is None else f"{found.label} step {one}"
        gan = found.load(device, one)
        for remark in gan.game.remarks():
            log.warning("%s: %s", label, remark)
        yield Subject(
            label=label,
            model=gan,
            step=_number(one, folder),
            digest=folder.step_digest(one),
            folder=folder if own else None,
        )


def _number(step: int | str | None, folder: ModelFolder) -> int:
    """The step that a name of one means."""
    if isinstance(step, int):
        return step
    return folder.config["step"] if step in (None, folder.config["selection"]["chosen"]) else max(folder.bests)


def open_split(
    data: Any, split: str | None, like: GAN | ImageData, fingerprint: object = None, skip_bad: bool = False
) -> tuple[ImageData, str]:
    """Real images of the shape and bits of ``like``, and what records call the part of the data that they are.

    A folder, zip or tensor is taken whole; a ``split`` given for it only says what it is. Named data sets are asked
    for the split; ``train`` by default, as published scores have it.

    Args:
        data: as ``--data`` takes it.
        split: of it.
        like: a model, or other data.
        fingerprint: that the images are compared with; that of ``like``, or of what it learned from, by default.
        skip_bad: leave out pictures that cannot be read.
    """
    size: dict[str, Any] = {"skip_bad": skip_bad, "resolution": like.size, "channels": like.channels, "bits": like.bits}
    size["fingerprint_kind"] = kind_like(fingerprint or _known_by(like))
    if not isinstance(data, str) or is_path(data):
        return open_data(data, DataRequest(split="all", **size)), split or "all"
    wanted = split or "train"
    return open_data(data, DataRequest(split=wanted, **size)), wanted


def _known_by(like: GAN | ImageData) -> object:
    """The fingerprint of data, or of what a model learned from."""
    return like.fingerprint if isinstance(like, ImageData) else _config(like)["dataset"].get("fingerprint")


def open_real(
    data: Any, split: str | None, model: GAN | ImageData, fingerprint: object = None, skip_bad: bool = False
) -> tuple[ImageData, str]:
    """Real images as :func:`open_split` gives them; ``valid`` is what the model's own training held out, if it did.

    Raises:
        UsageError: ``valid`` is asked for, of other data than the model's training held some out of.
    """
    held = held_out_of(model)
    if held is None or split != VALID:
        return open_split(data, split, model, fingerprint, skip_bad)
    whole, _ = open_split(data, None, model, held.of, skip_bad)
    if not whole.is_known_as(held.of):
        raise UsageError(f"{whole.name} is not the data that the training held images out of: give that as --data")
    return held.divide(whole)[1], VALID


def refuse_trained_on(real: ImageData, split: str, model: GAN | ImageData) -> None:
    """Refuse to record images that a model was trained on as images that it has not seen.

    Raises:
        UsageError: the split is called ``test`` or ``valid``, and holds what the model learned from.
    """
    held = held_out_of(model)
    learned_from = (_config(model)["dataset"].get("fingerprint"), held.of if held else None)
    if split in ("test", VALID) and any(map(real.is_known_as, learned_from)):
        raise UsageError(
            f"--split {split}: these images of {real.name} are what the model was trained on: give --split train, or"
            " other images"
        )


def class_words(gan: GAN, real: ImageData) -> str:
    """How the classes of real images differ from those that a model draws; nothing where they do not."""
    found = match(gan, real)
    return found.problem or found.note


def held_out_of(model: GAN | ImageData) -> HoldOut | None:
    """What the training of a model that was loaded held out; None where nothing was.

    Raises:
        ModelError: its ``config.json`` makes no sense there.
    """
    return HoldOut.read(_config(model), Path(CONFIG))


def _config(model: GAN | ImageData) -> Mapping[str, Any]:
    """What ``config.json`` says of a model that was loaded; that of any other, and of images, has no data set."""
    config: Any = getattr(model, "config", None)
    return dict(config) if isinstance(config, dict) else {"dataset": {}}


@known_arguments
def evaluate(
    model: GAN | ModelReference | str | PathLike[str],
    data: Any,
    *,
    split: str | None = None,
    metrics: str | Sequence[str] = ("fid",),
    n: int = 50_000,
    features: str | None = None,
    weights: str | PathLike[str] | None = None,
    seed: int = 0,
    seeds: int = 1,
    batch: int = 64,
    device: str | torch.device = "cpu",
    step: int | str | None = None,
    every_step: bool = False,
    floor: Any = None,
    save: bool = True,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> Scores:
    """Score a model, or images, against real images, and keep the scores in the model's folder.

    Args:
        model: a GAN; a reference as :func:`ganzoo.load` takes it; or a folder or ``.zip`` of images.
        data: real images, as :func:`ganzoo.train` takes them.
        split: of the data, ``train`` by default; for a folder, zip or tensor, only what to call it. ``valid`` is what
            the model's training held out.
        metrics: names of metrics (``ganzoo list metric``), with options as in ``kid:subsets=50``; a list, or text with
            commas.
        n: images to draw.
        features: the feature network: ``inception-v3-compat`` by default, which FID is defined on, or one of timm,
            such as ``tf_efficientnet_lite0.in1k``.
        weights: a file with the network's weights.
        seed, seeds: of the noise: the first, and how many to average over.
        batch: images computed at once; scores do not depend on it.
        device: where everything is computed.
        step: a kept step, or ``"best"``, of a run.
        every_step: score every kept step of a run.
        floor: other real images, to be scored as if they were generated: what a perfect model would get. The same
            name as ``data`` means its other split.
        save: keep the scores in ``metrics.json``, where ``model`` is a folder.
        skip_bad: leave out pictures that cannot be read, of the real images and of a folder that is scored.
        progress: told how many images are done, and of how many.

    Returns:
        The scores, in the order of steps and metrics: a list that notebooks show as a table.

    Example:
        >>> ganzoo.evaluate("./runs/first", "digits", metrics=["fid", "kid"], n=1000)
    """
    selected = choose(metrics)
    check_amounts(seed, seeds, batch)
    whole("n", n, 1)
    read_device(device)
    if split is not None:
        read_text("split", split, "test")
    keep_memory()
    every = subjects(found_model(model), step=step, every=every_step, device=device, skip_bad=skip_bad)
    first = next(every)
    if save and first.folder is not None:
        check_writable(first.folder.path)
    file = None if weights is None else to_path(weights, "weights")
    # What is missing is said before data is opened.
    gan = first.model if isinstance(first.model, GAN) else None
    views = views_of(selected, features, shorter(first.model.size), file, device, gan=gan)
    real, named = open_real(data, split, first.model, skip_bad=skip_bad)
    refuse_trained_on(real, named, first.model)
    if gan is not None:
        for said in filter(None, [*flattered(views, gan), class_words(gan, real)]):
            log.warning("%s", said)
    network = {"features": features, "weights": file, "device": device}
    options: dict[str, Any] = {"metrics": metrics, "batch": batch, "progress": progress, **network}
    if floor is not None:
        count = n if isinstance(first.model, GAN) else min(n, first.model.count)
        measure_floor(floor, data, real, named, count, options, skip_bad=skip_bad)
    found = Scores()
    options |= {"n": n, "seed": seed, "seeds": seeds, "split": named}
    for subject in chain([first], every):
        scores = measure(subject.model, real, step=subject.step, digest=subject.digest, **options)
        found += scores
        if save and subject.folder is not None:
            with kept_up_to_date(subject.folder):
                subject.folder.add_scores(scores)
    return found


def found_model(model: GAN | ModelReference | str | PathLike[str]) -> GAN | ModelReference | Path:
    """What a reference means: a path where it is one, with a model or images at its end; else a model by name."""
    if isinstance(model, GAN | ModelReference):
        return model
    if isinstance(model, str) and not model.startswith((".", "/", "~")):
        return locate(model)
    return to_path(model, "model")


def measure_floor(
    floor: Any,
    data: Any,
    real: ImageData,
    split: str,
    n: int,
    options: dict[str, Any],
    *,
    skip_bad: bool = False,
) -> None:
    """Score real images by a protocol, and remember it as what a perfect model would get.

    Args:
        floor: the images that stand in for generated ones; equal to ``data`` for its other split.
        data, real, split: the data that models are scored against, as given and opened.
        n: images of a model that is scored; there must be as many here, or the protocols would differ.
        options: of the measurement.
        skip_bad: leave out pictures that cannot be read.

    Raises:
        UsageError: there are fewer, or they are the same images, or the metrics have no floor.
    """
    other = OTHER.get(split) if isinstance(floor, str) and floor == data and not is_path(floor) else None
    options = {**options, "metrics": with_floor(options["metrics"])}
    images, _ = open_split(floor, other, real, skip_bad=skip_bad)
    if images.fingerprint == real.fingerprint:
        raise UsageError(f"the floor compares {real.name} with itself: give other real images, or another split")
    if images.count < n:
        raise UsageError(f"the floor needs as many real images as are drawn, and there are {images.count:,}: lower -n")
    for score in measure(images, real, n=n, split=split, **options):
        keep_floor(score)
