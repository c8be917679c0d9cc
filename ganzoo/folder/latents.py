"""The file of latents that ``ganzoo project`` writes, and ``sample --latents`` and ``interpolate --from`` take.

Safetensors: ``z`` ``(n, z_dim)`` or ``w`` ``(n, layers, w_dim)``, float32; ``label``, class numbers ``(n,)`` or label
vectors ``(n, classes)``; and ``noise.NAME``, the picture of each noise input of G.
"""

from __future__ import annotations

import json
import re
from os import PathLike
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.errors import ModelError
from ganzoo.files.parse import parse_json
from ganzoo.files.paths import to_path
from ganzoo.files.untrusted import read_metadata, read_shapes, read_tensors
from ganzoo.folder.directions import ABOUT, model_digest
from ganzoo.folder.weights import write_tensors
from ganzoo.gan.gan import GAN
from ganzoo.gan.latents import Latents, refuse_other_latents

LABEL, NOISE = "label", "noise."
SPACES = {"z": 2, "w": 3}  # and how many dimensions they have
MOST = 1 << 28  # numbers in a file


def latent_tensors(found: Latents) -> dict[str, Tensor]:
    """What the file holds, by name."""
    tensors = {found.space: found.values.float()}
    if found.labels is not None:
        tensors[LABEL] = found.labels
    return {**tensors, **{f"{NOISE}{name}": picture.float() for name, picture in found.noise.items()}}


def save_latents(path: Path, found: Latents) -> None:
    """Replace the file at ``path``; the same latents give the same bytes.

    Raises:
        RunError: it cannot be written.
    """
    about = {"model": found.model}
    write_tensors(path, latent_tensors(found), {ABOUT: json.dumps(about)} if found.model else None)


def read_latents(path: Path) -> Latents:
    """What :func:`save_latents` wrote.

    Raises:
        ModelError: it is not there, or no such file.
    """
    shapes = read_shapes(path)
    space = next((name for name in SPACES if name in shapes), None)
    if space is None or not _makes_sense(shapes, space):
        raise ModelError(f"{path} holds no latents; 'ganzoo project MODEL PHOTO' writes a file that does")
    tensors = read_tensors(path, shapes)
    return Latents(
        space,
        tensors[space].float(),
        tensors.get(LABEL),
        {name.removeprefix(NOISE): picture.float() for name, picture in tensors.items() if name.startswith(NOISE)},
        _model(path),
    )


def _makes_sense(shapes: dict[str, Tensor], space: str) -> bool:
    values, label = shapes[space], shapes.get(LABEL)
    pictures = [tensor for name, tensor in shapes.items() if name.startswith(NOISE)]
    known = 1 + (label is not None) + len(pictures)
    return (
        len(shapes) == known
        and sum(tensor.numel() for tensor in shapes.values()) <= MOST
        and values.ndim == SPACES[space]
        and values.numel() > 0
        and all(tensor.is_floating_point() and tensor.ndim == 2 for tensor in pictures)
        and values.is_floating_point()
        and (label is None or _is_label(label, len(values)))
    )


def _is_label(label: Tensor, n: int) -> bool:
    if label.is_floating_point():
        return label.ndim == 2 and len(label) == n
    return label.dtype == torch.int64 and label.shape == (n,)


def _model(path: Path) -> str:
    """sha256 of the model that the file names; empty for none."""
    try:
        about = parse_json(read_metadata(path)[ABOUT].encode())
    except (KeyError, ValueError):
        return ""
    model = about.get("model") if isinstance(about, dict) else None
    return model if isinstance(model, str) and re.fullmatch("[0-9a-f]{64}", model) else ""


def asked_latents(gan: GAN, given: str | PathLike[str] | Latents) -> Latents:
    """The latents that a person gave, of a shape that the model takes.

    Args:
        gan: the model.
        given: a file, or what was read from one.

    Raises:
        UsageError: they are of another model.
        ModelError: the file holds no latents.
    """
    found = given if isinstance(given, Latents) else read_latents(to_path(given, "latents"))
    refuse_other_latents(gan, found)
    return found


def of_another(gan: GAN, found: Latents) -> bool:
    """Whether they say that they were found in weights that the model does not have."""
    return bool(found.model) and found.model != model_digest(gan)
