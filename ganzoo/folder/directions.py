"""The file of directions that ``ganzoo directions`` writes and ``sample`` takes: safetensors, with what they are of."""

from __future__ import annotations

import json
import re
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ganzoo.errors import ModelError, UsageError
from ganzoo.files.parse import parse_json
from ganzoo.files.paths import to_path
from ganzoo.files.untrusted import field, quoted, read_metadata, read_shapes, read_tensors
from ganzoo.folder.weights import generator_state, tensors_digest, write_tensors
from ganzoo.gan.gan import GAN
from ganzoo.gan.inputs import NOISE
from ganzoo.gan.steering import (
    Directions,
    Move,
    Moves,
    Range,
    Ranges,
    check_moves,
    read_moves,
    read_ranges,
)

if TYPE_CHECKING:
    from torch import Tensor

ABOUT = "ganzoo"  # the one entry of the file's metadata: several would stand in no fixed order
SIGN = "the component that is largest in size is positive"
SPACES = ("z", "w")


def save_directions(path: Path, found: Directions) -> None:
    """Replace the file at ``path``; the same directions give the same bytes.

    Raises:
        RunError: it cannot be written.
    """
    about = {
        "layers": None if found.layers is None else list(found.layers),
        "method": found.method,
        "model": found.model,
        "sign": SIGN,
        "space": found.space,
    }
    tensors = {"directions": found.vectors.float(), "sigma": found.sigma.float()}
    write_tensors(path, tensors, {ABOUT: json.dumps(about, sort_keys=True)})


def read_directions(path: Path) -> Directions:
    """What :func:`save_directions` wrote.

    Raises:
        ModelError: it is not there, or no such file.
    """
    if not path.exists():
        raise ModelError(f"there is no file {path}; 'ganzoo directions MODEL' writes one")
    shapes = read_shapes(path)
    about = _about(path)
    space, layers = field(about, "space", str, path), about.get("layers")
    method, model = field(about, "method", str, path), field(about, "model", str, path)
    if space not in SPACES or not (layers is None or _is_range(layers)) or not re.fullmatch("[0-9a-f]{64}", model):
        raise ModelError(f"{path} makes no sense as directions: {quoted(json.dumps(about))}")
    _check_shapes(shapes, path)
    tensors = read_tensors(path, shapes)
    return Directions(
        tensors["directions"].float(),
        tensors["sigma"].float(),
        space,
        None if layers is None else (layers[0], layers[1]),
        method,
        model,
    )


def _about(path: Path) -> dict[str, Any]:
    try:
        about = parse_json(read_metadata(path)[ABOUT].encode())
    except (KeyError, ValueError):
        about = None
    if not isinstance(about, dict):
        raise ModelError(f"{path} holds no directions; 'ganzoo directions MODEL' writes a file that does")
    return about


def _is_range(layers: object) -> bool:
    return (
        isinstance(layers, list)
        and len(layers) == 2
        and all(type(one) is int for one in layers)
        and 0 <= layers[0] <= layers[1]
    )


def _check_shapes(shapes: dict[str, Tensor], path: Path) -> None:
    vectors, sigma = shapes.get("directions"), shapes.get("sigma")
    if (
        vectors is None
        or sigma is None
        or len(shapes) != 2
        or vectors.ndim != 2
        or not vectors.numel()
        or sigma.shape != vectors.shape[:1]
        or not vectors.is_floating_point()
    ):
        raise ModelError(f"{path} holds no directions; 'ganzoo directions MODEL' writes a file that does")


def model_digest(gan: GAN) -> str:
    """sha256 of the file that a model's generator side is, or would be, written to."""
    return tensors_digest(generator_state(gan))


def asked_move(gan: GAN, direction: Moves | None, directions: str | PathLike[str] | Directions | None) -> Move | None:
    """The move that a person asked for; None for none.

    Args:
        gan: the model.
        direction: such as ``"d3=1.5"``; see :func:`ganzoo.gan.steering.read_moves`.
        directions: a file of them, or what was read from one.

    Raises:
        UsageError: only one of the two is given, they are of another model, or there is no such direction.
        ModelError: the file holds no directions.
    """
    found = _asked(gan, direction, directions)
    return None if found is None else found.move(read_moves(direction or (), len(found.vectors)))


def asked_ranges(
    gan: GAN, direction: Ranges | None, directions: str | PathLike[str] | Directions | None
) -> tuple[Directions, dict[int, Range]] | None:
    """As :func:`asked_move`, of what is walked along: the directions, and from where to where in each."""
    found = _asked(gan, direction, directions)
    return None if found is None else (found, read_ranges(direction or (), len(found.vectors)))


def _asked(gan: GAN, direction: object, directions: str | PathLike[str] | Directions | None) -> Directions | None:
    """The directions that were given, of this model; None where none are asked for."""
    check_moves(direction, directions)
    if not direction or directions is None:
        return None
    found = directions if isinstance(directions, Directions) else read_directions(to_path(directions, "directions"))
    refuse_other(found, gan, model_digest(gan))
    return found


def refuse_other(found: Directions, gan: GAN, digest: str) -> None:
    """Refuse a model that directions were not found in.

    Args:
        found: the directions.
        gan: the model.
        digest: sha256 of its weights.

    Raises:
        UsageError: its latents have another shape, or its weights are others.
    """
    width = latent_width(gan, found.space)
    layers = getattr(gan.get_submodule("G"), "layers", None) if found.space == "w" else None
    beyond = found.layers is not None and isinstance(layers, int) and found.layers[1] >= layers
    if found.vectors.shape[1] != width or beyond:
        raise UsageError(
            f"these directions are of another model: they have {found.vectors.shape[1]} numbers of {found.space}"
            f" where this one has {width}; 'ganzoo directions MODEL' finds its own"
        )
    if found.model != digest:
        raise UsageError(
            f"these directions are of another model, whose weights have the sha256 {found.model[:12]}... and not"
            f" {digest[:12]}...; 'ganzoo directions MODEL' finds its own"
        )


def latent_width(gan: GAN, space: str) -> int:
    """How many numbers an image's z has, or one of its w.

    Raises:
        UsageError: the model takes no noise, or not a row of it; or has no w.
    """
    if NOISE not in gan.input_names:
        raise UsageError("this model takes no noise, so nothing can be moved along a direction")
    generator: Any = gan.get_submodule("G")
    noise = generator.prior(1, torch.Generator())
    if noise.ndim != 2:
        raise UsageError(
            f"directions are of rows of noise, and this model's has the shape {tuple(noise.shape[1:])} an image"
        )
    if space == "z":
        return int(noise.shape[1])
    gan.refuse_without_w()
    return int(gan.styles(noise, torch.zeros(1, gan.classes)).shape[2])
