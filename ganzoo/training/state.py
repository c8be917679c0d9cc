"""Checkpoints of a training: everything to go on bit for bit, in safetensors and JSON, two of them kept.

``training/step-00000500/`` holds ``state.safetensors`` and ``state.json``, which has the other's digest: a folder
appears under its name only when both are on the disk, and one that does not hold together is passed over.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from torch import Tensor

from ganzoo.checkpoint import write_tensors
from ganzoo.errors import ModelError, RunError
from ganzoo.files import atomic_folder, write_json
from ganzoo.folder import field as checked
from ganzoo.folder import open_regular, read_json, read_shapes, read_tensors

TRAINING, TENSORS, NOTES = "training", "state.safetensors", "state.json"
FORMAT = 1
KEPT = 2


@dataclass
class State:
    """Where a training stands.

    Attributes:
        step: rounds taken.
        identity: digest of the mathematics; a checkpoint of another is foreign.
        tensors: by name.
        info: JSON-able rest.
    """

    step: int
    identity: str
    tensors: Mapping[str, Tensor]
    info: Mapping[str, Any] = field(default_factory=dict)


def checkpoints(folder: Path) -> dict[int, Path]:
    """Checkpoint folders of a run by step, oldest first, whether they hold together or not."""
    found = sorted((folder / TRAINING).glob("step-*"))
    return {int(path.name[5:]): path for path in found if path.name[5:].isdecimal()}


def _digest(path: Path) -> str:
    digest = sha256()
    with open_regular(path) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def save_training(folder: Path, state: State) -> None:
    """Write the checkpoint of ``state.step`` and remove all but the last two.

    Raises:
        RunError: the disk is full or the folder cannot be written to; older checkpoints are untouched.
    """
    path = folder / TRAINING / f"step-{state.step:08d}"
    shutil.rmtree(path, ignore_errors=True)
    with atomic_folder(path) as temporary:
        write_tensors(temporary / TENSORS, state.tensors)
        notes = {"format": FORMAT, "step": state.step, "identity": state.identity}
        write_json(temporary / NOTES, {**notes, "sha256": _digest(temporary / TENSORS), "info": dict(state.info)})
    for old in list(checkpoints(folder).values())[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def _read(path: Path, step: int, identity: str) -> State:
    notes = read_json(path / NOTES)
    if checked(notes, "format", int, path) > FORMAT:
        raise ModelError(f"{path} was written by a newer ganzoo: pip install --upgrade ganzoo")
    if checked(notes, "identity", str, path) != identity or checked(notes, "step", int, path) != step:
        raise ModelError(f"{path} belongs to another run")
    if checked(notes, "sha256", str, path) != _digest(path / TENSORS):
        raise ModelError(f"{path / TENSORS} is torn")
    info = checked(notes, "info", dict, path)
    return State(step, identity, read_tensors(path / TENSORS, read_shapes(path / TENSORS)), info)


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


def drop_after(folder: Path, step: int) -> None:
    """Remove checkpoints of later steps than ``step``: torn ones, once an older one is in use."""
    for later, path in checkpoints(folder).items():
        if later > step:
            shutil.rmtree(path, ignore_errors=True)
