"""Checkpoints of a training: everything to go on bit for bit, in safetensors and JSON, two of them kept.

``training/step-00000500/`` holds ``state.safetensors`` and ``state.json``, which has the other's digest: a folder
appears under its name only when both are on the disk, and one that does not hold together is passed over.
``training/best-00000300/`` is the checkpoint of the best step, with its ``model.safetensors``; it stays as long as a
kept checkpoint needs it, so a run that goes back to one also finds what was best then.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from ganzoo.errors import ModelError, RunError
from ganzoo.files.untrusted import field as checked
from ganzoo.files.untrusted import file_digest, read_json, read_shapes, read_tensors
from ganzoo.files.write import atomic_folder, write_json
from ganzoo.folder.layout import CONFIG, MODEL, STATE, STATE_TENSORS, best_path, bests, checkpoint_path, checkpoints
from ganzoo.folder.weights import refuse_other_shapes, write_tensors
from ganzoo.gan.gan import GAN
from ganzoo.registry.about import install

CHECKPOINT_FORMAT = 1
KEPT = 2
MOST_REMEMBERED = 8  # numbers beside the networks, averages and optimisers, for each number of a network
MOST_SUMS = 100_000  # and those of sums and counters


@dataclass
class State:
    """Where a training stands.

    Attributes:
        step: steps taken.
        identity: digest of all hyperparameters and the data; a checkpoint of another is foreign.
        tensors: by name.
        info: JSON-able rest.
    """

    step: int
    identity: str
    tensors: Mapping[str, Tensor]
    info: Mapping[str, Any] = field(default_factory=dict)


def save_training(folder: Path, state: State, every: int = 1) -> None:
    """Write the checkpoint of ``state.step`` and remove those that are not needed any more.

    Args:
        folder: of the run.
        state: of the step.
        every: steps between checkpoints; see :func:`prune`.

    Raises:
        RunError: the disk is full or the folder cannot be written to; older checkpoints are untouched.
    """
    path = checkpoint_path(folder, state.step)
    shutil.rmtree(path, ignore_errors=True)
    with atomic_folder(path) as temporary:
        _write(temporary, state)
    prune(folder, every)


def prune(folder: Path, every: int) -> None:
    """Keep two checkpoints: the last, and the last before it that is of a multiple of ``every``, if there is one.

    A run that was stopped between multiples thus ends with the same checkpoints as one that was not.
    """
    found = checkpoints(folder)
    *before, last = found or [0]
    regular = [step for step in before if step % every == 0] or before
    for step in set(before).difference(regular[1 - KEPT :], [last]):
        shutil.rmtree(found[step], ignore_errors=True)


def _write(path: Path, state: State) -> None:
    write_tensors(path / STATE_TENSORS, state.tensors)
    notes = {"format": CHECKPOINT_FORMAT, "step": state.step, "identity": state.identity}
    write_json(path / STATE, {**notes, "sha256": file_digest(path / STATE_TENSORS), "info": dict(state.info)})


def save_best(folder: Path, state: State, model: Mapping[str, Tensor], saved: bool = False) -> None:
    """Keep a step as the best one, and those before it only as long as a checkpoint needs them.

    Args:
        folder: of the run.
        state: of the step.
        model: what ``model.safetensors`` of that step holds.
        saved: whether :func:`save_training` has just written this state; then it takes no more room.

    Raises:
        RunError: the disk is full or the folder cannot be written to; the best before is untouched.
    """
    path = best_path(folder, state.step)
    shutil.rmtree(path, ignore_errors=True)
    with atomic_folder(path) as temporary:
        if saved:
            for name in (STATE_TENSORS, STATE):
                _link(checkpoints(folder)[state.step] / name, temporary / name)
        else:
            _write(temporary, state)
        write_tensors(temporary / MODEL, model)
    drop_bests(folder, state.step)


def _link(source: Path, target: Path) -> None:
    """A second name for a file, or a copy where the file system has no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def drop_bests(folder: Path, best: int | None) -> None:
    """Remove every best but the one of step ``best`` and those that the checkpoints refer to."""
    needed = {best}
    for path in checkpoints(folder).values():
        try:
            needed.add(checked(read_json(path / STATE), "info", dict, path).get("best"))
        except ModelError:
            continue  # it does not hold together, so no one will go back to it
    for step, path in bests(folder).items():
        if step not in needed:
            shutil.rmtree(path, ignore_errors=True)


def load_best(folder: Path, step: int, identity: str) -> State:
    """The best checkpoint, of ``step``.

    Raises:
        ModelError: it is not there, or does not hold together.
    """
    return _read(best_path(folder, step), step, identity)


def _check_notes(path: Path, step: int, identity: str) -> dict[str, Any]:
    """What ``state.json`` says, once it is known to be of this run and step."""
    notes = read_json(path / STATE)
    if checked(notes, "format", int, path) > CHECKPOINT_FORMAT:
        raise ModelError(f"{path} was written by a newer ganzoo: {install(upgrade=True)}")
    if checked(notes, "identity", str, path) != identity or checked(notes, "step", int, path) != step:
        raise ModelError(f"{path} belongs to another run, or {CONFIG} was changed since")
    return notes


def _read(path: Path, step: int, identity: str) -> State:
    notes = _check_notes(path, step, identity)
    if checked(notes, "sha256", str, path) != file_digest(path / STATE_TENSORS):
        raise ModelError(f"{path / STATE_TENSORS} is torn")
    info = checked(notes, "info", dict, path)
    return State(step, identity, read_tensors(path / STATE_TENSORS, read_shapes(path / STATE_TENSORS)), info)


def load_training(folder: Path, identity: str) -> tuple[State, list[str]]:
    """The newest checkpoint that holds together, and what is wrong with newer ones.

    Raises:
        RunError: there is none; the text names what was found.
    """
    wrong: list[str] = []
    for step, path in reversed(checkpoints(folder).items()):
        try:
            return _read(path, step, identity), wrong
        except ModelError as error:
            wrong.append(str(error))
    found = "; ".join(wrong) or "it was stopped before its first checkpoint"
    raise RunError(f"{folder} cannot be resumed: {found}")


def check_fits(gan: GAN, folder: Path, identity: str) -> None:
    """Refuse a GAN that no checkpoint of a run is of, by what notes and headers say: no weights are read.

    A ``config.json`` that was changed may ask for networks that take minutes to make and more memory than there is.

    Args:
        gan: as ``config.json`` describes it, on ``meta``.
        folder: of the run.
        identity: of what ``config.json`` says.

    Raises:
        RunError: saying of each checkpoint what it disagrees in.
    """
    expected = {f"gan/{name}": tensor for name, tensor in gan.state_dict().items()}
    wrong: list[str] = []
    for step, path in reversed(checkpoints(folder).items()):
        try:
            _check_header(path, expected)
            _check_notes(path, step, identity)
            return
        except ModelError as error:
            wrong.append(str(error))
    if wrong:
        raise RunError(f"{folder} cannot be resumed: {'; '.join(wrong)}")


def _check_header(path: Path, expected: Mapping[str, Tensor]) -> None:
    """The networks in a checkpoint's header must be those that ``config.json`` describes."""
    found = read_shapes(path / STATE_TENSORS)
    networks = {name: tensor for name, tensor in found.items() if name.startswith("gan/")}
    refuse_other_shapes(expected, networks, path / STATE_TENSORS)
    rest = sum(tensor.numel() for name, tensor in found.items() if name not in networks)
    if rest > MOST_REMEMBERED * sum(tensor.numel() for tensor in expected.values()) + MOST_SUMS:
        raise ModelError(
            f"{path / STATE_TENSORS} holds {rest:,} numbers beside its networks; no training keeps so many"
        )


def drop_after(folder: Path, step: int) -> None:
    """Remove checkpoints of later steps than ``step``: torn ones, once an older one is in use."""
    for later, path in checkpoints(folder).items():
        if later > step:
            shutil.rmtree(path, ignore_errors=True)
