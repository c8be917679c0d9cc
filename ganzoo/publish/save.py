"""``gan.save``: a GAN that a loop of one's own trained, as a folder like those that ``ganzoo train`` leaves."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ganzoo.card import make_card
from ganzoo.card.facts import read_card
from ganzoo.errors import CardError, ModelError, UsageError, whole
from ganzoo.files.paths import to_path
from ganzoo.files.write import TORN, atomic, atomic_folder, check_writable, lock, make_folder, write_text
from ganzoo.folder import examples, label_rows
from ganzoo.folder.config import OWN_LOOP, describe
from ganzoo.folder.discriminator import discriminator_state
from ganzoo.folder.layout import CARD, CONFIG, DISCRIMINATOR, MODEL, RUN, TRAINING
from ganzoo.folder.model import ModelFolder, save_model
from ganzoo.folder.weights import write_tensors
from ganzoo.gan.gan import GAN
from ganzoo.training.output import RunOutput

SAME = ("recipe", "parts", "provides", "height", "width", "channels", "bits", "classes", "z_dim", "dtype")
"""What of two configs must agree for the weights of one to load by the other."""


def save(gan: GAN, folder: str | PathLike[str], facts: Mapping[str, Any], overwrite: bool = False) -> Path:
    """Write a model folder; see :meth:`GAN.save`.

    Args:
        gan: whose generator side is saved.
        folder: to make, or to replace the model in.
        facts: ``data``, ``step``, ``seed`` and ``license``.
        overwrite: whether a model that is there is replaced.

    Returns:
        The folder.
    """
    if not str(folder):
        raise UsageError("gan.save takes a folder, such as 'runs/mine', and no empty text")
    return write_folder(gan, to_path(folder, "folder"), _config(gan, facts), overwrite)


def write_folder(
    gan: GAN, target: Path, config: Mapping[str, Any], overwrite: bool = False, discriminator: bool = False
) -> Path:
    """Write a model folder in one piece: weights, ``config.json``, samples, card.

    Args:
        gan: whose generator side is saved.
        target: to make, or to replace the model in.
        config: what ``config.json`` will say.
        overwrite: whether a model that is there is replaced.
        discriminator: whether the other networks are saved beside it, as ``push --with-discriminator`` publishes them.

    Returns:
        The folder.
    """
    replaced = os.path.lexists(target) and not (target.is_dir() and not any(target.iterdir()))
    if replaced:
        _check_replaced(target, config, overwrite)
    check_writable(target)
    make_folder(target.parent)
    with ExitStack() as stack:
        if replaced:
            stack.enter_context(lock(target))
        beside = stack.enter_context(TemporaryDirectory(prefix=f"{TORN}{os.getpid()}-", dir=target.parent))
        place = Path(beside) / target.resolve().name  # which is what the card calls it
        place.mkdir()
        _fill(place, gan, config, target)
        if discriminator:
            write_tensors(place / DISCRIMINATOR, discriminator_state(gan))
        if replaced:
            _replace(place, target)
        else:
            with atomic_folder(target) as temporary:
                os.rename(place, temporary)
    return target


def _config(gan: GAN, facts: Mapping[str, Any]) -> dict[str, Any]:
    """``config.json``: the GAN's own where it was loaded from a folder, with what its loop says of itself."""
    step, seed = whole("step", facts["step"], 0), whole("seed", facts["seed"], 0)
    for name, example in {"data": "my photos", "license": "mit"}.items():
        text = facts[name]
        if not (isinstance(text, str) and text.strip()) and not (text is None and name == "license"):
            raise UsageError(f"{name}={text!r} does not work: it is a text such as {example!r}")
    if len(gan.class_names) != gan.classes:
        raise UsageError(f"gan.class_names has {len(gan.class_names)} names; this GAN has {gan.classes} classes")
    weights = next(gan.get_submodule("G").parameters())
    if weights.is_meta:
        raise UsageError("this GAN was built on the device meta and has no weights to save: build it on another")
    dtype = str(weights.dtype).removeprefix("torch.")
    config = describe(gan, step=step, seed=seed, dataset={"name": facts["data"]}, license=facts["license"])
    return {**config, "origin": OWN_LOOP, "dtype": dtype}


def _check_replaced(target: Path, config: Mapping[str, Any], overwrite: bool) -> None:
    """Refuse to write into a folder that holds anything but a model of the same networks, which may be replaced."""
    if not target.is_dir() or not (target / CONFIG).is_file():
        raise UsageError(f"{target} is there already and no model of gan.save: name a new folder")
    if (target / TRAINING / RUN).exists():
        raise UsageError(f"{target} is a run of ganzoo train, whose model is that of its checkpoint: name a new folder")
    if not overwrite:
        raise UsageError(f"{target} holds a model already: name a new folder, or replace it with overwrite=True")
    old = ModelFolder(target).config
    differs = [name for name in SAME if old[name] != config[name]]
    if differs:
        what = f"{differs[0]} ({old[differs[0]]!s:.60})"
        raise UsageError(f"{target} holds a model with another {what}: name a new folder, or remove it")


def _fill(place: Path, gan: GAN, config: Mapping[str, Any], target: Path) -> None:
    """Write all files of the model into an empty folder, and read them back.

    Args:
        place: the empty folder.
        gan, config: what is saved.
        target: the folder to be; what a person wrote into the card that is there stays.

    Raises:
        UsageError: what was written cannot be loaded.
    """
    save_model(gan, place, config)
    examples.write(place, gan)
    label_rows.write(place, gan)
    copy = ModelFolder(place)
    try:
        loaded = copy.load()
    except ModelError as error:
        raise UsageError(f"this GAN cannot be saved: {str(error).replace(str(place), str(target))}") from error
    output = RunOutput(place, config["seed"], 0, loaded.examples)
    with suppress(UsageError):  # of a model whose inputs nobody has given there is nothing to show
        output.picture(output.samples(loaded))
    try:
        if (target / CARD).is_file():
            write_text(place / CARD, read_card(ModelFolder(target)) or "")
        write_text(place / CARD, make_card(copy))
    except (CardError, ModelError) as error:
        raise UsageError(f"{target / CARD} cannot be made anew: {error}") from error


def _replace(place: Path, target: Path) -> None:
    """Move files into a folder over those that are there, each in one piece; the weights before what describes them."""
    files = [path.relative_to(place) for path in sorted(place.rglob("*")) if path.is_file()]
    first = [Path(MODEL), Path(CONFIG)]
    for name in [*first, *(file for file in files if file not in first)]:
        make_folder((target / name).parent)
        with atomic(target / name) as temporary:
            shutil.copyfile(place / name, temporary)
